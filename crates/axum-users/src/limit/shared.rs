use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout};

use super::rule::micros;
use crate::{BoxError, Bucket, StoreError, store::DynLimitStore};

/// How long a decision of the store is waited for.
const WAIT: Duration = Duration::from_secs(1);

/// How long the store may work on one: until it has noticed that its connection is dead.
const WORK: Duration = Duration::from_secs(10);

/// How long a store that did not answer is left alone.
const REST: Duration = Duration::from_secs(1);

/// How often it is told that the store does not answer.
const TELL: Duration = Duration::from_secs(60);

/// The store that the nodes share, as long as it answers.
pub(super) struct Shared {
    store: Arc<dyn DynLimitStore>,
    start: Instant,
    /// In microseconds since the start, as are the others.
    rests_until: AtomicU64,
    tells_from: AtomicU64,
}

impl Shared {
    pub(super) fn new(store: Arc<dyn DynLimitStore>) -> Self {
        let (rests_until, tells_from) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { store, start: Instant::now(), rests_until, tells_from }
    }

    /// How long each must be waited for; `None` if the store does not say.
    pub(super) async fn take(&self, buckets: Vec<Bucket>) -> Option<Vec<Duration>> {
        let store = Arc::clone(&self.store);
        self.ask(async move { store.take(&buckets).await }).await
    }

    pub(super) async fn give_back(&self, buckets: Vec<Bucket>) {
        let store = Arc::clone(&self.store);
        self.ask(async move { store.give_back(&buckets).await }).await;
    }

    pub(super) async fn forget(&self, keys: Vec<String>) {
        let store = Arc::clone(&self.store);
        self.ask(async move { store.forget(&keys).await }).await;
    }

    pub(super) async fn remove_expired(&self, limit: u32) -> Result<u64, StoreError> {
        self.store.remove_expired(limit).await
    }

    /// The store goes on when nobody waits any longer: a connection that is dead must be found to be.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Option<T> {
        if self.now() < self.rests_until.load(Relaxed) {
            return None;
        }
        let asked = tokio::spawn(timeout(WORK, question));
        let error = match timeout(WAIT, asked).await {
            Ok(Ok(Ok(Ok(answer)))) => return Some(answer),
            Ok(Ok(Ok(Err(error)))) => BoxError::from(error),
            Ok(Err(error)) => error.into(),
            Ok(Ok(Err(_))) | Err(_) => format!("no answer within {WAIT:?}").into(),
        };
        let now = self.now();
        self.rests_until.store(now.saturating_add(micros(REST)), Relaxed);
        let next = |from| (now >= from).then_some(now.saturating_add(micros(TELL)));
        if self.tells_from.fetch_update(Relaxed, Relaxed, next).is_ok() {
            tracing::warn!(
                error = &*error,
                "the store of rate limits does not answer: each node counts by itself for now"
            );
        }
        None
    }

    fn now(&self) -> u64 {
        micros(self.start.elapsed())
    }
}
