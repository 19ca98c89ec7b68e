//! Rate limits over real connections.

use std::time::Duration;

use axum_users_testkit::{Redis, postgres_schema};
use tokio::task::JoinSet;

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
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(running.login(KING, PASSWORD).await.0, 200);
    let log = running.log();
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

/// Two nodes with the same secrets, and these settings. Of each client five guesses a day are looked at.
fn two_nodes(settings: &str) -> [Running; 2] {
    let secrets: String = ["jwt", "reset", "verification", "oauth_state", "master"]
        .iter()
        .map(|name| format!("{name} = \"{name} {}\"\n", "k3y7".repeat(10)))
        .collect();
    let settings = format!(
        "{settings}\n[secrets]\n{secrets}\n[rate_limits]\ntrusted_proxies = [\"127.0.0.1\"]\n\
         login_tries = 0\nlogin_client_failures_per_day = 5\nlogin_failures_per_minute = 0\n"
    );
    [Running::start(&settings), Running::start(&settings)]
}

/// How many of fifty guesses at once, half of them at each node, are looked at.
async fn looked_at(nodes: &[Running; 2], client: &str) -> usize {
    let mut guesses = JoinSet::new();
    for number in 0..50 {
        guesses.spawn(login(&nodes[number % 2], client, &format!("guess {number}")).send());
    }
    let mut statuses = Vec::new();
    for response in guesses.join_all().await {
        statuses.push(response.unwrap().status().as_u16());
    }
    assert!(statuses.iter().all(|status| [400, 429].contains(status)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 400).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_3_two_nodes_on_postgres_admit_no_more_guesses_than_one() {
    let nodes = two_nodes(&format!("database_url = {:?}", postgres_schema().await.unwrap()));
    nodes[0].register(KING, PASSWORD).await;
    assert_eq!(looked_at(&nodes, "192.0.2.66").await, 5);
    assert_eq!(answer(login(&nodes[1], "203.0.113.5", PASSWORD)).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_7_two_nodes_count_in_redis_and_by_themselves_without_it() {
    let (database, mut redis) = (postgres_schema().await.unwrap(), Redis::start().unwrap());
    let nodes = two_nodes(&format!("database_url = {database:?}\nredis_url = {:?}", redis.url()));
    nodes[0].register(KING, PASSWORD).await;
    assert_eq!(looked_at(&nodes, "192.0.2.66").await, 5);
    redis.stop().unwrap();
    let alone = looked_at(&nodes, "192.0.2.77").await;
    assert!((5..=10).contains(&alone), "{alone}");
    for node in &nodes {
        assert_eq!(answer(login(node, "203.0.113.5", PASSWORD)).await.0, 200);
        let log = node.log();
        assert_eq!(log.matches("the store of rate limits does not answer").count(), 1, "{log}");
    }
    redis.start_again().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(looked_at(&nodes, "192.0.2.88").await, 5);
}
