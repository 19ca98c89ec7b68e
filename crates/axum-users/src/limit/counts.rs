use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{LimitRule, LimitState, rule::micros, shared::Shared, table::Table};
use crate::{Bucket, Secret, StoreError, secret::fingerprint, store::DynLimitStore};

/// How many names are remembered: 32 MB, if there are ever so many.
const NAMES: usize = 1 << 20;

/// How many refusals are remembered beside them.
const REFUSALS: usize = 1 << 14;

/// How long a refusal is remembered, at most: whoever goes on trying does not keep the store busy.
const REMEMBER: Duration = Duration::from_secs(1);

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
pub(crate) struct Taken {
    shares: Vec<Share>,
    /// Whether they were taken from the store, too.
    from_store: bool,
}

impl Taken {
    /// Those from this one on; what comes before it stays taken.
    pub(super) fn from(mut self, first: usize) -> Self {
        self.shares.drain(..first.min(self.shares.len()));
        self
    }
}

/// How long each of several shares must be waited for: at least one of them at all.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Vec<Duration>);

impl Refused {
    /// Whether the last one must be waited for.
    pub(super) fn last(&self) -> bool {
        self.0.last().is_some_and(|wait| !wait.is_zero())
    }

    /// Until all of them can be taken.
    pub(super) fn longest(&self) -> Duration {
        self.0.iter().max().copied().unwrap_or_default()
    }
}

/// What was taken lately, by whom: on this node, and in the store that the nodes share. As long as that answers it decides, and
/// what is noted here is for when it does not.
pub(crate) struct Counts {
    table: Table,
    /// Keys the hashes: nobody can find two names that are the same.
    hashes: RandomState,
    start: Instant,
    store: Option<OfAllNodes>,
}

struct OfAllNodes {
    shared: Shared,
    /// Keys the hashes, on every node alike.
    key: Secret,
    refusals: Table,
}

impl Counts {
    /// Hashes for the store are made with the key.
    pub(crate) fn new(store: Option<Arc<dyn DynLimitStore>>, key: Secret) -> Self {
        let store =
            store.map(|store| OfAllNodes { shared: Shared::new(store), key, refusals: Table::new(REFUSALS) });
        Self { table: Table::new(NAMES), hashes: RandomState::new(), start: Instant::now(), store }
    }

    /// Takes all of them or none. What this node has seen is enough to refuse most of who goes on trying, without a question.
    pub(super) async fn take(&self, shares: Vec<Share>) -> Result<Taken, Refused> {
        let Some(store) = self.store.as_ref().filter(|_| !shares.is_empty()) else {
            self.take_here(&shares)?;
            return Ok(Taken { shares, from_store: false });
        };
        if let Some(refused) = self.refused_before(store, &shares) {
            return Err(refused);
        }
        let here = self.take_here(&shares);
        if let Err(refused) = &here {
            // While one asks whether the store knows of a reason to forget that, others do not.
            self.remember(store, &shares, &refused.0);
        }
        match (store.shared.take(store.buckets(&shares)).await, here) {
            (None, Ok(())) => Ok(Taken { shares, from_store: false }),
            (None, Err(refused)) => Err(refused),
            (Some(waits), here) if waits.iter().any(|wait| !wait.is_zero()) => {
                if here.is_ok() {
                    self.give_back_here(&shares);
                }
                self.remember(store, &shares, &waits);
                Err(Refused(waits))
            }
            (Some(_), Ok(())) => Ok(Taken { shares, from_store: true }),
            (Some(_), Err(refused)) => {
                let stale = shares.iter().zip(&refused.0).filter(|(_, wait)| !wait.is_zero());
                self.forget_here(stale.map(|(share, _)| share));
                // Another may have been faster; the store has decided.
                let _ = self.take_here(&shares);
                Ok(Taken { shares, from_store: true })
            }
        }
    }

