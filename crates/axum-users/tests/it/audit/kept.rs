//! How events come into their store: soon, once, in spite of outages, and never in the way of a request.

use std::time::{Duration, Instant};

use axum_users::{
    AuditAct, AuditEvent, AuditFilter, AuditOptions, AuditStore, MemoryStore, NoProfile, Policy, Users,
};
use time::OffsetDateTime;

use super::{Audience, app, with};
use crate::support::{KING, Kind, PASSWORD, SECRET, TestApp, on_every_store};

on_every_store![
    f_1_an_event_is_kept_within_a_second,
    f_17_an_outage_delays_no_answer_and_loses_no_event,
    events_are_removed_when_they_are_old,
];

const LOGIN: &str = "/auth/jwt/login";

async fn kept(app: &TestApp) -> Vec<AuditEvent> {
    app.store.ungated().list_events().await
}

impl crate::support::Store {
    async fn list_events(&self) -> Vec<AuditEvent> {
        AuditStore::list(self, &AuditFilter::default(), None, 10_000).await.unwrap()
    }
}

async fn f_1_an_event_is_kept_within_a_second(kind: Kind) {
    let app = app(kind).await;
    let start = Instant::now();
    app.login_answer(LOGIN, KING, "wrong").await;
    while kept(&app).await.is_empty() || app.users.events_written() == 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "nobody has written it");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((kept(&app).await.len(), app.users.events_written()), (1, 1));
}

async fn f_17_an_outage_delays_no_answer_and_loses_no_event(kind: Kind) {
    let app = app(kind).await;
    app.add(KING).await;
    app.users.shutdown().await;
    app.store.fail_on("record_events");
    let start = Instant::now();
    for _ in 0..3 {
        app.login(KING, PASSWORD).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(kept(&app).await.len(), 1);
    app.store.recover();
    while kept(&app).await.len() < 4 {
        assert!(start.elapsed() < Duration::from_secs(20), "they are written when the store is back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.users.shutdown().await;
    assert_eq!(kept(&app).await.len(), 4);
    assert_eq!((app.users.events_written(), app.users.events_dropped()), (4, 0));
}

async fn events_are_removed_when_they_are_old(kind: Kind) {
    let options = AuditOptions::new().keep(Duration::from_secs(3600));
    let app = with(kind, Policy::secure(), options, |builder| builder).await;
    let old: Vec<AuditEvent> = (0..1200).map(|number| old_event(3601 + number)).collect();
    app.store.record(&old).await.unwrap();
    app.store.record(&[old_event(3500)]).await.unwrap();
    app.store.take_calls();
    assert_eq!(app.users.remove_old_events().await.unwrap(), 1200);
    assert_eq!(app.store.take_calls(), ["remove_events"; 3], "in batches");
    assert_eq!(kept(&app).await.len(), 1);
    assert_eq!(app.users.remove_old_events().await.unwrap(), 0);
}

fn old_event(seconds: u32) -> AuditEvent {
    let mut event = AuditEvent::new(AuditAct::Login);
    event.time = OffsetDateTime::now_utc() - Duration::from_secs(seconds.into());
    event.id = uuid::Uuid::from_u128(
        AuditEvent::first_id(event.time).as_u128() | (event.id.as_u128() & 0xffff_ffff),
    );
    event
}

#[tokio::test]
async fn f_17_more_than_can_wait_is_counted_and_not_kept() {
    let options = AuditOptions::new().queue(3);
    let app = with(Kind::Memory, Policy::secure(), options, |builder| builder).await;
    app.store.close_gate("record_events");
    let start = Instant::now();
    for number in 0..5 {
        assert_eq!(app.login_answer(LOGIN, KING, "wrong").await.status, 400);
        assert_eq!(app.users.events_dropped(), u64::from(number > 2) * (number.max(2) - 2));
    }
    assert!(start.elapsed() < Duration::from_secs(2), "no request waits for the store");
    app.store.open_gate();
    app.users.shutdown().await;
    assert_eq!((kept(&app).await.len(), app.users.events_written()), (3, 3));
    app.login_answer(LOGIN, KING, "wrong").await;
    app.users.shutdown().await;
    assert_eq!((kept(&app).await.len(), app.users.events_dropped()), (4, 2), "there is room again");
}

/// Who goes away before the answer has left a trace.
#[tokio::test]
async fn lgs_4_a_request_that_is_given_up_is_recorded() {
    let app = app(Kind::Memory).await;
    let mut audience = Audience::new(&app.users);
    let king = app.add(KING).await;
    audience.knows(&king.id, "king");
    let token = app.forgot(KING).await;
    audience.events().await;
    app.store.close_gate("update");
    let reset = tokio::time::timeout(Duration::from_millis(300), app.reset(&token, "lancelot-du-lac"));
    assert!(reset.await.is_err());
    app.store.open_gate();
    audience.hears("interrupted", &["password_reset interrupted of king"]).await;
}

/// Events of a runtime that has ended, or that came without one, are written by the next.
#[test]
fn events_do_not_depend_on_a_runtime() {
    let store = MemoryStore::<NoProfile>::new();
    let builder = Users::builder(store.clone(), SECRET).backend(crate::support::jwt());
    let users: Users = builder.audit(store.clone(), AuditOptions::new()).build().unwrap();
    for count in 1..=3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            users
                .manager()
                .queue_forgot_password(KING.to_owned(), &axum_users::Context::none())
                .await
                .unwrap();
            if count == 3 {
                users.shutdown().await;
                let events = AuditStore::list(&store, &AuditFilter::default(), None, 10).await.unwrap();
                assert_eq!(events.len(), 3);
            }
        });
    }
}

#[tokio::test]
async fn without_a_store_nothing_is_kept_and_nothing_fails() {
    let app = TestApp::new(Kind::Memory).await;
    app.login_answer(LOGIN, KING, "wrong").await;
    app.users.shutdown().await;
    assert!(app.users.events(&AuditFilter::default(), None, 10).await.unwrap().is_empty());
    assert_eq!(app.users.remove_old_events().await.unwrap(), 0);
    assert_eq!((app.users.events_written(), app.users.events_dropped()), (0, 0));
    assert!(kept(&app).await.is_empty());
}
