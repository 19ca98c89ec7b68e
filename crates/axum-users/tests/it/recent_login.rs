//! Acts for which a session alone is not enough.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum_users::{
    Authenticated, Backend, Bearer, NewToken, Opaque, PasswordHash, Policy, RateLimits, StoredTokens,
    TokenStore, UserStore, Users,
};
use http::Request;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::support::{
    Answer, Ask, Browser, KING, Kind, PASSWORD, SECRET, Social, TestApp, forge, jwt, on_every_store,
    read_claims, stored_cookie,
};

on_every_store![
    chg_7_a_session_that_is_not_recent_changes_no_password_and_no_address,
    chg_7_a_recent_login_is_enough,
    chg_7_whoever_gives_the_password_needs_no_recent_login,
];

const NEW: &str = "excalibur in the stone";
const OTHER: &str = "arthur@camelot.bt";

/// The safe policy, but tokens are stored as they are, so that tests can store old ones.
fn policy() -> Policy {
    Policy { stored_tokens: StoredTokens::Clear, ..Policy::secure() }
}

/// A session of either kind whose login was so many seconds ago.
async fn sessions(app: &TestApp, seconds: i64) -> [String; 2] {
    let user = app.user(KING).await;
    let created_at = OffsetDateTime::now_utc() - Duration::seconds(seconds);
    let stored = format!("login of {seconds} seconds ago");
    let expires_at = Some(created_at + Duration::days(1));
    let token = NewToken { token: &stored, user: &user.id, created_at, expires_at };
    TokenStore::insert(&app.store.ungated(), token).await.unwrap();

    let mut claims = read_claims(&app.login(KING, PASSWORD).await);
    claims["auth_time"] = created_at.unix_timestamp().into();
    [format!("Bearer {}", forge(&claims, SECRET)), format!("Bearer {stored}")]
}

async fn app(kind: Kind, policy: Policy) -> TestApp {
    let app = TestApp::with(kind, |builder, store| {
        let stored = Backend::new("stored", Bearer, Opaque::new(store.clone()));
        builder.policy(policy).backend(jwt()).backend(stored).backend(stored_cookie(store))
    })
    .await;
    app.add_verified(KING).await;
    app
}

fn patch(app: &TestApp, session: &str) -> Ask {
    app.ask("PATCH", "/users/me").header("authorization", session)
}

async fn patched(app: &TestApp, session: &str, body: &Value) -> Answer {
    patch(app, session).json(body).send().await
}

async fn chg_7_a_session_that_is_not_recent_changes_no_password_and_no_address(kind: Kind) {
    let app = app(kind, policy()).await;
    for session in sessions(&app, 601).await {
        app.hooks.take();
        let before = app.user(KING).await;
        for body in [
            json!({"password": NEW}),
            json!({"email": OTHER}),
            json!({"email": "King.Arthur@camelot.bt"}),
            json!({"email": OTHER, "password": NEW}),
            json!({"password": "weak", "current_password": null}),
        ] {
            patched(&app, &session, &body).await.assert_detail(403, "REAUTHENTICATION_REQUIRED");
        }
        for body in [
            json!({"password": NEW, "current_password": "wrong"}),
            json!({"email": OTHER, "password": NEW, "current_password": ""}),
        ] {
            let answer = patched(&app, &session, &body).await;
            answer.assert_detail(400, "UPDATE_USER_BAD_CURRENT_PASSWORD");
        }
        assert!(app.hooks.take_names().is_empty());
        let after = app.user(KING).await;
        assert_eq!((after.email, after.hashed_password), (before.email, before.hashed_password));

        // What lets nobody in needs nothing, and a password that is not asked for is not looked at.
        for body in [
            json!({}),
            json!({"email": KING}),
            json!({"email": "king.arthur@CAMELOT.bt", "password": null}),
            json!({"current_password": "wrong"}),
        ] {
            assert_eq!(patched(&app, &session, &body).await.status, 200, "{body}");
        }
    }
}

async fn chg_7_a_recent_login_is_enough(kind: Kind) {
    let app = app(kind, policy()).await;
    let [signed, stored] = sessions(&app, 590).await;
    assert_eq!(patched(&app, &signed, &json!({"email": "King.Arthur@camelot.bt"})).await.status, 200);
    let wrong = json!({"password": NEW, "current_password": "wrong"});
    patched(&app, &stored, &wrong).await.assert_detail(400, "UPDATE_USER_BAD_CURRENT_PASSWORD");
    assert_eq!(patched(&app, &stored, &json!({"password": NEW})).await.status, 200);
    app.login(KING, NEW).await;
}

