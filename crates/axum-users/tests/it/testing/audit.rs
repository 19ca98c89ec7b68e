//! The same for stores of audit events.

use axum_users::{
    AuditEvent, AuditFilter, AuditStore, MemoryStore, NoProfile, StoreError, testing::audit_failures,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    EventsAreOverwritten,
    FiltersAreWider,
    LimitsAreIgnored,
    OnlySomeAreKept,
    PagesBeginWithTheirFirst,
    TheYoungAreRemoved,
}

/// Memory, but for one defect.
struct Defective {
    sound: MemoryStore<NoProfile>,
    defect: Defect,
}

impl Defective {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }
}

impl AuditStore for Defective {
    async fn record(&self, events: &[AuditEvent]) -> Result<(), StoreError> {
        if self.has(Defect::EventsAreOverwritten) {
            let kept = self.sound.list(&AuditFilter::default(), None, 1000).await?;
            let new: Vec<Uuid> = events.iter().map(|event| event.id).collect();
            let kept: Vec<AuditEvent> = kept.into_iter().filter(|event| !new.contains(&event.id)).collect();
            self.sound.remove_before(OffsetDateTime::now_utc(), 1000).await?;
            self.sound.record(&kept).await?;
        }
        let most = if self.has(Defect::OnlySomeAreKept) { 64 } else { events.len() };
        self.sound.record(&events[..events.len().min(most)]).await
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let mut filter = filter.clone();
        if self.has(Defect::FiltersAreWider) && filter.user.is_some() {
            filter.identifier = None;
        }
        let after = match after {
            Some(after) if self.has(Defect::PagesBeginWithTheirFirst) => {
                Some(Uuid::from_u128(after.as_u128() + 1))
            }
            after => after,
        };
        self.sound.list(&filter, after, limit).await
    }

    async fn remove_before(&self, time: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let young = self.has(Defect::TheYoungAreRemoved);
        let time = if young { time + Duration::milliseconds(1) } else { time };
        let limit = if self.has(Defect::LimitsAreIgnored) { u32::MAX } else { limit };
        self.sound.remove_before(time, limit).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_defect_of_a_store_of_audit_events_is_found() {
    let failures =
        async |defect| audit_failures(async || Defective { sound: MemoryStore::new(), defect }).await;
    assert!(failures(Defect::None).await.is_empty());
    let expected = [
        (Defect::EventsAreOverwritten, "an_event_is_kept_as_it_is_and_once"),
        (Defect::FiltersAreWider, "a_filter_finds_what_has_all_of_it"),
        (Defect::LimitsAreIgnored, "old_events_are_removed_the_oldest_first"),
        (Defect::OnlySomeAreKept, "many_events_are_kept_at_once"),
        (Defect::PagesBeginWithTheirFirst, "pages_begin_with_the_latest"),
        (Defect::TheYoungAreRemoved, "old_events_are_removed_the_oldest_first"),
    ];
    for (defect, case) in expected {
        let failed = failures(defect).await;
        assert!(failed.contains(&case), "{defect:?} fails {failed:?}");
    }
}
