//! Audit events: what was done, kept for a while.

use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::{AuditAct, AuditEvent};

/// Which events are asked for: those of which all that is given here is true.
///
/// With a user and an identifier, those that have the one or the other: all that is known of a user with an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this user.
    pub user: Option<String>,
    /// For whoever has the address of this [identifier](crate::Users::event_identifier).
    pub identifier: Option<String>,
    /// Of this act.
    pub act: Option<AuditAct>,
    /// At this time or after.
    pub since: Option<OffsetDateTime>,
}

impl AuditFilter {
    /// Whether the event is one of those.
    pub fn matches(&self, event: &AuditEvent) -> bool {
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_some() && wanted == found;
        let of_anybody = self.user.is_none() && self.identifier.is_none();
        (of_anybody || is(&self.user, &event.user) || is(&self.identifier, &event.identifier))
            && self.act.is_none_or(|act| event.act == act)
            && self.since.is_none_or(|time| event.id >= AuditEvent::first_id(time))
    }
}

/// Keeps audit events.
///
/// An event is kept once, by its id, however often it is given: who does not know whether it was kept gives it again. Ids and
/// times of events have one order.
///
/// ```
/// use std::{collections::BTreeMap, sync::Mutex};
/// use axum_users::{AuditEvent, AuditFilter, AuditStore, StoreError};
/// use time::OffsetDateTime;
/// use uuid::Uuid;
///
/// #[derive(Default)]
/// struct Events(Mutex<BTreeMap<Uuid, AuditEvent>>);
///
/// impl AuditStore for Events {
///     async fn record(&self, events: &[AuditEvent]) -> Result<(), StoreError> {
///         let mut kept = self.0.lock().unwrap();
///         for event in events {
///             kept.entry(event.id).or_insert_with(|| event.clone());
///         }
///         Ok(())
///     }
///     async fn list(&self, filter: &AuditFilter, after: Option<Uuid>, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
///         let kept = self.0.lock().unwrap();
///         let older = kept.values().rev().filter(|event| after.is_none_or(|after| event.id < after));
///         Ok(older.filter(|event| filter.matches(event)).take(limit as usize).cloned().collect())
///     }
///     async fn remove_before(&self, time: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
///         let mut kept = self.0.lock().unwrap();
///         let old: Vec<Uuid> =
///             kept.range(..AuditEvent::first_id(time)).take(limit as usize).map(|(id, _)| *id).collect();
///         kept.retain(|id, _| !old.contains(id));
///         Ok(old.len() as u64)
///     }
/// }
///
/// # #[cfg(feature = "testing")]
/// # #[tokio::main]
/// # async fn main() {
/// use axum_users::testing::audit_failures;
///
/// assert!(audit_failures(async || Events::default()).await.is_empty());
/// # }
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a store for audit events")]
pub trait AuditStore: Send + Sync + 'static {
    /// Keeps events; those that are kept already stay as they are. After an error some may have been kept.
    fn record(&self, events: &[AuditEvent]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// At most `limit` events, the latest first; with `after`, those that come after that event.
    fn list(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<AuditEvent>, StoreError>> + Send;

    /// Removes at most `limit` events from before this time, the oldest first, and tells how many.
    fn remove_before(
        &self,
        time: OffsetDateTime,
        limit: u32,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;
}
