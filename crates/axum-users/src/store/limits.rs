//! Limits that several nodes share.

use std::time::Duration;

use super::StoreError;
use crate::LimitRule;

/// What may be taken, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// A keyed hash of at most 43 characters: whose the bucket is does not show.
    pub key: String,
    /// How often.
    pub rule: LimitRule,
}

/// Keeps what was taken of limits, so that several nodes together admit no more than one of them would. A clock of its own
/// decides, not those of the nodes.
///
/// ```
/// use std::{collections::HashMap, sync::Mutex, time::{Duration, Instant}};
/// use axum_users::{Bucket, LimitState, LimitStore, StoreError};
///
/// struct Limits { start: Instant, states: Mutex<HashMap<String, LimitState>> }
///
/// impl Limits {
///     /// Microseconds, and never 0.
///     fn now(&self) -> u64 {
///         self.start.elapsed().as_micros() as u64 + 1
///     }
/// }
///
/// impl LimitStore for Limits {
///     async fn take(&self, buckets: &[Bucket]) -> Result<Vec<Duration>, StoreError> {
///         let (mut states, now) = (self.states.lock().unwrap(), self.now());
///         let mut waits = Vec::new();
///         for bucket in buckets {
///             let state = states.entry(bucket.key.clone()).or_default();
///             waits.push(bucket.rule.take(state, now).err().unwrap_or(0));
///         }
///         if waits.iter().any(|wait| *wait > 0) {
///             for (bucket, _) in buckets.iter().zip(&waits).filter(|(_, wait)| **wait == 0) {
///                 bucket.rule.give_back(states.entry(bucket.key.clone()).or_default());
///             }
///         }
///         Ok(waits.into_iter().map(Duration::from_micros).collect())
///     }
///     async fn give_back(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
///         let mut states = self.states.lock().unwrap();
///         for bucket in buckets {
///             if let Some(state) = states.get_mut(&bucket.key) { bucket.rule.give_back(state) }
///         }
///         Ok(())
///     }
///     async fn forget(&self, keys: &[String]) -> Result<(), StoreError> {
///         self.states.lock().unwrap().retain(|key, _| !keys.contains(key));
///         Ok(())
///     }
///     async fn remove_expired(&self, _limit: u32) -> Result<u64, StoreError> {
///         let (mut states, now) = (self.states.lock().unwrap(), self.now());
///         let there_were = states.len();
///         states.retain(|_, state| state.over > now);
///         Ok((there_were - states.len()) as u64)
///     }
/// }
///
/// # #[cfg(feature = "testing")]
/// # #[tokio::main]
/// # async fn main() {
/// use axum_users::testing::limit_failures;
///
/// let open = async || Limits { start: Instant::now(), states: Mutex::default() };
/// assert!(limit_failures(open).await.is_empty());
/// # }
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a store for limits")]
pub trait LimitStore: Send + Sync + 'static {
    /// Takes one of each bucket if all of them have one, and else nothing. Tells for each bucket how long it is until it has
    /// one: zero everywhere if one was taken of each. However many take at once, no bucket gives more than its
    /// [rule](LimitRule::take) says. No two buckets have the same key.
    fn take(&self, buckets: &[Bucket]) -> impl Future<Output = Result<Vec<Duration>, StoreError>> + Send;

    /// Puts one back into each bucket, as [`LimitRule::give_back`] does; where there is nothing to put it into, that is no
    /// failure.
    fn give_back(&self, buckets: &[Bucket]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The buckets with these keys are as if nothing had ever been taken.
    fn forget(&self, keys: &[String]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes at most `limit` entries that say nothing any more, those that have been over for longest first, and tells how
    /// many. For stores whose entries do not vanish by themselves.
    fn remove_expired(&self, limit: u32) -> impl Future<Output = Result<u64, StoreError>> + Send {
        let _ = limit;
        async { Ok(0) }
    }
}
