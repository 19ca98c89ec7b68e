use super::{rate::MINUTE, table::Entry};

const SECOND: u64 = 1_000_000;

/// How long failures are remembered after the last one. Who waits for that gets fewer tries than who waits for the next.
pub(super) const FORGET: u64 = 15 * MINUTE;

/// So many tries that need not wait; then 1, 2, 4, 8, … seconds between one and the next, up to the longest wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tries {
    pub(super) free: u64,
    /// Microseconds, at most [`FORGET`].
    pub(super) longest: u64,
}

impl Tries {
    /// Counts a try as failed, before it is known whether it is.
    ///
    /// # Errors
    /// Microseconds until the next one is allowed. That this one was made counts for nothing.
    pub(super) fn take(self, entry: &mut Entry, now: u64) -> Result<(), u64> {
        let last = entry.over.saturating_sub(FORGET);
        if let Some(wait) = (last + self.wait(entry.count)).checked_sub(now).filter(|wait| *wait > 0) {
            return Err(wait);
        }
        *entry = Entry { over: now + FORGET, count: entry.count + 1 };
        Ok(())
    }

    /// The try did not fail. Those before it still count, but the next one need not wait for it.
    pub(super) fn give_back(self, entry: &mut Entry) {
        let count = entry.count.saturating_sub(1);
        let over = entry.over.saturating_sub(self.wait(count));
        *entry = if count == 0 { Entry::default() } else { Entry { over, count } };
    }

    /// After so many failures.
    fn wait(self, failures: u64) -> u64 {
        let Some(waits) = failures.checked_sub(self.free) else { return 0 };
        let wait = u32::try_from(waits).ok().and_then(|waits| 1_u64.checked_shl(waits));
        wait.map_or(self.longest, |wait| wait.saturating_mul(SECOND).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIVE: Tries = Tries { free: 5, longest: 30 * SECOND };

    #[test]
    fn five_are_free_and_then_the_waits_double_up_to_the_longest() {
        let (mut entry, mut now) = (Entry::default(), 1);
        assert!((0..5).all(|_| FIVE.take(&mut entry, now).is_ok()));
        for wait in [1, 2, 4, 8, 16, 30, 30, 30].map(|seconds| seconds * SECOND) {
            assert_eq!(FIVE.take(&mut entry, now), Err(wait));
            assert_eq!(FIVE.take(&mut entry, now + wait - 1), Err(1), "a refused try prolongs nothing");
            now += wait;
            assert!(FIVE.take(&mut entry, now).is_ok());
        }
        for failures in [100, u64::from(u32::MAX) + 9, u64::MAX] {
            assert_eq!(FIVE.wait(failures), 30 * SECOND);
        }
    }

    #[test]
    fn a_success_takes_back_only_itself() {
        let mut entry = Entry::default();
        for _ in 0..5 {
            FIVE.take(&mut entry, 1).unwrap();
        }
        let now = SECOND + 1;
        FIVE.take(&mut entry, now).unwrap();
        FIVE.give_back(&mut entry);
        assert_eq!(entry.count, 5);
        assert!(FIVE.take(&mut entry, now).is_ok(), "the next one need not wait for a success");
        assert_eq!(FIVE.take(&mut entry, now), Err(2 * SECOND), "but for a failure");
        let mut alone = Entry::default();
        FIVE.take(&mut alone, 1).unwrap();
        FIVE.give_back(&mut alone);
        assert_eq!(alone, Entry::default());
    }

    proptest! {
        /// However tries are spread over time, no more fail than the waits allow.
        #[test]
        fn no_pattern_of_tries_gets_more_than_who_waits_each_time(
            gaps in prop::collection::vec(0_u64..40 * SECOND, 1..300),
        ) {
            let (mut entry, mut now) = (Entry::default(), 1);
            let (mut made, mut earliest) = (0, 1);
            for gap in gaps {
                now += gap;
                if FIVE.take(&mut entry, now).is_ok() {
                    prop_assert!(now >= earliest, "try {made} at {now}, {earliest} is the earliest");
                    made += 1;
                    earliest = now + FIVE.wait(made);
                }
            }
        }
    }
}
