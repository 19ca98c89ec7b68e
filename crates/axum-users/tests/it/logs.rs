//! What is printed holds no secret, at any level.

use std::{
    io::Write,
    sync::{Arc, Mutex, OnceLock},
};

use axum::extract::FromRequestParts;
use axum_users::{Authenticated, Context, CreateUser, NoProfile, UpdateUser, Users};
use serde_json::json;
use tracing::level_filters::LevelFilter;

use crate::support::{Kind, Reaction, TestApp};

/// Everything that any thread logs from now on.
fn recording() -> &'static Arc<Mutex<Vec<u8>>> {
    static LOG: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_writer(move || Sink(Arc::clone(&sink)))
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    })
}

struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const EMAIL: &str = "canary.logs@camelot.bt";
const FIRST: &str = "canary-first-password";
const SECOND: &str = "canary-second-password";
const THIRD: &str = "canary-third-password";

/// The whole life of a user, with everything that is secret in it.
async fn live(app: &TestApp) -> Vec<String> {
    let mut secrets = [FIRST, SECOND, THIRD, "canary-wrong-password"].map(str::to_owned).to_vec();
    assert_eq!(app.register(EMAIL, FIRST).await.status, 201);
    secrets.push(app.user(EMAIL).await.hashed_password.into_string());
    app.login_answer("/auth/jwt/login", EMAIL, "canary-wrong-password").await;
    app.login_answer("/auth/jwt/login", "canary-wrong-password", "x").await;
    let verify = app.request_verify(EMAIL).await;
    assert_eq!(app.post("/auth/verify").json(&json!({ "token": verify })).send().await.status, 200);
    let cookie = app.login_by_cookie(EMAIL, FIRST).await;
    assert_eq!(app.me_by_cookie(&cookie).await.status, 200);
    let reset = app.forgot(EMAIL).await;
    assert_eq!(app.reset(&reset, SECOND).await.status, 200);
    secrets.push(app.user(EMAIL).await.hashed_password.into_string());
    let token = app.login(EMAIL, SECOND).await;
    app.store.break_down();
    assert_eq!(app.me(&token).await.status, 503);
    assert_eq!(app.login_answer("/auth/jwt/login", EMAIL, SECOND).await.status, 503);
    app.store.recover();
    app.hooks.react("after_update", Reaction::Fail);
    let change = json!({"password": THIRD});
    assert_eq!(app.ask("PATCH", "/users/me").bearer(&token).json(&change).send().await.status, 200);
    let token_after = app.login(EMAIL, THIRD).await;
    assert_eq!(app.post("/auth/jwt/logout").bearer(&token_after).send().await.status, 204);
    secrets.extend([verify, cookie, reset, token, token_after]);
    secrets.extend(app.store.stored_tokens());
    secrets
}

#[tokio::test]
async fn lgs_1_no_secret_is_logged_at_any_level() {
    let log = recording();
    let mut secrets = Vec::new();
    for kind in [Kind::Memory, Kind::Sqlite] {
        secrets.extend(live(&TestApp::new(kind).await).await);
    }
    let log = String::from_utf8_lossy(&log.lock().unwrap()).into_owned();
    for recorded in ["a hook failed", "a store failed", "INSERT INTO"] {
        assert!(log.contains(recorded), "the log is recorded, and holds {recorded:?}");
    }
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} was logged");
        // The claims of a token are as good as the token to whoever has its signature.
        for part in secret.split('.').filter(|part| part.len() > 40) {
            assert!(!log.contains(part), "{part} was logged");
        }
    }
}

#[tokio::test]
async fn lgs_1_debug_shows_no_secret() {
    let app = TestApp::new(Kind::Memory).await;
    let create = CreateUser::new(EMAIL, FIRST, NoProfile {});
    let update: UpdateUser = UpdateUser { password: Some(SECOND.into()), ..UpdateUser::default() };
    let mut shown = format!("{create:?} {update:?}");
    let user = app.create(create).await;
    let token = app.login(EMAIL, FIRST).await;
    let mut parts = http::Request::builder()
        .header("authorization", format!("Bearer {token}"))
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let who =
        <Authenticated as FromRequestParts<Users>>::from_request_parts(&mut parts, &app.users).await.unwrap();
    shown += &format!("{user:?} {who:?} {:?} {:?} {:?}", who.token, Context::from_parts(&parts), app.users);
    assert_eq!(who.token.expose(), token);
    assert!(shown.contains(EMAIL) && shown.contains("redacted"));
    for secret in [FIRST, SECOND, &token, user.hashed_password.as_str()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
