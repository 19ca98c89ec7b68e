//! Rate limits over real connections.

use crate::support::{KING, PASSWORD, Running, answer};

fn login(running: &Running, forwarded_for: &str, password: &str) -> reqwest::RequestBuilder {
    let form = [("username", KING), ("password", password)];
    running.post("/auth/jwt/login").header("x-forwarded-for", forwarded_for).form(&form)
}

#[tokio::test]
async fn log_5_a_client_that_guesses_has_to_wait_whatever_its_headers_say() {
    let running = Running::start("[rate_limits]\nlogin_tries = 5");
    running.register(KING, PASSWORD).await;
    for number in 0..5 {
        assert_eq!(answer(login(&running, &format!("192.0.2.{number}"), "wrong")).await.0, 400);
    }
    let refused = login(&running, "192.0.2.99", PASSWORD).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    assert_eq!(refused.text().await.unwrap(), r#"{"detail":"TOO_MANY_REQUESTS"}"#);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(running.login(KING, PASSWORD).await.0, 200);
    let log = std::fs::read_to_string(running.folder.path().join("server.log")).unwrap();
    assert_eq!(log.matches("a proxy that is not trusted").count(), 1, "{log}");
}

#[tokio::test]
async fn log_4_behind_a_trusted_proxy_each_client_is_one() {
    let running = Running::start("[rate_limits]\ntrusted_proxies = [\"127.0.0.1\"]");
    running.register(KING, PASSWORD).await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(answer(login(&running, "192.0.2.66", "wrong")).await.0.as_u16());
    }
    assert_eq!(statuses, [400, 400, 400, 400, 400, 429, 429]);
    assert_eq!(answer(login(&running, "192.0.2.66, 203.0.113.5", PASSWORD)).await.0, 200);
}
