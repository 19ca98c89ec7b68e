//! Audit events in memory.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::MemoryStore;
use crate::{AuditEvent, AuditFilter, AuditStore, Profile, StoreError};

pub(super) type Events = BTreeMap<Uuid, AuditEvent>;

impl<P: Profile> AuditStore for MemoryStore<P> {
    async fn record(&self, events: &[AuditEvent]) -> Result<(), StoreError> {
        let kept = &mut self.lock().events;
        for event in events {
            kept.entry(event.id).or_insert_with(|| event.clone());
        }
        Ok(())
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let kept = &self.lock().events;
        let older = kept.values().rev().filter(|event| after.is_none_or(|after| event.id < after));
        Ok(older.filter(|event| filter.matches(event)).take(limit as usize).cloned().collect())
    }

    async fn remove_before(&self, time: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let kept = &mut self.lock().events;
        let old = ..AuditEvent::first_id(time);
        Ok(kept.extract_if(old, |_, _| true).take(limit as usize).count() as u64)
    }
}
