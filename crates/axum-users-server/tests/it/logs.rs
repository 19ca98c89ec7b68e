use axum_users_testkit::Purpose;
use serde_json::json;

use crate::support::{KING, Running, answer};

/// LGS-1: at the finest level no log line holds a password, a token or a cookie.
#[tokio::test]
async fn lgs_1_no_secret_reaches_a_log() {
    let running = Running::start("[log]\nlevel = \"trace\"\n");
    let (old, new) = ("canary-password-one", "canary-password-two");
    running.register(KING, old).await;
    let token = running.token(KING, old).await;
    running.me(&token).await;
    running.login(KING, "canary-password-wrong").await;
    running.login("canary-password-typed-as-name", "x").await;
    let cookie = running.post("/auth/cookie/login").form(&[("username", KING), ("password", old)]);
    let cookie = cookie.send().await.unwrap().headers()["set-cookie"].to_str().unwrap().to_owned();
    let session = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    answer(running.get("/users/me").header("cookie", format!("__Host-fastapiusersauth={session}"))).await;
    answer(running.post("/auth/forgot-password").json(&json!({"email": KING}))).await;
    let reset = running.mailed_token(KING, Purpose::Reset).await;
    let body = json!({"token": reset, "password": new});
    assert_eq!(answer(running.post("/auth/reset-password").json(&body)).await.0, 200);
    answer(running.get(&format!("/users/me?token={token}"))).await;

    let log = std::fs::read_to_string(running.folder.path().join("server.log")).unwrap();
    assert!(log.contains("request"), "there is a log: {log}");
    for secret in ["canary-password", &token, &session, &reset] {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
}

/// LGS-2: what a client sends does not write lines of its own.
#[tokio::test]
async fn lgs_2_a_request_writes_one_line() {
    let running = Running::start("[log]\nlevel = \"debug\"\nformat = \"json\"\n");
    for path in ["/%0aERROR%20forged", "/x%1b[2J", "/users/%22%7d%0a%7b"] {
        answer(running.get(path).header("user-agent", "a\tb")).await;
    }
    running.login("king\nERROR forged", "x").await;
    let log = std::fs::read_to_string(running.folder.path().join("server.log")).unwrap();
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}
