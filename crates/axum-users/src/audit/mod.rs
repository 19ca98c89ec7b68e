//! Audit events: one for each security-relevant act, to the log and to a store, without secrets.
//!
//! What is done is recorded where it is done, once, whether a request or code asked for it ([`entry`]). The event is logged at
//! once, and written to the store beside the request ([`writer`]): it never delays an answer nor makes one fail.

mod act;
mod entry;
mod event;
mod names;
mod options;
mod writer;

use std::sync::Arc;

use uuid::Uuid;

pub(crate) use self::entry::Entry;
#[cfg(feature = "oauth")]
pub(crate) use self::entry::Refusal;
use self::writer::Writer;
pub use self::{
    act::{AuditAct, AuditChange, AuditReason},
    event::AuditEvent,
    options::AuditOptions,
};
use crate::{
    AuditFilter, Profile, Secret, UserError, Users, manager::limited_address, secret::fingerprint,
    store::DynAuditStore,
};

/// The target under which events are logged.
const TARGET: &str = "axum_users::audit";

/// How many events one statement removes.
const OLD_BATCH: u32 = 500;

/// Where events go.
pub(crate) struct AuditLog {
    key: Secret,
    writer: Option<Arc<Writer>>,
}

impl AuditLog {
    pub(crate) fn new(secret: &Secret, kept: Option<(Arc<dyn DynAuditStore>, AuditOptions)>) -> Self {
        let writer = kept.map(|(store, options)| Writer::new(store, options));
        Self { key: secret.derive("audit identifier"), writer }
    }

    /// Writes what waits.
    pub(crate) async fn flush(&self) {
        if let Some(writer) = &self.writer {
            writer.flush().await;
        }
    }

    fn identifier(&self, email: &str) -> String {
        fingerprint(&self.key, &[limited_address(email).as_bytes()])
    }

    fn record(&self, event: AuditEvent) {
        log(&event);
        if let Some(writer) = &self.writer {
            writer.push(event);
        }
    }
}

fn log(event: &AuditEvent) {
    let changes: Vec<&str> = event.changes.iter().map(|change| change.as_str()).collect();
    let changes = changes.join(",");
    tracing::info!(
        target: TARGET,
        id = %event.id,
        act = event.act.as_str(),
        user = event.user.as_deref(),
        actor = event.actor.as_deref(),
        via = event.via.as_deref(),
        reason = event.reason.map(AuditReason::as_str),
        changes = (!changes.is_empty()).then_some(&*changes),
        address = event.address.map(tracing::field::display),
        user_agent = event.user_agent.as_deref(),
        identifier = event.identifier.as_deref(),
        "audit event"
    );
}

impl<P: Profile> Users<P> {
    /// At most `limit` of the events that are [kept](crate::UsersBuilder::audit), the latest first, those that come after the
    /// one with the id `after`. An event is there a moment after its act.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn events(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, UserError> {
        match &self.0.audit_log.writer {
            Some(writer) => Ok(writer.store.list(filter, after, limit).await?),
            None => Ok(Vec::new()),
        }
    }

    /// What stands in [`AuditEvent::identifier`] for an address, the same for all its spellings and on all nodes with the same
    /// secret: to find events of addresses that nobody has, or had at the time.
    pub fn event_identifier(&self, email: &str) -> String {
        self.0.audit_log.identifier(email)
    }

    /// Removes the events that are older than [`AuditOptions::keep`], in batches that are short enough for others to come in
    /// between, and tells how many there were. Call it from time to time; any number of nodes may.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn remove_old_events(&self) -> Result<u64, UserError> {
        let Some(writer) = &self.0.audit_log.writer else { return Ok(0) };
        let mut removed = 0;
        loop {
            let batch = writer.store.remove_before(writer.horizon(), OLD_BATCH).await?;
            removed += batch;
            if batch < u64::from(OLD_BATCH) {
                return Ok(removed);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Writes the events that wait, for five seconds at most: for a command, whose process ends without
    /// [`shutdown`](Self::shutdown), which does the same.
    pub async fn write_events(&self) {
        self.0.audit_log.flush().await;
    }

    /// How many events this process has written to the store so far: for metrics.
    pub fn events_written(&self) -> u64 {
        self.0.audit_log.writer.as_ref().map_or(0, |writer| writer.written())
    }

    /// How many events this process has logged but not kept, because too many were waiting: for metrics.
    pub fn events_dropped(&self) -> u64 {
        self.0.audit_log.writer.as_ref().map_or(0, |writer| writer.dropped())
    }
}