    fn take_here(&self, shares: &[Share]) -> Result<(), Refused> {
        let now = self.now();
        let take = |share: &Share| {
            self.table.update(self.key(share), now, |state| share.rule.take(state, now).err().unwrap_or(0))
        };
        let waits: Vec<u64> = shares.iter().map(take).collect();
        if waits.iter().all(|wait| *wait == 0) {
            return Ok(());
        }
        let taken = shares.iter().zip(&waits).filter(|(_, wait)| **wait == 0);
        self.give_back_here(taken.map(|(share, _)| share));
        Err(Refused(waits.into_iter().map(Duration::from_micros).collect()))
    }

    /// Takes back what was taken, and nothing that was taken before or since.
    pub(super) async fn give_back(&self, taken: Taken) {
        self.give_back_here(&taken.shares);
        if let Some(store) = self.store.as_ref().filter(|_| taken.from_store && !taken.shares.is_empty()) {
            store.shared.give_back(store.buckets(&taken.shares)).await;
        }
    }

    fn give_back_here<'a>(&self, shares: impl IntoIterator<Item = &'a Share>) {
        for share in shares {
            self.table.update(self.key(share), self.now(), |state| share.rule.give_back(state));
        }
    }

    /// As if none of these had ever been taken.
    pub(super) async fn forget(&self, shares: Vec<Share>) {
        if let Some(store) = self.store.as_ref().filter(|_| !shares.is_empty()) {
            let buckets = store.buckets(&shares);
            store.shared.forget(buckets.into_iter().map(|bucket| bucket.key).collect()).await;
        }
        self.forget_here(&shares);
    }

    fn forget_here<'a>(&self, shares: impl IntoIterator<Item = &'a Share>) {
        for share in shares {
            let tables = std::iter::once(&self.table).chain(self.store.as_ref().map(|store| &store.refusals));
            for table in tables {
                table.update(self.key(share), self.now(), |state| *state = LimitState::default());
            }
        }
    }

    /// Whether this may be taken on this node, where nobody else has anything to do with it.
    pub(super) fn is_first(&self, what: impl Hash, rule: &LimitRule) -> bool {
        let now = self.now();
        let mut is_first = false;
        self.table.update(self.hashes.hash_one(what), now, |state| is_first = rule.take(state, now).is_ok());
        is_first
    }

    /// Removes from the store what says nothing any more.
    pub(super) async fn remove_expired(&self, limit: u32) -> Result<u64, StoreError> {
        match &self.store {
            Some(store) => store.shared.remove_expired(limit).await,
            None => Ok(0),
        }
    }

    fn remember(&self, store: &OfAllNodes, shares: &[Share], waits: &[Duration]) {
        let now = self.now();
        for (share, wait) in shares.iter().zip(waits).filter(|(_, wait)| !wait.is_zero()) {
            let over = now.saturating_add(micros((*wait).min(REMEMBER)));
            let until = now.saturating_add(micros(*wait));
            store
                .refusals
                .update(self.key(share), now, |state| *state = LimitState { until, over, count: 1 });
        }
    }

    fn refused_before(&self, store: &OfAllNodes, shares: &[Share]) -> Option<Refused> {
        let now = self.now();
        let wait = |share: &Share| {
            let until = store.refusals.update(self.key(share), now, |state| state.until);
            Duration::from_micros(until.saturating_sub(now))
        };
        let waits: Vec<Duration> = shares.iter().map(wait).collect();
        waits.iter().any(|wait| !wait.is_zero()).then_some(Refused(waits))
    }

    fn key(&self, share: &Share) -> u64 {
        self.hashes.hash_one(&share.name)
    }

    /// Microseconds since a moment before the start, so that 0 is always over. Monotonic.
    fn now(&self) -> u64 {
        micros(self.start.elapsed()).saturating_add(1)
    }
}

impl OfAllNodes {
    fn buckets(&self, shares: &[Share]) -> Vec<Bucket> {
        let bucket = |share: &Share| Bucket { key: fingerprint(&self.key, &[&share.name]), rule: share.rule };
        shares.iter().map(bucket).collect()
    }
}