async fn chg_7_whoever_gives_the_password_needs_no_recent_login(kind: Kind) {
    let app = app(kind, policy()).await;
    let [signed, stored] = sessions(&app, 86_000).await;
    let body = json!({"email": "King.Arthur@camelot.bt", "current_password": PASSWORD});
    let answer = patched(&app, &signed, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.json().get("current_password").is_none());
    let body = json!({"password": NEW, "current_password": PASSWORD});
    assert_eq!(patched(&app, &stored, &body).await.status, 200);
    app.login(KING, NEW).await;
    let changes = app.hooks.take().into_iter().filter_map(|event| event.changes).collect::<String>();
    assert!(!changes.contains(PASSWORD) && !changes.contains(NEW), "{changes}");
}

/// A login whose time is not known may have been at any time.
#[tokio::test]
async fn chg_7_a_login_of_unknown_time_is_not_recent() {
    let app = app(Kind::Memory, policy()).await;
    let claims = read_claims(&app.login(KING, PASSWORD).await);
    for time in [Value::Null, json!("now"), json!(-1), json!(i64::MIN), json!(true), json!([])] {
        let mut claims = claims.clone();
        match time {
            Value::Null => drop(claims.as_object_mut().unwrap().remove("auth_time")),
            ref time => claims["auth_time"] = time.clone(),
        }
        let session = format!("Bearer {}", forge(&claims, SECRET));
        let answer = patched(&app, &session, &json!({"password": NEW})).await;
        answer.assert_detail(403, "REAUTHENTICATION_REQUIRED");
        assert_eq!(patched(&app, &session, &json!({})).await.status, 200, "{time}");
    }
}

/// Who has none logs in again, by the provider.
#[tokio::test]
async fn chg_7_no_password_fits_a_user_who_has_none() {
    let app = app(Kind::Memory, policy()).await;
    let [_, session] = sessions(&app, 601).await;
    let mut user = app.user(KING).await;
    user.hashed_password = PasswordHash::new("!");
    let changes = axum_users::Changes {
        hashed_password: Some(user.hashed_password.clone()),
        ..axum_users::Changes::default()
    };
    app.store.update(&user.id, &changes).await.unwrap();
    for password in ["", "!", PASSWORD] {
        let answer = patched(&app, &session, &json!({"password": NEW, "current_password": password})).await;
        answer.assert_detail(400, "UPDATE_USER_BAD_CURRENT_PASSWORD");
    }
    patched(&app, &session, &json!({"password": NEW})).await.assert_detail(403, "REAUTHENTICATION_REQUIRED");
}

/// LOG-5: guesses here and at the login are one count, and another count is the user's whoever guesses.
#[tokio::test]
async fn log_5_guesses_of_the_current_password_count_as_logins() {
    let limited = async |limits: RateLimits| {
        let app = TestApp::with(Kind::Memory, |builder, store| {
            let stored = Backend::new("stored", Bearer, Opaque::new(store.clone()));
            builder.policy(policy()).backend(jwt()).backend(stored).rate_limits(limits)
        })
        .await;
        app.add(KING).await;
        app
    };
    let client = |number: u8| ConnectInfo(SocketAddr::from(([203, 0, 113, number], 40_000)));
    let guess = json!({"password": NEW, "current_password": "wrong"});

    let app = limited(RateLimits { login_tries: 5, ..RateLimits::off() }).await;
    let session = sessions(&app, 601).await[1].clone();
    for _ in 0..5 {
        let answer = patch(&app, &session).extension(client(1)).json(&guess).send().await;
        answer.assert_detail(400, "UPDATE_USER_BAD_CURRENT_PASSWORD");
    }
    let login = |number| {
        let ask = app.post("/auth/jwt/login").extension(client(number));
        ask.form(&[("username", KING), ("password", PASSWORD)]).send()
    };
    login(1).await.assert_detail(429, "TOO_MANY_REQUESTS");
    assert_eq!(login(2).await.status, 200);
    let right = json!({"password": NEW, "current_password": PASSWORD});
    let answer = patch(&app, &session).extension(client(1)).json(&right).send().await;
    answer.assert_detail(429, "TOO_MANY_REQUESTS");
    assert!(answer.header("retry-after").is_some());

    let app = limited(RateLimits { reauthentications_per_minute: 5, ..RateLimits::off() }).await;
    let session = sessions(&app, 601).await[1].clone();
    for number in 0..5 {
        let answer = patch(&app, &session).extension(client(number)).json(&guess).send().await;
        answer.assert_detail(400, "UPDATE_USER_BAD_CURRENT_PASSWORD");
    }
    let before = app.users.password_operations();
    let answer = patch(&app, &session).extension(client(99)).json(&right).send().await;
    answer.assert_detail(429, "TOO_MANY_REQUESTS");
    assert_eq!(app.users.password_operations(), before, "not even looked at");
    let [fresh, _] = sessions(&app, 1).await;
    assert_eq!(patched(&app, &fresh, &json!({"password": NEW})).await.status, 200, "who logs in needs none");
}

