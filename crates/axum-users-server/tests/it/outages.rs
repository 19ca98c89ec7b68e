use std::time::{Duration, Instant};

use axum_users_testkit::{Postgres, Proxy, Redis};
use tokio::task::JoinSet;

use crate::support::{KING, PASSWORD, Running, answer, print};

/// F-3: while the database is away every answer is 503, never 400 or 401, and afterwards all is well without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_3_a_database_that_restarts_costs_nothing_but_503() {
    let postgres = Postgres::start().unwrap();
    let running = Running::start(&format!("database_url = \"{}\"", postgres.url()));
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let ended = running.token(KING, PASSWORD).await;
    running.post("/auth/jwt/logout").bearer_auth(&ended).send().await.unwrap();
    let (client, address) = (running.server.client.clone(), running.server.address().to_owned());
    let mut load = JoinSet::new();
    let deadline = Instant::now() + Duration::from_secs(12);
    for worker in 0..6 {
        let (client, address, token, ended) = (client.clone(), address.clone(), token.clone(), ended.clone());
        load.spawn(async move {
            let (mut answered, mut refused) = (0, 0);
            while Instant::now() < deadline {
                let (request, expected) = match worker % 3 {
                    0 => (client.get(format!("{address}/users/me")).bearer_auth(&token), 200),
                    1 => (client.get(format!("{address}/users/me")).bearer_auth(&ended), 401),
                    _ => {
                        let form = [("username", KING), ("password", PASSWORD)];
                        (client.post(format!("{address}/auth/cookie/login")).form(&form), 204)
                    }
                };
                match request.send().await.unwrap().status().as_u16() {
                    503 => refused += 1,
                    status => {
                        assert_eq!(status, expected, "worker {worker}");
                        answered += 1;
                    }
                }
            }
            (answered, refused)
        });
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        postgres.crash().unwrap();
        tokio::time::sleep(Duration::from_millis(700)).await;
        postgres.recover().unwrap();
    }
    let recovered = Instant::now();
    while running.get("/readyz").send().await.unwrap().status() != 200 {
        assert!(recovered.elapsed() < Duration::from_secs(5), "it does not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ledger: Vec<(i32, i32)> = load.join_all().await;
    let answered: i32 = ledger.iter().map(|(answered, _)| answered).sum();
    let refused: i32 = ledger.iter().map(|(_, refused)| refused).sum();
    print(&format!("{answered} answered as ever, {refused} refused with 503 while the database was away"));
    assert!(answered > 0 && refused > 0, "{answered} {refused}");
    assert_eq!(running.me(&token).await.0, 200);
    assert_eq!(running.me(&ended).await.0, 401, "what was revoked stays revoked");
}

/// Two nodes on one database: what one ends, the other refuses at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_are_one_system() {
    let postgres = Postgres::start().unwrap();
    let secrets: String = ["jwt", "reset", "verification", "oauth_state", "master"]
        .iter()
        .map(|name| format!("{name} = \"{name} {}\"\n", "k3y7".repeat(10)))
        .collect();
    let settings = format!("database_url = \"{}\"\n[secrets]\n{secrets}", postgres.url());
    let (one, other) = (Running::start(&settings), Running::start(&settings));
    assert_eq!(one.register(KING, PASSWORD).await.0, 201);
    assert_eq!(other.register(KING, PASSWORD).await.0, 400);
    let (first, second) = (one.token(KING, PASSWORD).await, other.token(KING, PASSWORD).await);
    assert_eq!(other.me(&first).await.0, 200);
    one.post("/auth/jwt/logout").bearer_auth(&first).send().await.unwrap();
    assert_eq!(other.me(&first).await.0, 401, "OUT-1: logged out on every node");
    let new = serde_json::json!({"password": "excalibur7"});
    assert_eq!(other.patch("/users/me").bearer_auth(&second).json(&new).send().await.unwrap().status(), 200);
    assert_eq!(one.me(&second).await.0, 401, "a new password ends every session on every node");

    // REG-4: a race across nodes behaves as on one.
    let mut race = JoinSet::new();
    for number in 0..50 {
        let node = if number % 2 == 0 { &one } else { &other };
        let email = if number % 3 == 0 { "Merlin@camelot.bt" } else { "merlin@camelot.bt" };
        let body = serde_json::json!({"email": email, "password": PASSWORD});
        race.spawn(node.post("/auth/register").json(&body).send());
    }
    let statuses: Vec<u16> =
        race.join_all().await.into_iter().map(|response| response.unwrap().status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 49, "{statuses:?}");
}

