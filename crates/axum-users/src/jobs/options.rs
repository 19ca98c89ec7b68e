//! How durable jobs are done.

use std::time::Duration;

/// How durable jobs are done. What is left out has its default.
///
/// ```
/// use std::time::Duration;
/// use axum_users::{JobOptions, MemoryStore, Users};
///
/// let store = MemoryStore::new();
/// let options = JobOptions::new().concurrency(2).attempts(20);
/// let users: Users = Users::builder(store.clone(), "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")
///     .durable_jobs(store, options)
///     .build()?;
/// # Ok::<(), axum_users::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct JobOptions {
    pub(super) lease: Duration,
    pub(super) poll: Duration,
    pub(super) concurrency: usize,
    pub(super) attempts: u32,
    first_retry: Duration,
    longest_retry: Duration,
    pub(super) keep_dead: Duration,
}

impl JobOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            lease: Duration::from_secs(60),
            poll: Duration::from_secs(1),
            concurrency: 8,
            attempts: 50,
            first_retry: Duration::from_secs(5),
            longest_retry: Duration::from_secs(600),
            keep_dead: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }

    /// How long a node has a job to itself; when it dies, another takes the job up after this time. A job that takes longer
    /// than five sixths of it has failed. Default: 60 seconds, at least one. The clocks of the nodes may differ by a few
    /// seconds, not by more than this.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How often a node looks for jobs of others and for those to be tried again; its own it begins at once. Default: every
    /// second.
    pub const fn poll(mut self, interval: Duration) -> Self {
        self.poll = interval;
        self
    }

    /// How many jobs a node does at once. Default: 8.
    pub const fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs;
        self
    }

    /// How often a job is tried before it is given up. Default: 50 times, which takes about six hours.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// How long a job waits after it has failed for the first time, and how long at most: twice as long each time, less up to
    /// a half by chance. Default: 5 seconds, and 10 minutes.
    pub const fn retry_after(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_retry, self.longest_retry) = (first, longest);
        self
    }

    /// How long jobs that were given up are kept. Default: 30 days.
    pub const fn keep_dead(mut self, time: Duration) -> Self {
        self.keep_dead = time;
        self
    }

    /// What is wrong with the options, if anything.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        if self.lease < Duration::from_secs(1) || self.lease > YEAR {
            return Err("jobs need a lease of at least a second");
        }
        if self.poll.is_zero() || self.concurrency == 0 || self.attempts == 0 {
            return Err("interval, concurrency and attempts of jobs must be more than nothing");
        }
        if [self.first_retry, self.longest_retry, self.keep_dead].iter().any(|time| *time > YEAR * 100) {
            return Err(
                "jobs that failed must not wait, and those given up not be kept, for more than 100 years",
            );
        }
        Ok(())
    }

    /// How long a job waits that was tried this often, given a random number.
    pub(super) fn pause(&self, attempts: u32, random: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(30);
        let whole = self.first_retry.saturating_mul(1 << doublings).min(self.longest_retry);
        whole.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
    }
}

impl Default for JobOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_waits_longer_each_time_up_to_a_limit_and_not_like_others() {
        let options = JobOptions::new();
        let seconds = |attempts| options.pause(attempts, u32::MAX).as_secs();
        assert_eq!([1, 2, 3, 7, 8, 50, u32::MAX].map(seconds), [5, 10, 20, 320, 600, 600, 600]);
        assert_eq!(options.pause(1, 0), Duration::from_millis(2500));
        assert_eq!(options.pause(u32::MAX, 0).as_secs(), 300);
    }

    #[test]
    fn what_would_never_do_a_job_is_refused() {
        let options = JobOptions::new;
        assert_eq!(options().check(), Ok(()));
        for refused in [
            options().lease(Duration::from_millis(999)),
            options().lease(Duration::MAX),
            options().poll(Duration::ZERO),
            options().concurrency(0),
            options().attempts(0),
            options().retry_after(Duration::MAX, Duration::MAX),
            options().keep_dead(Duration::MAX),
        ] {
            assert!(refused.check().is_err(), "{refused:?}");
        }
    }
}
