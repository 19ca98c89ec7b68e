use std::sync::{Mutex, PoisonError};

use super::LimitState;

/// How many entries share a place. One that is new takes the place of the one that says something for the shortest time.
const WAYS: usize = 8;

/// A key, and what is remembered of it. Numbers, because many of them that are zero are got from the system as they are, and a page
/// is taken when something is written there.
type Slot = [u64; 4];

const fn key_of(slot: &Slot) -> u64 {
    slot[0]
}

const fn state_of(slot: &Slot) -> LimitState {
    let [_, over, count, until] = *slot;
    LimitState { over, count, until }
}

const fn slot(key: u64, LimitState { over, count, until }: LimitState) -> Slot {
    [key, over, count, until]
}

/// Entries by the hashes of their keys, in memory that does not grow: new entries displace others, those that are over
/// first. Memory is taken with the first entry, and by the page.
pub(super) struct Table {
    sets: usize,
    slots: Mutex<Vec<Slot>>,
}

impl Table {
    /// For at least so many entries.
    pub(super) const fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS);
        Self { sets: if sets == 0 { 1 } else { sets }, slots: Mutex::new(Vec::new()) }
    }

    /// Reads and changes an entry in one step. One that is over, or was never there, is empty.
    pub(super) fn update<R>(&self, key: u64, now: u64, change: impl FnOnce(&mut LimitState) -> R) -> R {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.is_empty() {
            *slots = vec![[0; 4]; self.sets * WAYS];
        }
        let set = usize::try_from(key % self.sets as u64).unwrap_or_default();
        let set = slots.chunks_exact_mut(WAYS).nth(set).unwrap_or_default();
        let is_it = |slot: &Slot| key_of(slot) == key && state_of(slot).over > now;
        let rank = |slot: &&mut Slot| match is_it(slot) {
            true => 0,
            false => state_of(slot).over.max(now).saturating_add(1),
        };
        let mut state = LimitState::default();
        let Some(place) = set.iter_mut().min_by_key(rank) else { return change(&mut state) };
        let found = is_it(place);
        if found {
            state = state_of(place);
        }
        let result = change(&mut state);
        if state.over > now {
            *place = slot(key, state);
        } else if found {
            *place = [0; 4];
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn set(table: &Table, key: u64, now: u64, over: u64) {
        table.update(key, now, |entry| *entry = LimitState { over, count: key, until: 0 });
    }

    fn get(table: &Table, key: u64, now: u64) -> Option<LimitState> {
        Some(table.update(key, now, |entry| *entry)).filter(|entry| *entry != LimitState::default())
    }

    #[test]
    fn what_is_over_gives_way_first_then_what_is_over_soonest() {
        let table = Table::new(WAYS);
        for key in 1..=8 {
            set(&table, key, 1, 100 + key);
        }
        set(&table, 9, 1, 1000);
        assert_eq!(get(&table, 1, 1), None, "it said something for the shortest time");
        assert!((2..=9).all(|key| get(&table, key, 1).is_some()));
        set(&table, 10, 105, 1000);
        assert!((6..=10).all(|key| get(&table, key, 105).is_some()), "those that were over gave way");
    }

    #[test]
    fn no_more_than_its_places_are_ever_taken() {
        let table = Table::new(64);
        for key in 0..100_000 {
            set(&table, key, 1, 2 + key);
        }
        assert_eq!(table.slots.lock().unwrap().len(), 64);
    }

    /// Pages that this process has in memory.
    #[cfg(target_os = "linux")]
    fn resident_pages() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse().unwrap()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_taken_by_the_page() {
        let table = Table::new(1 << 24);
        let before = resident_pages();
        set(&table, 1, 1, 2);
        // 512 MiB are 131072 pages; the other tests take some meanwhile.
        assert!(resident_pages().saturating_sub(before) < 10_000);
    }

    proptest! {
        /// As long as there is room, it is a map from which entries vanish when they are over.
        #[test]
        fn with_room_for_all_it_is_a_map(
            steps in prop::collection::vec((0_u64..8, 0_u64..50, 0_u64..5), 1..200),
        ) {
            let (table, mut model, mut now) = (Table::new(WAYS), HashMap::new(), 1);
            for (key, life, passed) in steps {
                now += passed;
                let known = model.get(&key).copied().filter(|entry: &LimitState| entry.over > now);
                prop_assert_eq!(get(&table, key, now), known);
                set(&table, key, now, now + life);
                model.insert(key, LimitState { over: now + life, count: key, until: 0 });
            }
        }
    }
}