/// The cookie that a login by cookie sets.
async fn cookie(node: &Running) -> String {
    let form = [("username", KING), ("password", PASSWORD)];
    let login = node.post("/auth/cookie/login").form(&form).send().await.unwrap();
    assert_eq!(login.status(), 204);
    let set = login.headers()["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

async fn me(node: &Running, cookie: &str) -> u16 {
    answer(node.get("/users/me").header("cookie", cookie)).await.0.as_u16()
}

/// Two nodes on one database with their sessions in Redis, which comes and goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_7_two_nodes_share_their_sessions_in_redis() {
    let (postgres, mut redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    let secrets: String = ["jwt", "reset", "verification", "oauth_state", "master"]
        .iter()
        .map(|name| format!("{name} = \"{name} {}\"\n", "k3y7".repeat(10)))
        .collect();
    let (database, redis_url) = (postgres.url(), redis.url());
    let settings =
        format!("database_url = \"{database}\"\nredis_url = \"{redis_url}\"\n[secrets]\n{secrets}");
    let (one, other) = (Running::start(&settings), Running::start(&settings));
    one.register(KING, PASSWORD).await;
    let (first, second) = (cookie(&one).await, cookie(&other).await);
    assert_eq!((me(&other, &first).await, me(&one, &second).await), (200, 200));
    let logout = one.post("/auth/cookie/logout").header("cookie", &first).send().await.unwrap();
    assert_eq!((logout.status().as_u16(), me(&other, &first).await), (204, 401), "OUT-1");

    // F-7: under load, while Redis is away: 503 for its sessions, and signed tokens go on.
    let token = one.token(KING, PASSWORD).await;
    redis.stop().unwrap();
    let mut statuses = JoinSet::new();
    for number in 0..40 {
        let node = if number % 2 == 0 { &one } else { &other };
        let request = match number % 4 {
            0 | 1 => node.get("/users/me").header("cookie", &second),
            _ => node.get("/users/me").bearer_auth(&token),
        };
        statuses.spawn(async move { (number % 4 < 2, request.send().await.unwrap().status().as_u16()) });
    }
    for (by_cookie, status) in statuses.join_all().await {
        assert_eq!(status, if by_cookie { 503 } else { 200 });
    }
    redis.start_again().unwrap();
    // F-8: it has forgotten its sessions.
    assert_eq!((me(&one, &second).await, me(&other, &second).await), (401, 401));
    let third = cookie(&one).await;
    assert_eq!(me(&other, &third).await, 200);

    // A command that ends sessions ends those in Redis too.
    assert!(one.command(&["user", "deactivate", KING], "").status.success());
    assert!(one.command(&["user", "deactivate", KING, "--activate"], "").status.success());
    assert_eq!(me(&other, &third).await, 401);
}

/// F-6: a network that swallows everything, and tells nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_6_connections_that_have_died_unseen_are_found_and_replaced() {
    let postgres = Postgres::start().unwrap();
    let proxy = Proxy::start(postgres.port()).await.unwrap();
    let url = postgres.url().replace(&postgres.port().to_string(), &proxy.port().to_string());
    let running = Running::start(&format!("database_url = {url:?}"));
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let at_once = async |count: usize| {
        let mut requests = JoinSet::new();
        for _ in 0..count {
            let request = running.get("/users/me").bearer_auth(&token);
            requests.spawn(async move { request.send().await.unwrap().status().as_u16() });
        }
        requests.join_all().await
    };
    assert_eq!(at_once(32).await, [200; 32]);
    proxy.swallow();
    assert_eq!(at_once(8).await, [503; 8]);
    assert_eq!(running.get("/livez").send().await.unwrap().status(), 200);
    proxy.forward();
    let restored = Instant::now();
    while at_once(8).await != [200; 8] {
        assert!(restored.elapsed() < Duration::from_secs(30), "dead connections are kept");
    }
    print(&format!("all dead connections were replaced {:?} after the network was back", restored.elapsed()));
    assert_eq!(running.register("merlin@camelot.bt", PASSWORD).await.0, 201);
}
