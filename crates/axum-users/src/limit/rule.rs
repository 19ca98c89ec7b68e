use std::time::Duration;

const SECOND: u64 = 1_000_000;

/// How often something may be tried, as arithmetic on a [`LimitState`]. All figures are microseconds but the counts.
///
/// Two kinds are made of the same five figures: tokens that flow into a bucket (the generic cell rate algorithm, ITU-T
/// I.371), and waits that double with each try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRule {
    /// By how much a try among the free ones puts off the time when nothing counts any more.
    pub step: u64,
    /// How far that time may lie ahead when something is tried.
    pub slack: u64,
    /// After so many tries each one costs a wait: 1, 2, 4, 8, … seconds.
    pub free: u64,
    /// The longest of these waits.
    pub longest: u64,
    /// How long tries are remembered after the last one.
    pub memory: u64,
}

/// What is remembered of tries; all 0 in the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitState {
    /// What the tries have used up, as the microsecond until which it takes to flow back or to be waited for.
    pub until: u64,
    /// How many tries there were.
    pub count: u64,
    /// The microsecond from which on the state says nothing.
    pub over: u64,
}

impl LimitRule {
    /// So many at once, and then one after the other, in a period so many as well.
    pub fn tokens(count: u32, period: Duration) -> Self {
        let period = micros(period);
        let step = (period / u64::from(count.max(1))).max(1);
        // As large a count as every store can keep.
        Self { step, slack: period.saturating_sub(step), free: i64::MAX as u64, longest: 0, memory: 0 }
    }

    /// So many that need not wait; then 1, 2, 4, 8, … seconds between one and the next, up to the longest wait. They are
    /// forgotten after `memory`, which is no shorter than that wait.
    pub fn back_off(free: u32, longest: Duration, memory: Duration) -> Self {
        let (longest, memory) = (micros(longest), micros(memory));
        Self { step: 0, slack: 0, free: free.into(), longest, memory: memory.max(longest) }
    }

    /// Counts a try.
    ///
    /// # Errors
    /// Microseconds until it may be made. That it was refused counts for nothing.
    pub fn take(self, state: &mut LimitState, now: u64) -> Result<(), u64> {
        if state.over <= now {
            *state = LimitState::default();
        }
        let wait = state.until.saturating_sub(self.slack).saturating_sub(now);
        if wait > 0 {
            return Err(wait);
        }
        let count = state.count.saturating_add(1);
        // A try that costs nothing keeps nobody waiting whose clock was read a moment earlier.
        let until = match self.cost(count) {
            0 => state.until,
            cost => state.until.max(now).saturating_add(cost),
        };
        *state = LimitState { until, count, over: until.max(now.saturating_add(self.memory)) };
        Ok(())
    }

    /// Takes a try back, and none that was made before it: the next one need not wait for it.
    pub fn give_back(self, state: &mut LimitState) {
        state.until = state.until.saturating_sub(self.cost(state.count));
        state.count = state.count.saturating_sub(1);
    }

