use std::{
    hash::{BuildHasher, Hash, RandomState},
    time::Duration,
};

use tokio::time::Instant;

use super::{LimitRule, rule::micros, table::Table};

/// How many names are remembered: 32 MB, if there are ever so many.
const NAMES: usize = 1 << 20;

/// What may be taken: by whom, and how often.
#[derive(Clone, Debug)]
pub(super) struct Share {
    name: Vec<u8>,
    rule: LimitRule,
}

impl Share {
    /// No two lists of parts have the same name.
    pub(super) fn new(kind: &str, parts: &[&[u8]], rule: LimitRule) -> Self {
        let mut name = kind.as_bytes().to_vec();
        for part in parts {
            name.push(0);
            name.extend_from_slice(&(part.len() as u64).to_be_bytes());
            name.extend_from_slice(part);
        }
        Self { name, rule }
    }
}

/// Shares that were taken, and may be given back.
#[must_use]
#[derive(Debug, Default)]
pub(crate) struct Taken(Vec<Share>);

impl Taken {
    /// Those from this one on; what comes before it stays taken.
    pub(super) fn from(mut self, first: usize) -> Self {
        self.0.drain(..first.min(self.0.len()));
        self
    }
}

/// How long each of several shares must be waited for: at least one of them at all.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Vec<Duration>);

impl Refused {
    /// Until all of them can be taken.
    pub(super) fn longest(&self) -> Duration {
        self.0.iter().max().copied().unwrap_or_default()
    }
}

/// What was taken lately, by whom.
pub(super) struct Counts {
    table: Table,
    /// Keys the hashes: nobody can find two names that are the same.
    hashes: RandomState,
    start: Instant,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self { table: Table::new(NAMES), hashes: RandomState::new(), start: Instant::now() }
    }

    /// Takes all of them or none.
    pub(super) async fn take(&self, shares: Vec<Share>) -> Result<Taken, Refused> {
        let now = self.now();
        let take = |share: &Share| {
            self.table.update(self.key(share), now, |state| share.rule.take(state, now).err().unwrap_or(0))
        };
        let waits: Vec<u64> = shares.iter().map(take).collect();
        if waits.iter().all(|wait| *wait == 0) {
            return Ok(Taken(shares));
        }
        for (share, _) in shares.iter().zip(&waits).filter(|(_, wait)| **wait == 0) {
            self.put_back(share);
        }
        Err(Refused(waits.into_iter().map(Duration::from_micros).collect()))
    }

    /// Takes back what was taken, and nothing that was taken before or since.
    pub(super) async fn give_back(&self, taken: Taken) {
        for share in &taken.0 {
            self.put_back(share);
        }
    }

    /// As if none of these had ever been taken.
    pub(super) async fn forget(&self, shares: Vec<Share>) {
        for share in &shares {
            self.table.update(self.key(share), self.now(), |state| *state = super::LimitState::default());
        }
    }

    /// Whether this may be taken on this node, where nobody else has anything to do with it.
    pub(super) fn is_first(&self, what: impl Hash, rule: &LimitRule) -> bool {
        let now = self.now();
        let mut is_first = false;
        self.table.update(self.hashes.hash_one(what), now, |state| is_first = rule.take(state, now).is_ok());
        is_first
    }

    fn put_back(&self, share: &Share) {
        self.table.update(self.key(share), self.now(), |state| share.rule.give_back(state));
    }

    fn key(&self, share: &Share) -> u64 {
        self.hashes.hash_one(&share.name)
    }

    /// Microseconds since a moment before the start, so that 0 is always over. Monotonic.
    fn now(&self) -> u64 {
        micros(self.start.elapsed()).saturating_add(1)
    }
}
