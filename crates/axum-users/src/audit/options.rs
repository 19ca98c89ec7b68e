use std::time::Duration;

/// How audit events are kept. What is left out has its default.
///
/// ```
/// use std::time::Duration;
/// use axum_users::{AuditOptions, MemoryStore, Users};
///
/// let store = MemoryStore::new();
/// let users: Users = Users::builder(store.clone(), "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")
///     .audit(store, AuditOptions::new().keep(Duration::from_secs(365 * 24 * 60 * 60)))
///     .build()?;
/// # Ok::<(), axum_users::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AuditOptions {
    pub(super) keep: Duration,
    pub(super) queue: usize,
}

impl AuditOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self { keep: Duration::from_secs(90 * 24 * 60 * 60), queue: 10_000 }
    }

    /// How long events are kept: older ones are removed by [`Users::remove_old_events`](crate::Users::remove_old_events).
    /// Default: 90 days.
    pub const fn keep(mut self, time: Duration) -> Self {
        self.keep = time;
        self
    }

    /// How many events may wait to be written, for instance while the store does not answer; those beyond are only logged. One
    /// takes less than 2 kB. Default: 10,000.
    pub const fn queue(mut self, events: usize) -> Self {
        self.queue = events;
        self
    }

    /// What is wrong with the options, if anything.
    pub(crate) const fn check(&self) -> Result<(), &'static str> {
        const MINUTE: u64 = 60;
        const CENTURY: u64 = 100 * 366 * 24 * 60 * MINUTE;
        if self.keep.as_secs() < MINUTE || self.keep.as_secs() > CENTURY {
            return Err("audit events must be kept for at least a minute, and for at most 100 years");
        }
        if self.queue == 0 {
            return Err("one audit event at least must have room to wait");
        }
        Ok(())
    }
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_keep_nothing_is_refused() {
        assert_eq!(AuditOptions::new().check(), Ok(()));
        for refused in [
            AuditOptions::new().keep(Duration::from_secs(59)),
            AuditOptions::new().keep(Duration::MAX),
            AuditOptions::new().queue(0),
        ] {
            assert!(refused.check().is_err(), "{refused:?}");
        }
    }
}
