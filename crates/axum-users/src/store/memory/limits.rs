//! Limits in memory, for several `Users` of one process.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::LazyLock,
    time::{Duration, Instant},
};

use super::MemoryStore;
use crate::{Bucket, LimitState, LimitStore, Profile, StoreError};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Microseconds, and never 0.
fn now() -> u64 {
    u64::try_from(START.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_add(1)
}

pub(super) type Limits = HashMap<String, LimitState>;

impl<P: Profile> LimitStore for MemoryStore<P> {
    async fn take(&self, buckets: &[Bucket]) -> Result<Vec<Duration>, StoreError> {
        let (mut inner, now) = (self.lock(), now());
        let mut waits = Vec::new();
        for bucket in buckets {
            let state = inner.limits.entry(bucket.key.clone()).or_default();
            waits.push(bucket.rule.take(state, now).err().unwrap_or(0));
        }
        if waits.iter().any(|wait| *wait > 0) {
            for (bucket, _) in buckets.iter().zip(&waits).filter(|(_, wait)| **wait == 0) {
                give_back(&mut inner.limits, bucket);
            }
        }
        Ok(waits.into_iter().map(Duration::from_micros).collect())
    }

    async fn give_back(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for bucket in buckets {
            give_back(&mut inner.limits, bucket);
        }
        Ok(())
    }

    async fn forget(&self, keys: &[String]) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for key in keys {
            inner.limits.remove(key);
        }
        Ok(())
    }

    async fn remove_expired(&self, limit: u32) -> Result<u64, StoreError> {
        let (mut inner, now) = (self.lock(), now());
        let mut over: Vec<_> = inner
            .limits
            .iter()
            .filter(|(_, state)| state.over <= now)
            .map(|(key, state)| (state.over, key.clone()))
            .collect();
        over.sort();
        over.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        for (_, key) in &over {
            inner.limits.remove(key);
        }
        Ok(over.len() as u64)
    }
}

fn give_back(limits: &mut Limits, bucket: &Bucket) {
    if let Entry::Occupied(mut state) = limits.entry(bucket.key.clone()) {
        bucket.rule.give_back(state.get_mut());
    }
}
