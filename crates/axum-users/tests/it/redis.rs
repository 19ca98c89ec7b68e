//! Session tokens in Redis: the suite, the contract's keys, many nodes, and what happens while Redis is away.

use std::time::Duration;

use axum_users::{
    Backend, Bearer, Cookie, Found, NewToken, NoProfile, Opaque, Policy, RedisLimitStore, RedisTokenStore,
    StoreError, TokenStore,
    testing::{Limits, limit_store_tests, token_store_tests},
};
use axum_users_testkit::Redis;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::support::{KING, Kind, PASSWORD, TestApp, jwt};

const NEW: &str = "excalibur in the stone";

token_store_tests!(redis_uuid, Uuid, shared().await, Limits::default().without_creation());
token_store_tests!(redis_integer, i64, shared().await, Limits::default().without_creation());

limit_store_tests!(redis_limits, limits().await);

/// The URL of `scripts/with-services`.
fn url() -> String {
    std::env::var("TEST_REDIS")
        .expect("no Redis: run scripts/test, or put scripts/with-services before the command")
}

async fn limits() -> RedisLimitStore {
    RedisLimitStore::open(&url()).await.unwrap().prefix(Uuid::new_v4())
}

/// A store under a prefix of its own in the Redis of `scripts/with-services`.
async fn shared() -> RedisTokenStore {
    RedisTokenStore::open(&url()).await.unwrap().prefix(format!("{}:", Uuid::new_v4()))
}

async fn add(store: &RedisTokenStore, token: &str, user: &Uuid, seconds: Option<i64>) {
    let created_at = OffsetDateTime::now_utc();
    let expires_at = seconds.map(|seconds| created_at + time::Duration::seconds(seconds));
    let token: NewToken<'_, NoProfile> = NewToken { token, user, created_at, expires_at };
    store.insert(token).await.unwrap();
}

async fn owner(store: &RedisTokenStore, token: &str) -> Result<Option<Uuid>, StoreError> {
    Ok(match TokenStore::<NoProfile>::find(store, token, None).await? {
        Some(Found::Id(id)) => Some(id),
        Some(Found::User(user)) => Some(user.id),
        None => None,
    })
}

/// An application with the backends `jwt`, and `redis` by bearer and by cookie.
async fn app(policy: Policy, store: &RedisTokenStore) -> TestApp {
    let store = store.clone();
    TestApp::with(Kind::Memory, move |builder, _| {
        builder
            .policy(policy)
            .backend(jwt())
            .backend(Backend::new("redis", Bearer, Opaque::new(store.clone()).lifetime(3600)))
            .backend(Backend::new("cookie", Cookie::default(), Opaque::new(store)))
    })
    .await
}

const LOGIN: &str = "/auth/redis/login";

#[tokio::test]
async fn keys_and_values_are_those_of_fastapi_users() {
    let redis = Redis::start().unwrap();
    let store = RedisTokenStore::open(&redis.url()).await.unwrap();
    let app = app(Policy::fastapi_users(), &store).await;
    let user = app.add(KING).await;
    let token = app.login_at(LOGIN, KING, PASSWORD).await;
    let key = format!("fastapi_users_token:{token}");
    assert_eq!(redis.ask(&["GET", &key]).unwrap(), user.id.to_string());
    let seconds: u32 = redis.ask(&["TTL", &key]).unwrap().parse().unwrap();
    assert!((3590..=3600).contains(&seconds), "{seconds}");

    // A token of a running fastapi-users.
    let theirs = "r".repeat(43);
    redis.ask(&["SET", &format!("fastapi_users_token:{theirs}"), &user.id.to_string(), "EX", "60"]).unwrap();
    assert_eq!(app.me(&theirs).await.status, 200);
    let logout = app.post("/auth/redis/logout").bearer(&theirs).send().await;
    assert_eq!((logout.status, app.me(&theirs).await.status), (204, 401));
}

/// CHG-7: for a day it is known when a token was made, and of those of others never.
#[tokio::test]
async fn chg_7_redis_knows_recent_logins() {
    let redis = Redis::start().unwrap();
    let store = RedisTokenStore::open(&redis.url()).await.unwrap();
    let app =
        app(Policy { stored_tokens: axum_users::StoredTokens::Clear, ..Policy::secure() }, &store).await;
    let user = app.add(KING).await;
    let theirs = "r".repeat(43);
    redis.ask(&["SET", &format!("fastapi_users_token:{theirs}"), &user.id.to_string(), "EX", "60"]).unwrap();
    let ours = app.login_at(LOGIN, KING, PASSWORD).await;
    let made = redis.ask(&["PTTL", &format!("axum_users_token_made:fastapi_users_token:{ours}")]).unwrap();
    assert!((1..=3_600_000).contains(&made.parse::<u32>().unwrap()), "{made}");
    add(&store, "long", &user.id, Some(14 * 86_400)).await;
    let made = redis.ask(&["PTTL", "axum_users_token_made:fastapi_users_token:long"]).unwrap();
    assert!((86_000_000..=86_400_000).contains(&made.parse::<u32>().unwrap()), "{made}");
    for (token, status) in [(&theirs, 403), (&ours, 200)] {
        let patch = app.ask("PATCH", "/users/me").bearer(token).json(&json!({"password": NEW}));
        assert_eq!(patch.send().await.status, status);
    }
}

