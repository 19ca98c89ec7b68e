use axum_users::{Backend, Bearer, Jwt, Opaque, Policy};
use serde_json::Value;

use crate::support::{KING, Kind, PASSWORD, SECRET, TestApp, on_every_store};

on_every_store![
    out_1_logging_out_ends_the_session,
    out_1_fastapi_users_keeps_jwts_alive,
    out_2_a_failing_store_is_not_a_success,
    out_3_requests_in_flight_revive_nothing,
    out_6_anonymous_logouts_write_nothing,
];

const CLEARED: &str = "__Host-fastapiusersauth=\"\"; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure";

async fn out_1_logging_out_ends_the_session(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let (token, other) = (app.login(KING, PASSWORD).await, app.login(KING, PASSWORD).await);
    let answer = app.post("/auth/jwt/logout").bearer(&token).send().await;
    assert_eq!((answer.status, answer.text()), (204, ""));
    assert_eq!(answer.header("content-type"), None);
    assert_eq!((answer.header("set-cookie"), answer.header("cache-control")), (None, Some("no-store")));
    app.me(&token).await.assert_detail(401, "Unauthorized");
    assert_eq!(app.me(&other).await.status, 200, "other sessions go on");
    app.post("/auth/jwt/logout").bearer(&token).send().await.assert_detail(401, "Unauthorized");

    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    let answer = app.post("/auth/cookie/logout").cookie(&cookie).send().await;
    assert_eq!((answer.status, answer.header("set-cookie")), (204, Some(CLEARED)));
    app.me_by_cookie(&cookie).await.assert_detail(401, "Unauthorized");
    assert_eq!(app.hooks.take_names(), ["after_login"; 3]);
}

async fn out_1_fastapi_users_keeps_jwts_alive(kind: Kind) {
    let app = TestApp::under(Policy::fastapi_users(), kind).await;
    app.add(KING).await;
    let token = app.login(KING, PASSWORD).await;
    assert_eq!(app.post("/auth/jwt/logout").bearer(&token).send().await.status, 204);
    assert_eq!(app.me(&token).await.status, 200);
    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    assert_eq!(app.post("/auth/cookie/logout").cookie(&cookie).send().await.status, 204);
    assert_eq!(app.me_by_cookie(&cookie).await.status, 401);
}

/// A token of one backend authenticates at the other's logout, which ends what its own transport carries.
#[tokio::test]
async fn logging_out_of_one_backend_with_the_token_of_another() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let (token, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    let answer = app.post("/auth/cookie/logout").bearer(&token).cookie(&cookie).send().await;
    assert_eq!((answer.status, answer.header("set-cookie")), (204, Some(CLEARED)));
    assert_eq!(app.me(&token).await.status, 200);
    assert_eq!(app.me_by_cookie(&cookie).await.status, 401, "the cookie's session has ended");
}

#[tokio::test]
async fn who_may_log_out() {
    let app = TestApp::with(Kind::Memory, |builder, store| {
        builder
            .backend(Backend::new("jwt", Bearer, Jwt::new(SECRET)))
            .backend(Backend::new("db", Bearer, Opaque::new(store.clone())).require_verified())
    })
    .await;
    app.add(KING).await;
    app.add_verified("merlin@camelot.bt").await;
    let (king, merlin) = (app.login(KING, PASSWORD).await, app.login("merlin@camelot.bt", PASSWORD).await);
    app.post("/auth/db/logout").send().await.assert_detail(401, "Unauthorized");
    app.post("/auth/db/logout").bearer("x").send().await.assert_detail(401, "Unauthorized");
    assert_eq!(app.post("/auth/db/logout").bearer(&king).send().await.status, 204, "OUT-4");
    assert_eq!(app.post("/auth/db/logout").bearer(&merlin).send().await.status, 204);
    assert_eq!(app.post("/auth/jwt/logout").bearer(&king).send().await.status, 204);
}

async fn out_2_a_failing_store_is_not_a_success(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let (token, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    let failures: [&[&str]; 2] = [&["*"], &["revoke", "remove_token"]];
    for verbs in failures {
        verbs.iter().for_each(|verb| app.store.fail_on(verb));
        for (path, ask) in [
            ("jwt", app.post("/auth/jwt/logout").bearer(&token)),
            ("cookie", app.post("/auth/cookie/logout").cookie(&cookie)),
        ] {
            let answer = ask.send().await;
            answer.assert_detail(503, "Service Unavailable");
            assert_eq!(answer.header("retry-after"), Some("1"), "{path}");
            assert_eq!(answer.header("set-cookie"), None, "{path}: the cookie is not cleared");
        }
        app.store.recover();
        assert_eq!(app.me(&token).await.status, 200);
        assert_eq!(app.me_by_cookie(&cookie).await.status, 200);
    }
    assert_eq!(app.post("/auth/jwt/logout").bearer(&token).send().await.status, 204);
    assert_eq!(app.post("/auth/cookie/logout").cookie(&cookie).send().await.status, 204);
    assert_eq!(app.me(&token).await.status, 401);
    assert_eq!(app.me_by_cookie(&cookie).await.status, 401);
}

async fn out_3_requests_in_flight_revive_nothing(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    for _ in 0..10 {
        let (token, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
        let mut asks = Vec::new();
        for number in 0..20 {
            if number == 10 {
                asks.push(tokio::spawn(app.post("/auth/jwt/logout").bearer(&token).send()));
                asks.push(tokio::spawn(app.post("/auth/cookie/logout").cookie(&cookie).send()));
            }
            asks.push(tokio::spawn(app.ask("GET", "/users/me").bearer(&token).send()));
            asks.push(tokio::spawn(app.ask("GET", "/users/me").cookie(&cookie).send()));
        }
        for ask in asks {
            assert!(matches!(ask.await.unwrap().status, 200 | 204 | 401));
        }
        assert_eq!(app.me(&token).await.status, 401);
        assert_eq!(app.me_by_cookie(&cookie).await.status, 401);
    }
}

#[tokio::test]
async fn out_5_nothing_but_post_logs_out() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let token = app.login(KING, PASSWORD).await;
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let answer = app.ask(method, "/auth/jwt/logout").bearer(&token).send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
    assert_eq!(app.me(&token).await.status, 200);
}

async fn out_6_anonymous_logouts_write_nothing(kind: Kind) {
    let app = TestApp::new(kind).await;
    for number in 0..100 {
        let token = format!("{number:043}");
        assert_eq!(app.post("/auth/cookie/logout").cookie(&token).send().await.status, 401);
        assert_eq!(app.post("/auth/jwt/logout").bearer(&token).send().await.status, 401);
    }
    assert!(app.store.take_calls().iter().all(|call| *call == "find_token"));
    if let Some(database) = &app.store.database {
        let pool = database.foreign().await;
        for table in ["accesstoken", "revoked_token"] {
            let sql = format!("SELECT count(*) FROM {table}");
            let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
            assert_eq!(rows, 0, "{table}");
        }
    }
    assert_eq!(app.store.stored_tokens(), Vec::<String>::new());
    assert_eq!(app.post("/auth/jwt/logout").send().await.json()["detail"], Value::from("Unauthorized"));
}
