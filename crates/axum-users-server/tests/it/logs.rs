use axum_users_testkit::Purpose;
use serde_json::json;

use crate::support::{KING, Running, answer};

/// LGS-1: at the finest level no log line holds a password, a token or a cookie.
#[tokio::test]
async fn lgs_1_no_secret_reaches_a_log() {
    let mut running = Running::start("[log]\nlevel = \"trace\"\n");
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

    let log = running.last_log();
    assert!(log.contains("request"), "there is a log: {log}");
    for secret in ["canary-password", &token, &session, &reset] {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
}

/// What is in the memory stays there.
#[test]
fn lgs_1_a_crash_leaves_no_copy_of_the_memory() {
    let mut running = Running::start("");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.server.process().id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
}

/// LGS-2: what a client sends does not write lines of its own.
#[tokio::test]
async fn lgs_2_a_request_writes_one_line() {
    let mut running = Running::start("[log]\nlevel = \"debug\"\nformat = \"json\"\n");
    for path in ["/%0aERROR%20forged", "/x%1b[2J", "/users/%22%7d%0a%7b"] {
        answer(running.get(path).header("user-agent", "a\tb")).await;
    }
    running.login("king\nERROR forged", "x").await;
    let log = running.last_log();
    assert!(log.contains("request"), "there is a log: {log}");
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

/// LGS-2: nor do they colour them, or end them, in lines for people.
#[tokio::test]
async fn lgs_2_what_clients_send_stays_within_its_line() {
    let mut running = Running::start("[log]\nlevel = \"trace\"\n");
    for email in ["a@x.org\n2026 ERROR forged", "\u{1b}[31mred@x.org", "a\u{85}\u{2028}ERROR forged@x.org"] {
        running.login(email, "x").await;
        running.register(email, "guinevere1").await;
        answer(running.post("/auth/forgot-password").json(&json!({"email": email}))).await;
    }
    for head in [
        "GET /\u{1b}[2Jx HTTP/1.1\r\nHost: localhost\r\nUser-Agent: \u{1b}[31mred\u{9b}2J\r\n",
        "GET /x%0AERROR%20forged HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a\u{85}ERROR forged\r\n",
    ] {
        crate::raw::last_words(&running, format!("{head}Connection: close\r\n\r\n").as_bytes()).await;
    }
    let log = running.last_log();
    assert!(log.contains("request"), "{log}");
    for line in log.lines() {
        assert!(line.starts_with("20") && !line.contains('\u{1b}'), "{line:?}");
        assert!(!line.contains("ERROR forged"), "{line:?}");
    }
}