#[tokio::test]
async fn log_22_redis_holds_digests_that_open_nothing() {
    let redis = Redis::start().unwrap();
    let store = RedisTokenStore::open(&redis.url()).await.unwrap();
    let app = app(Policy::secure(), &store).await;
    app.add(KING).await;
    let token = app.login_at(LOGIN, KING, PASSWORD).await;
    let keys = redis.ask(&["KEYS", "*"]).unwrap();
    assert!(!keys.contains(&token), "{keys}");
    let stored = keys.lines().find_map(|key| key.strip_prefix("fastapi_users_token:")).unwrap();
    assert_eq!((stored.len(), app.me(stored).await.status), (43, 401));
    assert_eq!(app.me(&token).await.status, 200);
}

#[tokio::test]
async fn a_key_that_is_no_token_opens_nothing_and_fails_nothing() {
    let redis = Redis::start().unwrap();
    let store = RedisTokenStore::open(&redis.url()).await.unwrap().prefix("");
    let user = Uuid::new_v4();
    add(&store, "token", &user, Some(60)).await;
    redis.ask(&["SET", "text", "no id"]).unwrap();
    redis.ask(&["LPUSH", "list", "x"]).unwrap();
    let sets = format!("axum_users_tokens_of:{user}");
    for key in ["text", "list", &sets, ""] {
        assert_eq!(owner(&store, key).await.unwrap(), None, "{key}");
    }
    assert!(!TokenStore::<NoProfile>::remove(&store, "list").await.unwrap());
    assert_eq!(redis.ask(&["EXISTS", "list", &sets]).unwrap(), "2");
}

/// F-9: from the set of the user, however many others there are.
#[tokio::test]
async fn f_9_all_tokens_of_a_user_end_without_looking_through_all_keys() {
    let redis = Redis::start().unwrap();
    let store = RedisTokenStore::open(&redis.url()).await.unwrap();
    let user = Uuid::new_v4();
    let seed = "for i = 1, 100000 do
        redis.call('SET', 'fastapi_users_token:' .. i, ARGV[1], 'EX', 3600)
        redis.call('ZADD', 'axum_users_tokens_of:fastapi_users_token:' .. ARGV[1], 9e12, '=' .. i) end";
    redis.ask(&["EVAL", seed, "0", &user.to_string()]).unwrap();
    add(&store, "another's", &Uuid::new_v4(), None).await;
    assert_eq!(owner(&store, "99999").await.unwrap(), Some(user));
    TokenStore::<NoProfile>::remove_all(&store, &user).await.unwrap();
    assert_eq!(owner(&store, "99999").await.unwrap(), None);
    assert_eq!(redis.ask(&["DBSIZE"]).unwrap(), "3", "the other's token, its time and set");
    let commands = redis.ask(&["INFO", "commandstats"]).unwrap();
    assert!(!commands.contains("cmdstat_keys") && !commands.contains("cmdstat_scan"), "{commands}");
}

/// A token that was about to be made when all were read, and is made before they are forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_9_no_token_that_is_made_while_all_end_is_lost_from_the_set_of_its_user() {
    let redis = Redis::start().unwrap();
    let store = RedisTokenStore::open(&redis.url()).await.unwrap();
    let mut survivors = 0;
    for round in 0..1000 {
        let user = Uuid::new_v4();
        let token = format!("token{round}");
        let insert = tokio::spawn({
            let (store, token) = (store.clone(), token.clone());
            async move { add(&store, &token, &user, Some(60)).await }
        });
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        TokenStore::<NoProfile>::remove_all(&store, &user).await.unwrap();
        insert.await.unwrap();
        survivors += u32::from(owner(&store, &token).await.unwrap().is_some());
        TokenStore::<NoProfile>::remove_all(&store, &user).await.unwrap();
        assert_eq!(owner(&store, &token).await.unwrap(), None, "round {round}");
    }
    println!("{survivors} of 1000 tokens were made after all had ended, and ended with the next call");
}