    /// What the try costs that is this many.
    pub(crate) fn cost(self, count: u64) -> u64 {
        let Some(waits) = count.checked_sub(self.free) else { return self.step };
        // A million seconds is more than any longest wait.
        (SECOND << waits.min(20)).min(self.longest)
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: u64 = 60 * SECOND;

    fn tokens(count: u32) -> LimitRule {
        LimitRule::tokens(count, Duration::from_secs(60))
    }

    fn five() -> LimitRule {
        LimitRule::back_off(5, Duration::from_secs(30), Duration::from_secs(900))
    }

    #[test]
    fn a_burst_and_then_one_after_the_other() {
        let (rule, mut state) = (tokens(30), LimitState::default());
        assert!((0..30).all(|_| rule.take(&mut state, 1).is_ok()));
        assert_eq!(rule.take(&mut state, 1), Err(2 * SECOND));
        assert_eq!(rule.take(&mut state, SECOND), Err(SECOND + 1));
        assert!(rule.take(&mut state, 2 * SECOND + 1).is_ok());
        assert!(rule.take(&mut state, 2 * SECOND + 1).is_err());
        rule.give_back(&mut state);
        assert!(rule.take(&mut state, 2 * SECOND + 1).is_ok());
    }

    #[test]
    fn log_4_five_are_free_and_then_the_waits_double_up_to_the_longest() {
        let (mut state, mut now) = (LimitState::default(), 1);
        assert!((0..5).all(|_| five().take(&mut state, now).is_ok()));
        for wait in [1, 2, 4, 8, 16, 30, 30, 30].map(|seconds| seconds * SECOND) {
            assert_eq!(five().take(&mut state, now), Err(wait));
            assert_eq!(five().take(&mut state, now + wait - 1), Err(1), "a refused try prolongs nothing");
            now += wait;
            assert!(five().take(&mut state, now).is_ok());
        }
        for count in [100, u64::from(u32::MAX) + 9, u64::MAX] {
            assert_eq!(five().cost(count), 30 * SECOND);
        }
    }

    #[test]
    fn log_6_a_success_takes_back_only_itself() {
        let mut state = LimitState::default();
        for _ in 0..5 {
            five().take(&mut state, 1).unwrap();
        }
        let now = SECOND + 1;
        five().take(&mut state, now).unwrap();
        five().give_back(&mut state);
        assert_eq!(state.count, 5);
        assert!(five().take(&mut state, now).is_ok(), "the next one need not wait for a success");
        assert_eq!(five().take(&mut state, now), Err(2 * SECOND), "but for a failure");
    }

    #[test]
    fn free_tries_do_not_depend_on_the_order_in_which_clocks_are_read() {
        let mut state = LimitState::default();
        for now in [1_000, 998, 1_001, 1, 500] {
            assert_eq!(five().take(&mut state, now), Ok(()));
        }
        assert!(five().take(&mut state, 1_001).is_err());
    }

    /// A rule as one would write it down: every try with its time, and nothing forgotten too early.
    #[derive(Default)]
    struct Journal(Vec<u64>);

    impl Journal {
        /// Tokens flow in one by one; those that find the bucket full are lost.
        fn admits_tokens(&self, count: u32, now: u64) -> bool {
            let step = MINUTE / u64::from(count);
            let (mut debt, mut last) = (0_u64, 0);
            for time in &self.0 {
                debt = debt.saturating_sub(time - last) + step;
                last = *time;
            }
            debt.saturating_sub(now - last) + step <= MINUTE
        }

        /// After the last one it takes as long as there were others since it was quiet.
        fn admits_back_off(&self, now: u64) -> bool {
            let Some(last) = self.0.last() else { return true };
            let memory = 15 * MINUTE;
            let quiet = self.0.windows(2).rposition(|pair| pair[1] - pair[0] >= memory);
            let count = self.0.len() - quiet.map_or(0, |index| index + 1);
            let wait = match count {
                0..5 => 0,
                5 => 1,
                6 => 2,
                7 => 4,
                8 => 8,
                9 => 16,
                _ => 30,
            };
            now - last >= memory || now - last >= wait * SECOND
        }
    }

    proptest! {
        /// In any stretch of time there are no more than a full bucket and what has flowed in; and who waits as long as was
        /// said gets one.
        #[test]
        fn no_stretch_of_time_has_more_than_its_share(
            count in 1_u32..50,
            gaps in prop::collection::vec(0_u64..3 * SECOND, 1..300),
        ) {
            let (rule, mut state) = (tokens(count), LimitState::default());
            let (mut now, mut taken) = (1, Vec::new());
            for gap in gaps {
                now += gap;
                match rule.take(&mut state, now) {
                    Ok(()) => taken.push(now),
                    Err(wait) => {
                        prop_assert!(rule.take(&mut state.clone(), now + wait - 1).is_err());
                        prop_assert!(rule.take(&mut state.clone(), now + wait).is_ok());
                    }
                }
            }
            for (index, first) in taken.iter().enumerate() {
                for (number, last) in taken[index..].iter().enumerate() {
                    let share = u64::from(count) + (last - first) / rule.step;
                    prop_assert!((number as u64) < share, "{} from {first} to {last}", number + 1);
                }
            }
        }

        /// Both kinds decide as the journal does, for as long as it takes: after a window is over the limit is there again.
        #[test]
        fn log_7_a_rule_decides_as_who_remembers_everything(
            count in 1_u32..20,
            gaps in prop::collection::vec(
                prop_oneof![0..SECOND, 0..40 * SECOND, 14 * MINUTE..16 * MINUTE], 1..200
            ),
        ) {
            let (mut of_tokens, mut of_waits) = (LimitState::default(), LimitState::default());
            let (mut journal_of_tokens, mut journal_of_waits) = (Journal::default(), Journal::default());
            let mut now = 1;
            for gap in gaps {
                now += gap;
                let admitted = tokens(count).take(&mut of_tokens, now).is_ok();
                prop_assert_eq!(admitted, journal_of_tokens.admits_tokens(count, now));
                if admitted {
                    journal_of_tokens.0.push(now);
                }
                let admitted = five().take(&mut of_waits, now).is_ok();
                prop_assert_eq!(admitted, journal_of_waits.admits_back_off(now));
                if admitted {
                    journal_of_waits.0.push(now);
                }
            }
        }

        /// What is given back might as well never have been taken.
        #[test]
        fn what_is_given_back_is_there_again(
            count in 1_u32..20,
            gaps in prop::collection::vec(0_u64..20 * SECOND, 1..100),
        ) {
            for rule in [tokens(count), five()] {
                let (mut state, mut now) = (LimitState::default(), 1);
                for gap in &gaps {
                    now += gap;
                    let mut other = state;
                    if rule.take(&mut other, now).is_ok() {
                        rule.give_back(&mut other);
                        prop_assert_eq!(rule.take(&mut other, now), Ok(()));
                        let _ = rule.take(&mut state, now);
                        prop_assert_eq!((other.until, other.count), (state.until, state.count));
                    }
                }
            }
        }
    }
}
