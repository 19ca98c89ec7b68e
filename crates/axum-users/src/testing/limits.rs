use std::time::Duration;

/// What a store cannot do, said openly. The default is what SQL databases can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) timestamp: Duration,
    pub(super) keeps_creation: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timestamp: Duration::from_micros(1), keeps_creation: true }
    }
}

impl Limits {
    /// The smallest step of time that is kept. Default: a microsecond.
    #[must_use]
    pub const fn timestamp(mut self, step: Duration) -> Self {
        self.timestamp = step;
        self
    }

    /// Of a token is kept when it ends, and not when it was made: shortening the lifetime of tokens does not end those
    /// there are.
    #[must_use]
    pub const fn without_creation(mut self) -> Self {
        self.keeps_creation = false;
        self
    }
}
