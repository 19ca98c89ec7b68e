use super::table::Entry;

const SECOND: u64 = 1_000_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// So many in a period of microseconds: a bucket of tokens that is full in the beginning and fills up evenly. Kept is only
/// when it will be full again (the generic cell rate algorithm, ITU-T I.371).
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    count: u64,
    period: u64,
}

impl Rate {
    /// `None` for no limit, which is 0.
    pub(super) fn new(count: u32, period: u64) -> Option<Self> {
        (count > 0).then(|| Self { count: count.into(), period })
    }

    pub(super) const fn times(self, factor: u64) -> Self {
        Self { count: self.count * factor, ..self }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// Microseconds until there is one.
    pub(super) fn take(self, entry: &mut Entry, now: u64) -> Result<(), u64> {
        let full = entry.over.max(now) + self.interval();
        match (full - now).checked_sub(self.period) {
            None | Some(0) => {
                entry.over = full;
                Ok(())
            }
            Some(wait) => Err(wait),
        }
    }

    /// Puts a token back.
    pub(super) fn give_back(self, entry: &mut Entry) {
        entry.over = entry.over.saturating_sub(self.interval());
    }

    const fn interval(self) -> u64 {
        self.period / self.count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_and_then_one_after_the_other() {
        let rate = Rate::new(30, MINUTE).unwrap();
        let mut entry = Entry::default();
        assert!((0..30).all(|_| rate.take(&mut entry, 1).is_ok()));
        assert_eq!(rate.take(&mut entry, 1), Err(2 * SECOND));
        assert_eq!(rate.take(&mut entry, SECOND), Err(SECOND + 1));
        assert!(rate.take(&mut entry, 2 * SECOND + 1).is_ok());
        assert!(rate.take(&mut entry, 2 * SECOND + 1).is_err());
        rate.give_back(&mut entry);
        assert!(rate.take(&mut entry, 2 * SECOND + 1).is_ok());
        assert!(Rate::new(0, MINUTE).is_none());
    }

    proptest! {
        /// In any stretch of time there are no more than a full bucket and what has flowed in; and who waits as long as was
        /// said gets one.
        #[test]
        fn no_stretch_of_time_has_more_than_its_share(
            count in 1_u32..50,
            gaps in prop::collection::vec(0_u64..3 * SECOND, 1..300),
        ) {
            let rate = Rate::new(count, MINUTE).unwrap();
            let (mut entry, mut now, mut taken) = (Entry::default(), 1, Vec::new());
            for gap in gaps {
                now += gap;
                match rate.take(&mut entry, now) {
                    Ok(()) => taken.push(now),
                    Err(wait) => {
                        prop_assert!(rate.take(&mut entry.clone(), now + wait - 1).is_err());
                        prop_assert!(rate.take(&mut entry.clone(), now + wait).is_ok());
                    }
                }
            }
            for (index, first) in taken.iter().enumerate() {
                for (number, last) in taken[index..].iter().enumerate() {
                    let share = u64::from(count) + (last - first) / rate.interval();
                    prop_assert!((number as u64) < share, "{} from {first} to {last}", number + 1);
                }
            }
        }
    }
}
