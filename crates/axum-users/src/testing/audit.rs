//! Audit events: each kept once, found by what is known of it, and forgotten in its order.

use std::sync::Arc;

use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::{
    Subject,
    races::{TASKS, at_once},
};
use crate::{AuditAct, AuditChange, AuditEvent, AuditFilter, AuditReason, AuditStore, UserId};

const NOW: OffsetDateTime = datetime!(2026-02-28 12:00 UTC);

/// An event so many milliseconds after [`NOW`].
fn event(millis: i64, act: AuditAct) -> AuditEvent {
    let mut event = AuditEvent::new(act);
    event.time = NOW + Duration::milliseconds(millis);
    let (time, random) = (AuditEvent::first_id(event.time).as_u128(), event.id.as_u128());
    event.id = Uuid::from_u128(time | (random & 0xffff_ffff));
    event
}

fn full(millis: i64) -> AuditEvent {
    let mut event = event(millis, AuditAct::UserChangedByAdministrator);
    event.user = Some("König ".repeat(42));
    event.actor = Some(Uuid::new_v4().to_string());
    event.via = Some("camelot".to_owned());
    event.reason = Some(AuditReason::Interrupted);
    event.changes = AuditChange::ALL.to_vec();
    event.address = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".parse().ok();
    event.user_agent = Some("A".repeat(200));
    event.identifier = Some("n9Fq-_kHqLw2uXn0aJ3z1Q".to_owned());
    event
}

async fn all(store: &impl AuditStore) -> Vec<AuditEvent> {
    store.list(&AuditFilter::default(), None, 1000).await.unwrap()
}

pub async fn an_event_is_kept_as_it_is_and_once<I: UserId, S: AuditStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    store.record(&[]).await.unwrap();
    assert!(all(store).await.is_empty());
    let (first, second, third) = (full(0), event(1, AuditAct::Login), event(2, AuditAct::Logout));
    store.record(&[first.clone(), second.clone()]).await.unwrap();
    let mut again = second.clone();
    again.act = AuditAct::UserDeleted;
    store.record(&[first.clone(), again, third.clone()]).await.unwrap();
    assert_eq!(all(store).await, [third, second, first]);
}

pub async fn many_events_are_kept_at_once<I: UserId, S: AuditStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    let mut expected = Vec::new();
    for count in [1, 2, 3, 63, 64, 65, 127, 200] {
        let events: Vec<AuditEvent> = (0..count).map(|_| full(expected.len() as i64)).collect();
        store.record(&events).await.unwrap();
        expected.extend(events.into_iter().map(|event| event.id));
    }
    expected.sort_unstable_by(|one, other| other.cmp(one));
    let found: Vec<Uuid> = all(store).await.iter().map(|event| event.id).collect();
    assert_eq!(found, expected);
}

pub async fn pages_begin_with_the_latest<I: UserId, S: AuditStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    let mut events: Vec<AuditEvent> = (0..10).map(|millis| event(millis, AuditAct::Login)).collect();
    store.record(&events).await.unwrap();
    events.reverse();
    let (mut after, mut found) = (None, Vec::new());
    // A store that gives one twice does not do so for ever.
    while found.len() <= events.len() {
        let page = store.list(&AuditFilter::default(), after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = Some(last.id);
        found.extend(page);
    }
    assert_eq!(found, events);
    assert!(store.list(&AuditFilter::default(), None, 0).await.unwrap().is_empty());
}

pub async fn a_filter_finds_what_has_all_of_it<I: UserId, S: AuditStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    let mut events = Vec::new();
    for (millis, act, user, identifier) in [
        (0, AuditAct::Login, Some("king"), None),
        (1, AuditAct::LoginFailed, Some("king"), Some("KING")),
        (2, AuditAct::LoginFailed, None, Some("KING")),
        (3, AuditAct::LoginFailed, Some("King"), Some("king")),
        (4, AuditAct::Login, Some("merlin"), None),
    ] {
        let mut event = event(millis, act);
        (event.user, event.identifier) = (user.map(str::to_owned), identifier.map(str::to_owned));
        events.push(event);
    }
    store.record(&events).await.unwrap();
    let of = |user: Option<&str>, identifier: Option<&str>, act, since: Option<i64>| AuditFilter {
        user: user.map(str::to_owned),
        identifier: identifier.map(str::to_owned),
        act,
        since: since.map(|millis| NOW + Duration::milliseconds(millis)),
    };
    let failed = Some(AuditAct::LoginFailed);
    for (filter, expected) in [
        (of(None, None, None, None), &[4, 3, 2, 1, 0][..]),
        (of(Some("king"), None, None, None), &[1, 0]),
        (of(None, Some("KING"), None, None), &[2, 1]),
        (of(Some("king"), Some("KING"), None, None), &[2, 1, 0]),
        (of(Some("king"), Some("KING"), failed, None), &[2, 1]),
        (of(Some("king"), Some("KING"), failed, Some(2)), &[2]),
        (of(None, None, failed, None), &[3, 2, 1]),
        (of(None, None, None, Some(3)), &[4, 3]),
        (of(None, None, None, Some(5)), &[]),
        (of(Some("mordred"), None, None, None), &[]),
    ] {
        let found = store.list(&filter, None, 10).await.unwrap();
        let expected: Vec<AuditEvent> = expected.iter().map(|number| events[*number].clone()).collect();
        assert_eq!(found, expected, "{filter:?}");
        let Some(first) = expected.first() else { continue };
        assert_eq!(store.list(&filter, Some(first.id), 10).await.unwrap(), expected[1..], "{filter:?}");
    }
}

pub async fn old_events_are_removed_the_oldest_first<I: UserId, S: AuditStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    let events: Vec<AuditEvent> = (0..10).map(|millis| event(millis, AuditAct::Login)).collect();
    store.record(&events).await.unwrap();
    let time = NOW + Duration::milliseconds(7);
    for (limit, removed, left) in [(0, 0, 10), (2, 2, 8), (3, 3, 5), (10, 2, 3), (10, 0, 3)] {
        assert_eq!(store.remove_before(time, limit).await.unwrap(), removed);
        let mut expected = events[10 - left..].to_vec();
        expected.reverse();
        assert_eq!(all(store).await, expected, "the oldest {removed} have gone");
    }
}

pub async fn many_that_write_and_remove_at_once_lose_nothing<I: UserId, S: AuditStore>(
    subject: Subject<I, S>,
) {
    let store = &*subject.store;
    let old: Vec<AuditEvent> = (0..100).map(|number| event(number - 1000, AuditAct::Login)).collect();
    store.record(&old).await.unwrap();
    let removed = at_once(|task| {
        let store = Arc::clone(&subject.store);
        async move {
            let mut removed = 0;
            for number in 0..5_i64 {
                let own: Vec<AuditEvent> =
                    (0..7).map(|own| event(number * 100 + own + task as i64, AuditAct::Login)).collect();
                store.record(&own).await.unwrap();
                removed += store.remove_before(NOW, 4).await.unwrap();
            }
            removed
        }
    })
    .await;
    let rest = store.remove_before(NOW, 1000).await.unwrap();
    assert_eq!(removed.into_iter().sum::<u64>() + rest, 100, "each once");
    assert_eq!(all(store).await.len(), TASKS * 5 * 7);
}