#[tokio::test]
async fn the_set_of_a_user_lives_as_long_as_the_last_token() {
    let redis = Redis::start().unwrap();
    let store = RedisTokenStore::open(&redis.url()).await.unwrap();
    let user = Uuid::new_v4();
    let set = format!("axum_users_tokens_of:fastapi_users_token:{user}");
    let life = || redis.ask(&["TTL", &set]).unwrap().parse::<i64>().unwrap();
    add(&store, "long", &user, Some(1000)).await;
    add(&store, "short", &user, Some(1)).await;
    assert!((990..=1000).contains(&life()), "{}", life());
    add(&store, "for ever", &user, None).await;
    assert_eq!(life(), -1);
    TokenStore::<NoProfile>::remove(&store, "for ever").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    add(&store, "another", &user, Some(10)).await;
    assert_eq!(redis.ask(&["ZCARD", &set]).unwrap(), "2", "what is over is forgotten");
    assert!((990..=1000).contains(&life()), "{}", life());
}

#[tokio::test]
async fn ses_3_a_new_password_ends_sessions_on_every_node() {
    let store = shared().await;
    let app = app(Policy::secure(), &store).await;
    app.add(KING).await;
    let tokens = [app.login_at(LOGIN, KING, PASSWORD).await, app.login_at(LOGIN, KING, PASSWORD).await];
    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    let token = app.forgot(KING).await;
    assert_eq!(app.reset(&token, NEW).await.status, 200);
    for token in &tokens {
        assert_eq!(app.me(token).await.status, 401);
    }
    assert_eq!(app.me_by_cookie(&cookie).await.status, 401);
    let token = app.login_at(LOGIN, KING, NEW).await;
    assert_eq!(app.me(&token).await.status, 200);
}

#[tokio::test]
async fn f_7_without_redis_its_sessions_are_503_and_others_go_on() {
    let mut redis = Redis::start().unwrap();
    let store = RedisTokenStore::open(&redis.url()).await.unwrap();
    let app = app(Policy::secure(), &store).await;
    app.add(KING).await;
    let (session, reset) = (app.login_at(LOGIN, KING, PASSWORD).await, app.forgot(KING).await);
    redis.stop().unwrap();
    app.me(&session).await.assert_detail(503, "Service Unavailable");
    app.login_answer(LOGIN, KING, PASSWORD).await.assert_detail(503, "Service Unavailable");
    let signed = app.login(KING, PASSWORD).await;
    // Whether the token is one of Redis cannot be told: it is nobody's only once Redis says so.
    assert_eq!(app.me(&signed).await.status, 200);
    app.reset(&reset, NEW).await.assert_detail(503, "Service Unavailable");
    redis.start_again().unwrap();
    // F-8: it comes back empty, and by itself.
    assert_eq!(app.me(&session).await.status, 401);
    assert_eq!(app.reset(&reset, NEW).await.status, 200, "nothing was lost");
    let session = app.login_at(LOGIN, KING, NEW).await;
    assert_eq!(app.me(&session).await.status, 200);
}

#[tokio::test]
async fn f_8_what_redis_has_forgotten_is_401() {
    let redis = Redis::start().unwrap();
    let store = RedisTokenStore::open(&redis.url()).await.unwrap();
    let app = app(Policy::secure(), &store).await;
    app.add(KING).await;
    let session = app.login_at(LOGIN, KING, PASSWORD).await;
    redis.ask(&["FLUSHALL"]).unwrap();
    assert_eq!(app.me(&session).await.status, 401);
    let session = app.login_at(LOGIN, KING, PASSWORD).await;
    assert_eq!(app.me(&session).await.status, 200);
}

#[tokio::test]
async fn f_8_a_redis_that_only_reads_refuses_logins_and_nothing_else() {
    let (master, replica) = (Redis::start().unwrap(), Redis::start().unwrap());
    let store = RedisTokenStore::open(&replica.url()).await.unwrap();
    let app = app(Policy::secure(), &store).await;
    app.add(KING).await;
    let session = app.login_at(LOGIN, KING, PASSWORD).await;
    let (host, port) = ("127.0.0.1", master.address().rsplit(':').next().unwrap().to_owned());
    // A replica of a master that holds the same.
    for line in replica.ask(&["KEYS", "*"]).unwrap().lines() {
        let to = ["MIGRATE", host, &port, line, "0", "5000", "COPY"];
        replica.ask(&to).unwrap();
    }
    replica.ask(&["REPLICAOF", host, &port]).unwrap();
    while !replica.ask(&["INFO", "replication"]).unwrap().contains("master_link_status:up") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(app.me(&session).await.status, 200);
    app.login_answer(LOGIN, KING, PASSWORD).await.assert_detail(503, "Service Unavailable");
    app.post("/auth/redis/logout").bearer(&session).send().await.assert_detail(503, "Service Unavailable");
    assert_eq!(app.me(&session).await.status, 200, "not logged out, as it was told");
    replica.ask(&["REPLICAOF", "NO", "ONE"]).unwrap();
    assert_eq!(app.post("/auth/redis/logout").bearer(&session).send().await.status, 204);
    assert_eq!(app.me(&session).await.status, 401);
}

