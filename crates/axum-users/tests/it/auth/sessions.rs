use axum_users::{Backend, Bearer, Cookie, EmailChange, Jwt, NewToken, Opaque, Policy, TokenStore};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::support::{KING, Kind, PASSWORD, SECRET, TestApp, on_every_store};

on_every_store![
    ses_3_a_new_password_ends_all_sessions,
    ses_3_fastapi_users_keeps_sessions,
    ses_3_a_login_under_way_opens_no_session_with_the_old_password,
];

/// MongoDB removes them by itself.
mod tokens_that_are_over_are_removed_a_few_at_a_time {
    use crate::support::{Kind, on_stores};

    on_stores!(tokens_that_are_over_are_removed_a_few_at_a_time: memory Memory, sqlite Sqlite, postgres Postgres, mariadb Mariadb);
}

const NEW: &str = "excalibur in the stone";

/// A new password by each of the three ways.
async fn change_password(app: &TestApp, way: &str, admin: &str, token: &str) {
    let body = json!({ "password": NEW });
    let answer = match way {
        "PATCH /me" => app.ask("PATCH", "/users/me").bearer(token).json(&body).send().await,
        "PATCH /{id}" => {
            let path = format!("/users/{}", app.user(KING).await.id);
            app.ask("PATCH", &path).bearer(admin).json(&body).send().await
        }
        _ => {
            let token = app.forgot(KING).await;
            app.reset(&token, NEW).await
        }
    };
    assert_eq!(answer.status, 200, "{way}: {}", answer.text());
}

const WAYS: [&str; 3] = ["PATCH /me", "PATCH /{id}", "reset"];

async fn ses_3_a_new_password_ends_all_sessions(kind: Kind) {
    for way in WAYS {
        let app = TestApp::new(kind).await;
        app.add(KING).await;
        app.add_superuser("merlin@camelot.bt").await;
        let admin = app.login("merlin@camelot.bt", PASSWORD).await;
        let tokens = [app.login(KING, PASSWORD).await, app.login(KING, PASSWORD).await];
        let cookies = [app.login_by_cookie(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await];
        change_password(&app, way, &admin, &tokens[0]).await;
        for token in &tokens {
            assert_eq!(app.me(token).await.status, 401, "{way}");
        }
        for cookie in &cookies {
            assert_eq!(app.me_by_cookie(cookie).await.status, 401, "{way}");
        }
        assert_eq!(app.me(&admin).await.status, 200, "{way}: others go on");
        let token = app.login(KING, NEW).await;
        assert_eq!(app.me(&token).await.status, 200);
    }
}

async fn ses_3_fastapi_users_keeps_sessions(kind: Kind) {
    for way in WAYS {
        let app = TestApp::under(Policy::fastapi_users(), kind).await;
        app.add(KING).await;
        app.add_superuser("merlin@camelot.bt").await;
        let admin = app.login("merlin@camelot.bt", PASSWORD).await;
        let (token, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
        change_password(&app, way, &admin, &token).await;
        assert_eq!(app.me(&token).await.status, 200, "{way}");
        assert_eq!(app.me_by_cookie(&cookie).await.status, 200, "{way}");
    }
}

/// A browser that changes its password stays logged in: it gets the cookie of a new session.
#[tokio::test]
async fn a_new_password_by_cookie_answers_with_a_new_cookie() {
    let app = TestApp::with(Kind::Memory, |builder, store| {
        let jwt_cookie = Cookie { name: "jwt".into(), ..Cookie::default() };
        builder
            .backend(Backend::new("cookie", Cookie::default(), Opaque::new(store.clone())))
            .backend(Backend::new("jwt", jwt_cookie, Jwt::new(SECRET)))
            .backend(Backend::new("bearer", Bearer, Opaque::new(store.clone())))
    })
    .await;
    app.add(KING).await;
    let patch = |password: &str| app.ask("PATCH", "/users/me").json(&json!({ "password": password }));

    let old = app.login_by_cookie(KING, PASSWORD).await;
    let answer = patch("first new").cookie(&old).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(app.me_by_cookie(&old).await.status, 401);
    assert_eq!(app.me_by_cookie(&answer.cookie()).await.status, 200);

    let login = app.login_answer("/auth/jwt/login", KING, "first new").await;
    let pair = login.header("set-cookie").unwrap().split(';').next().unwrap();
    let answer = patch("second new").header("cookie", pair).send().await;
    let renewed = answer.header("set-cookie").unwrap().split(';').next().unwrap();
    assert_ne!(renewed, pair);
    for (pair, status) in [(pair, 401), (renewed, 200)] {
        assert_eq!(app.ask("GET", "/users/me").header("cookie", pair).send().await.status, status);
    }

    let token = app.login_at("/auth/bearer/login", KING, "second new").await;
    let answer = patch("third new").bearer(&token).send().await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    let nothing_new =
        app.ask("PATCH", "/users/me").bearer(&app.login_at("/auth/bearer/login", KING, "third new").await);
    let answer = nothing_new.json(&json!({"password": null})).send().await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
}

async fn tokens_that_are_over_are_removed_a_few_at_a_time(kind: Kind) {
    let app = TestApp::new(kind).await;
    let king = app.add(KING).await;
    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    let now = OffsetDateTime::now_utc();
    for number in 0..1_100 {
        let token = format!("token{number}");
        let over = Some(now - Duration::seconds(1));
        let token = NewToken { token: &token, user: &king.id, created_at: now, expires_at: over };
        TokenStore::insert(&app.store.ungated(), token).await.unwrap();
    }
    app.store.take_calls();
    assert_eq!(app.users.remove_expired_tokens().await.unwrap(), 1_100);
    let rounds = app.store.take_calls().iter().filter(|verb| **verb == "remove_expired").count();
    assert!(rounds >= 3, "F-23: a batch is at most 500 rows");
    assert_eq!(app.me_by_cookie(&cookie).await.status, 200);
    app.store.break_down();
    assert!(app.users.remove_expired_tokens().await.is_err());
}

/// The password is changed: that no new session can be opened does not turn the answer into an error, which would invite the
/// client to repeat what is done.
#[tokio::test]
async fn a_new_password_counts_also_when_there_is_no_new_cookie() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    app.store.fail_on("insert_token");
    let patch = app.ask("PATCH", "/users/me").cookie(&cookie).json(&json!({"password": NEW}));
    let answer = patch.send().await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None), "{}", answer.text());
    app.store.recover();
    assert_eq!(app.me_by_cookie(&cookie).await.status, 401);
    app.login_by_cookie(KING, NEW).await;
}