#[tokio::test]
async fn under_fastapi_users_any_session_is_enough() {
    for policy in [Policy { recent_login: None, ..policy() }, Policy::fastapi_users()] {
        let app = app(Kind::Memory, policy).await;
        let [_, session] = sessions(&app, 86_000).await;
        // There is no such field: as any other that is not known, it is ignored.
        let body = json!({"password": NEW, "current_password": 5});
        assert_eq!(patched(&app, &session, &body).await.status, 200);
        app.login(KING, NEW).await;
    }
}

#[tokio::test]
async fn the_current_password_is_a_text_and_is_never_told() {
    let app = app(Kind::Memory, Policy { echo_input: true, ..policy() }).await;
    let [session, _] = sessions(&app, 1).await;
    let canary = json!(["canary-password"]);
    let answer = patched(&app, &session, &json!({"password": 5, "current_password": canary})).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["detail"][1]["loc"], json!(["body", "current_password"]));
    assert!(!answer.text().contains("canary"), "{}", answer.text());
}

/// An administrator's session has its own rules.
#[tokio::test]
async fn superusers_change_others_by_id_without_it() {
    let app = app(Kind::Memory, policy()).await;
    let merlin = app.add("merlin@camelot.bt").await;
    let king = app.user(KING).await;
    let promoted = axum_users::Changes { is_superuser: Some(true), ..axum_users::Changes::default() };
    app.store.update(&king.id, &promoted).await.unwrap();
    let [session, _] = sessions(&app, 601).await;
    let path = format!("/users/{}", merlin.id);
    let body = json!({"password": NEW, "current_password": 5});
    let answer = app.ask("PATCH", &path).header("authorization", &session).json(&body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn f_7_a_store_that_fails_is_no_old_login() {
    let app = app(Kind::Memory, policy()).await;
    let [_, session] = sessions(&app, 1).await;
    app.store.fail_on("token_created_at");
    let answer = patched(&app, &session, &json!({"password": NEW})).await;
    answer.assert_detail(503, "Service Unavailable");
}

#[tokio::test]
async fn an_application_asks_for_a_recent_login_too() {
    let app = app(Kind::Memory, policy()).await;
    for (seconds, recent) in [(1, true), (601, false)] {
        for session in sessions(&app, seconds).await {
            let request = Request::get("/").header("authorization", session).body(()).unwrap();
            let mut parts = request.into_parts().0;
            let found =
                <Authenticated as FromRequestParts<Users>>::from_request_parts(&mut parts, &app.users);
            let found = found.await.unwrap();
            assert_eq!(app.users.logged_in_recently(&found).await.unwrap(), recent);
        }
    }
}

#[tokio::test]
async fn oak_4_an_account_is_taken_away_after_a_recent_login_only() {
    let social = Social::new(Kind::Memory).await;
    social.app.add_verified(KING).await;
    let token = Social::token(&social.log_in_as("1", "knight@camelot.bt", true).await);
    let mut claims = read_claims(&token);
    claims["auth_time"] = (claims["iat"].as_i64().unwrap() - 601).into();
    let old = forge(&claims, SECRET);
    let unlink = async |token: &str| {
        let browser = Browser::with_token(&social, token);
        browser.send("DELETE", "/users/me/oauth-accounts/camelot/1", &[]).await
    };
    unlink(&old).await.assert_detail(403, "REAUTHENTICATION_REQUIRED");
    assert_eq!(Browser::with_token(&social, &old).get("/users/me/oauth-accounts").await.status, 200);
    unlink(&token).await.assert_detail(400, "OAUTH_LAST_LOGIN_METHOD");
}