/// A server that takes connections and never says a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_7_a_redis_that_hangs_is_given_up_in_time() {
    let mut redis = Redis::start().unwrap();
    let address = redis.address();
    let store = RedisTokenStore::open(&redis.url()).await.unwrap();
    redis.stop().unwrap();
    let silent = tokio::net::TcpListener::bind(&address).await.unwrap();
    let accepting = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            open.push(silent.accept().await.unwrap());
        }
    });
    let start = std::time::Instant::now();
    let asking: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { owner(&store, &format!("token{number}")).await })
        })
        .collect();
    for asking in asking {
        assert!(matches!(asking.await.unwrap(), Err(StoreError::Backend(_))));
    }
    assert!(start.elapsed() < Duration::from_secs(8), "all give up together: {:?}", start.elapsed());
    accepting.abort();
    let _ = accepting.await;
    redis.start_again().unwrap();
    assert_eq!(owner(&store, "token").await.unwrap(), None);
}

#[tokio::test]
async fn f_8_sentinels_lead_to_the_new_master() {
    let mut master = Redis::start().unwrap();
    let replica = Redis::start().unwrap();
    let port = master.address().rsplit(':').next().unwrap().to_owned();
    replica.ask(&["REPLICAOF", "127.0.0.1", &port]).unwrap();
    let sentinel = Redis::start_sentinel(&master).unwrap();
    while !sentinel.ask(&["SENTINEL", "REPLICAS", "mymaster"]).unwrap().contains("127.0.0.1")
        || !replica.ask(&["INFO", "replication"]).unwrap().contains("master_link_status:up")
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let url = format!("redis-sentinel://{}/mymaster", sentinel.address());
    let store = RedisTokenStore::open(&url).await.unwrap();
    let user = Uuid::new_v4();
    add(&store, "token", &user, Some(600)).await;
    while replica.ask(&["EXISTS", "fastapi_users_token:token"]).unwrap() != "1" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    master.stop().unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        // Nothing but errors until the replica has taken over, and never "nobody's".
        match owner(&store, "token").await {
            Ok(found) => break assert_eq!(found, Some(user)),
            Err(error) => assert!(matches!(error, StoreError::Backend(_)), "{error}"),
        }
        assert!(std::time::Instant::now() < deadline, "the new master is not found");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    TokenStore::<NoProfile>::remove_all(&store, &user).await.unwrap();
    assert_eq!(owner(&store, "token").await.unwrap(), None);
}

#[tokio::test]
async fn a_cluster_keeps_tokens_and_ends_all_of_a_user() {
    let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
    let nodes: Vec<Redis> = (0..3).map(|_| Redis::start_with(&options).unwrap()).collect();
    let addresses: Vec<String> = nodes.iter().map(Redis::address).collect();
    let mut create = vec!["--cluster", "create"];
    create.extend(addresses.iter().map(String::as_str));
    create.extend(["--cluster-yes"]);
    nodes[0].ask(&create).unwrap();
    while nodes.iter().any(|node| !node.ask(&["CLUSTER", "INFO"]).unwrap().contains("cluster_state:ok")) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let store = RedisTokenStore::open(&format!("redis-cluster://{}", addresses.join(","))).await.unwrap();
    let (king, merlin) = (Uuid::new_v4(), Uuid::new_v4());
    for number in 0..30 {
        add(&store, &format!("token{number}"), &king, Some(600)).await;
    }
    add(&store, "another", &merlin, Some(600)).await;
    assert!(nodes.iter().all(|node| node.ask(&["DBSIZE"]).unwrap() != "0"), "they are on all nodes");
    assert!(TokenStore::<NoProfile>::remove(&store, "token7").await.unwrap());
    TokenStore::<NoProfile>::remove_all(&store, &king).await.unwrap();
    for number in 0..30 {
        assert_eq!(owner(&store, &format!("token{number}")).await.unwrap(), None);
    }
    assert_eq!(owner(&store, "another").await.unwrap(), Some(merlin));
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_without_the_password() {
    for url in [
        "redis://:hunter2@127.0.0.1:1",
        "rediss://user:hunter2@127.0.0.1:1",
        "redis-sentinel://:hunter2@127.0.0.1:1/mymaster",
        "redis-cluster://:hunter2@127.0.0.1:1",
        "hunter2",
    ] {
        let error = RedisTokenStore::open(url).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let store = shared().await;
    assert!(!format!("{store:?}").contains("127.0.0.1"));
}

#[tokio::test]
async fn a_new_user_has_no_tokens_to_end() {
    let app = app(Policy::secure(), &shared().await).await;
    app.add(KING).await;
    let token = app.login(KING, PASSWORD).await;
    let patch = app.ask("PATCH", "/users/me").bearer(&token).json(&json!({"password": NEW}));
    assert_eq!(patch.send().await.status, 200);
}