/// A token store that is away would come back with sessions of the old password.
#[tokio::test]
async fn f_8_a_password_is_not_changed_while_sessions_cannot_be_ended() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let (token, reset) = (app.login(KING, PASSWORD).await, app.forgot(KING).await);
    app.hooks.take();
    app.store.fail_on("remove_tokens");
    app.reset(&reset, NEW).await.assert_detail(503, "Service Unavailable");
    assert_eq!(app.hooks.take_names(), ["validate_password"]);
    let patch = || app.ask("PATCH", "/users/me").bearer(&token).json(&json!({"password": "another new one"}));
    patch().send().await.assert_detail(503, "Service Unavailable");
    assert_eq!(app.hooks.take_names(), ["validate_password"]);
    assert_eq!(app.me(&token).await.status, 200);
    app.store.recover();
    assert_eq!(app.reset(&reset, NEW).await.status, 200, "the token is as good as before");
    assert_eq!(app.me(&token).await.status, 401);
}

/// A session of the old password that is opened at the last moment.
#[tokio::test]
async fn f_8_sessions_end_again_after_the_change() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let reset = app.forgot(KING).await;
    app.store.take_calls();
    assert_eq!(app.reset(&reset, NEW).await.status, 200);
    let calls = app.store.take_calls();
    let order: Vec<_> = calls.into_iter().filter(|verb| ["update", "remove_tokens"].contains(verb)).collect();
    assert_eq!(order, ["remove_tokens", "update", "remove_tokens"]);
}

#[tokio::test]
async fn a_change_that_is_refused_ends_no_session() {
    let policy = Policy { email_change: EmailChange::Immediate, ..Policy::secure() };
    let app = TestApp::under(policy, Kind::Memory).await;
    app.add(KING).await;
    app.add("merlin@camelot.bt").await;
    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    let both = json!({"email": "merlin@camelot.bt", "password": NEW});
    let answer = app.ask("PATCH", "/users/me").cookie(&cookie).json(&both).send().await;
    answer.assert_detail(400, "UPDATE_USER_EMAIL_ALREADY_EXISTS");
    assert_eq!(app.me_by_cookie(&cookie).await.status, 200);
}

/// A token that nobody is told would only be one more that opens the account.
#[tokio::test]
async fn a_new_password_by_bearer_opens_no_session() {
    let app = TestApp::with(Kind::Memory, |builder, store| {
        builder.backend(Backend::new("bearer", Bearer, Opaque::new(store.clone())))
    })
    .await;
    app.add(KING).await;
    let token = app.login_at("/auth/bearer/login", KING, PASSWORD).await;
    app.store.take_calls();
    let answer = app.ask("PATCH", "/users/me").bearer(&token).json(&json!({"password": NEW})).send().await;
    assert_eq!(answer.status, 200);
    assert!(!app.store.was_called("insert_token"), "{:?}", app.store.take_calls());
}

/// RST-3: the password was right when it was verified; before the token is written, the owner sets a new one.
async fn ses_3_a_login_under_way_opens_no_session_with_the_old_password(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let reset = app.forgot(KING).await;
    app.store.close_gate("insert_token");
    let login = tokio::spawn(
        app.post("/auth/cookie/login").form(&[("username", KING), ("password", PASSWORD)]).send(),
    );
    while !app.store.was_called("insert_token") {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.reset(&reset, NEW).await.status, 200);
    app.store.open_gate();
    let answer = login.await.unwrap();
    if answer.status == 204 {
        assert_eq!(app.me_by_cookie(&answer.cookie()).await.status, 401, "the old password opened a session");
    } else {
        answer.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    app.login_by_cookie(KING, NEW).await;
}
