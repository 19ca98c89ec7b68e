//! What is printed holds no secret, at any level.

use std::{
    io::Write,
    sync::{Arc, Mutex, OnceLock},
};

use axum::extract::FromRequestParts;
use axum_users::{Authenticated, Context, CreateUser, NoProfile, Policy, UpdateUser, Users};
use axum_users_testkit::FakeAnswer;
use serde_json::json;
use tracing::level_filters::LevelFilter;

use crate::support::{Begun, Browser, Kind, LOGIN, Reaction, Social, TestApp, camelot, knight};

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
    let other = json!({"email": "canary.other@camelot.bt", "current_password": "canary-wrong-password"});
    let wrong = app.ask("PATCH", "/users/me").bearer(&token_after).json(&other).send().await;
    wrong.assert_detail(400, "UPDATE_USER_BAD_CURRENT_PASSWORD");
    let other = json!({"email": "canary.other@camelot.bt", "current_password": THIRD});
    assert_eq!(app.ask("PATCH", "/users/me").bearer(&token_after).json(&other).send().await.status, 200);
    app.users.shutdown().await;
    let change = app.hooks.token_for("after_request_email_change", "canary.other@camelot.bt").unwrap();
    secrets.push(change.clone());
    assert_eq!(app.post("/auth/change-email").json(&json!({ "token": change })).send().await.status, 200);
    app.users.shutdown().await;
    let revert = app.hooks.token_for("after_email_change", EMAIL).unwrap();
    secrets.push(revert.clone());
    assert_eq!(
        app.post("/auth/revert-email-change").json(&json!({ "token": revert })).send().await.status,
        200
    );
    app.users.shutdown().await;
    let restored = app.hooks.token_for("after_forgot_password", EMAIL).unwrap();
    assert_eq!(app.reset(&restored, THIRD).await.status, 200);
    secrets.push(restored);
    let token_after = app.login(EMAIL, THIRD).await;
    assert_eq!(app.post("/auth/jwt/logout").bearer(&token_after).send().await.status, 204);
    secrets.extend([verify, cookie, reset, token, token_after]);
    secrets.extend(app.store.stored_tokens());
    secrets
}

/// Logging in by an account at a provider that has its secrets, and its own words, too.
async fn live_by_account(kind: Kind) -> Vec<String> {
    const PAGE: &str = "https://app.example/in";
    let options = camelot().return_to([PAGE]);
    let social = Social::with(kind, Policy::secure(), options).await;
    let tokens = json!({
        "access_token": "canary-provider-access-token",
        "refresh_token": "canary-provider-refresh-token",
        "expires_in": 60,
    });
    social.fake.answer("POST camelot.bt/token", FakeAnswer::json(tokens));
    social.says(knight("1", "canary.account@camelot.bt", true));
    let mut secrets = [
        "canary-provider-access-token",
        "canary-provider-refresh-token",
        "a secret of the client",
        "the-code",
    ]
    .map(str::to_owned)
    .to_vec();
    let browser = Browser::new(&social);
    let refusal = json!({ "error": "canary-provider-error", "error_description": "canary-provider-error" });
    for status in [400, 500] {
        social.fake.answer_once("POST camelot.bt/token", FakeAnswer::json(refusal.clone()).status(status));
        let state = social.begin(&browser, LOGIN).await.state;
        secrets.extend(browser.cookies().into_values());
        social.come_back(&browser, LOGIN, &state).await;
    }
    let begun = browser.get(&format!("{LOGIN}/authorize?return_to={PAGE}")).await;
    let begun = Begun::read(begun.header("location").unwrap());
    secrets.extend(browser.cookies().into_values());
    let answer = social.come_back(&browser, LOGIN, &begun.state).await;
    let code = answer.header("location").unwrap().split_once("#code=").unwrap().1.to_owned();
    let answer = social.app.post(&format!("{LOGIN}/token")).json(&json!({ "code": code })).send().await;
    secrets.extend([begun.state, code, Social::token(&answer), "canary-provider-error".to_owned()]);
    let user = social.user_of(&answer).await;
    social.users().manager().oauth_refresh(&user, "camelot", "1").await.unwrap();
    social.fake.answer("POST camelot.bt/token", FakeAnswer::json(refusal));
    assert!(social.users().manager().oauth_refresh(&user, "camelot", "1").await.is_err());
    let exchanged = social.fake.requests_to("POST camelot.bt/token");
    secrets.extend(
        exchanged
            .iter()
            .flat_map(|request| request.form.iter())
            .filter(|(name, _)| name == "code_verifier")
            .map(|(_, value)| value.clone()),
    );
    secrets
}

#[tokio::test]
async fn lgs_1_no_secret_is_logged_at_any_level() {
    let log = recording();
    let mut secrets = Vec::new();
    for kind in [Kind::Memory, Kind::Sqlite] {
        secrets.extend(live(&TestApp::new(kind).await).await);
        secrets.extend(live_by_account(kind).await);
    }
    let log = String::from_utf8_lossy(&log.lock().unwrap()).into_owned();
    for recorded in [
        "a hook failed",
        "a store failed",
        "INSERT INTO",
        "a provider failed",
        "a provider refused",
        "axum_users::audit",
        "\"login_failed\"",
        "\"unknown_user\"",
    ] {
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
