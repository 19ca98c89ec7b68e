//! What events must not hold.

use axum_users::{AuditEvent, AuditOptions, Users};
use serde_json::json;

use super::{Audience, app};
use crate::support::{KING, Kind, TestApp, on_every_store};

on_every_store![lgs_1_no_secret_stands_in_an_event, lgs_3_what_was_typed_as_a_name_is_only_a_keyed_hash];

const LOGIN: &str = "/auth/jwt/login";
const FIRST: &str = "canary-first-password";
const SECOND: &str = "canary-second-password";
const THIRD: &str = "canary-third-password";

fn text(events: &[AuditEvent]) -> String {
    format!("{} {events:?}", serde_json::to_string(events).unwrap())
}

/// The whole life of a user.
async fn live(app: &TestApp) -> Vec<String> {
    let mut secrets = [FIRST, SECOND, THIRD, "canary-wrong"].map(str::to_owned).to_vec();
    app.register(KING, FIRST).await;
    app.register(KING, FIRST).await;
    app.login_answer(LOGIN, KING, "canary-wrong").await;
    app.login_answer(LOGIN, "canary-wrong", FIRST).await;
    let verify = app.request_verify(KING).await;
    app.post("/auth/verify").json(&json!({ "token": verify })).send().await;
    let reset = app.forgot(KING).await;
    for _ in 0..2 {
        app.reset(&reset, SECOND).await;
    }
    let cookie = app.login_by_cookie(KING, SECOND).await;
    let token = app.login(KING, SECOND).await;
    app.ask("PATCH", "/users/me").bearer(&token).json(&json!({"password": THIRD})).send().await;
    secrets.push(app.user(KING).await.hashed_password.into_string());
    let after = app.login(KING, THIRD).await;
    app.post("/auth/jwt/logout").bearer(&after).send().await;
    secrets.extend([verify, cookie, reset, token, after]);
    secrets.extend(app.store.stored_tokens());
    secrets
}

async fn lgs_1_no_secret_stands_in_an_event(kind: Kind) {
    let app = app(kind).await;
    let secrets = live(&app).await;
    let events = Audience::new(&app.users).events().await;
    assert!(events.len() >= 14, "{events:#?}");
    let text = text(&events);
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} stands in an event");
    }
    assert!(!text.to_lowercase().contains("camelot"), "no address stands in an event");
}

async fn lgs_3_what_was_typed_as_a_name_is_only_a_keyed_hash(kind: Kind) {
    let app = app(kind).await;
    let mut audience = Audience::new(&app.users);
    for typed in ["canary-typed-as-name", KING, " King.Arthur@CAMELOT.bt", "canary\0\u{1b}[2J", ""] {
        app.users.manager().authenticate(typed, "x", &axum_users::Context::none()).await.unwrap_err();
    }
    let events = audience.events().await;
    assert!(!text(&events).contains("canary"));
    let hashes: Vec<&str> = events.iter().map(|event| event.identifier.as_deref().unwrap()).collect();
    assert!(hashes.iter().all(|hash| hash.len() == 22));
    assert_eq!(hashes[1], hashes[2], "all spellings by which a user is found are one");
    assert_eq!(hashes[1], app.users.event_identifier(KING));
    let other = "another secret of at least 32 bytes";
    let store = app.store.ungated();
    let others: Users =
        Users::builder(store.clone(), other).audit(store, AuditOptions::new()).build().unwrap();
    assert_ne!(hashes[1], others.event_identifier(KING), "the hash is keyed");
}
