//! Limits that several nodes share.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum_users::{
    Bucket, Context, LimitStore, MemoryStore, NoProfile, RateLimits, RedisLimitStore, SqlStore, StoreError,
};
use axum_users_testkit::{Redis, mariadb_database, postgres_schema};
use serde_json::json;
use tokio::sync::Barrier;

use super::{ARTHUR, LOGIN, MALLORY, OFF, ask_from, assert_too_many, login_from, post_from};
use crate::support::{KING, Kind, PASSWORD, TestApp, jwt};

/// A node, with users of its own.
async fn node(limits: RateLimits, store: &(impl LimitStore + Clone)) -> TestApp {
    let app = TestApp::with(Kind::Memory, |builder, _| {
        builder.backend(jwt()).rate_limits(limits).shared_rate_limits(store.clone())
    })
    .await;
    app.add(KING).await;
    app
}

/// What is asked of a store in memory; it fails or says nothing when told to.
#[derive(Clone, Default)]
struct Observed {
    inner: MemoryStore,
    taken: Arc<Mutex<Vec<Vec<Bucket>>>>,
    given_back: Arc<AtomicUsize>,
    is_away: Arc<AtomicBool>,
    is_silent: Arc<AtomicBool>,
}

impl Observed {
    async fn answer(&self) -> Result<(), StoreError> {
        if self.is_silent.load(Relaxed) {
            pending::<()>().await;
        }
        if self.is_away.load(Relaxed) { Err(StoreError::Backend("gone".into())) } else { Ok(()) }
    }

    /// Of how many shares each since the last time.
    fn decisions(&self) -> Vec<usize> {
        std::mem::take(&mut *self.taken.lock().unwrap()).iter().map(Vec::len).collect()
    }
}

impl LimitStore for Observed {
    async fn take(&self, buckets: &[Bucket]) -> Result<Vec<Duration>, StoreError> {
        self.taken.lock().unwrap().push(buckets.to_vec());
        self.answer().await?;
        self.inner.take(buckets).await
    }
    async fn give_back(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        self.given_back.fetch_add(1, Relaxed);
        self.answer().await?;
        self.inner.give_back(buckets).await
    }
    async fn forget(&self, keys: &[String]) -> Result<(), StoreError> {
        self.answer().await?;
        self.inner.forget(keys).await
    }
    async fn remove_expired(&self, limit: u32) -> Result<u64, StoreError> {
        self.answer().await?;
        self.inner.remove_expired(limit).await
    }
}

/// Five hundred guesses at once, half of them at each of two nodes.
async fn log_3_guesses_split_over_two_nodes_are_those_of_one(store: impl LimitStore + Clone) {
    let limits = RateLimits { login_client_failures_per_day: 5, ..OFF };
    let nodes = Arc::new([node(limits, &store).await, node(limits, &store).await]);
    let operations = || nodes.iter().map(|node| node.users.password_operations()).sum::<u64>();
    let (before, barrier) = (operations(), Arc::new(Barrier::new(500)));
    let guesses: Vec<_> = (0..500)
        .map(|number| {
            let (nodes, barrier) = (Arc::clone(&nodes), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                login_from(&nodes[number % 2], MALLORY, KING, &format!("guess {number}")).await.status
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for guess in guesses {
        statuses.push(guess.await.unwrap());
    }
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(400), count(429)), (5, 495), "{statuses:?}");
    assert_eq!(operations() - before, 5);
    for node in nodes.iter() {
        assert_too_many(&login_from(node, MALLORY, KING, PASSWORD).await);
        assert_eq!(login_from(node, ARTHUR, KING, PASSWORD).await.status, 200);
    }
}

macro_rules! two_nodes {
    ($($name:ident $store:expr;)+) => { mod log_3_two_nodes { use super::*; $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            log_3_guesses_split_over_two_nodes_are_those_of_one($store).await;
        }
    )+ } };
}
two_nodes! {
    memory MemoryStore::<NoProfile>::new();
    postgres SqlStore::<NoProfile>::open(&postgres_schema().await.unwrap()).await.unwrap();
    mariadb SqlStore::<NoProfile>::open(&mariadb_database().await.unwrap()).await.unwrap();
    redis {
        let url = std::env::var("TEST_REDIS").expect("put scripts/with-services before the command");
        RedisLimitStore::open(&url).await.unwrap().prefix(uuid::Uuid::new_v4())
    };
}

#[tokio::test]
async fn every_limit_is_shared() {
    let store = MemoryStore::<NoProfile>::new();
    let limits = RateLimits { register_per_minute: 3, tokens_per_minute: 3, ..RateLimits::default() };
    let nodes = [node(limits, &store).await, node(limits, &store).await];
    for number in 0..4 {
        let (node, email) = (&nodes[number % 2], format!("knight{number}@camelot.bt"));
        let body = json!({"email": email, "password": PASSWORD});
        let registered = ask_from(node, MALLORY, "/auth/register", &body).await.status;
        let verified = ask_from(node, MALLORY, "/auth/verify", &json!({"token": "forged"})).await.status;
        assert_eq!((registered, verified), if number < 3 { (201, 400) } else { (429, 429) });
    }
    for node in &nodes {
        ask_from(node, ARTHUR, "/auth/forgot-password", &json!({ "email": KING })).await;
        node.users.shutdown().await;
    }
    let mails =
        nodes.iter().flat_map(|node| node.hooks.take()).filter(|event| event.hook == "after_forgot_password");
    assert_eq!(mails.count(), 1);
}

#[tokio::test]
async fn log_4_a_password_reset_at_one_node_frees_the_address_at_all() {
    let store = MemoryStore::<NoProfile>::new();
    let limits = RateLimits { login_failures_per_day: 5, mails_per_minute: 1, ..OFF };
    let nodes = [node(limits, &store).await, node(limits, &store).await];
    for _ in 0..5 {
        login_from(&nodes[1], MALLORY, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    assert_too_many(&login_from(&nodes[0], ARTHUR, KING, PASSWORD).await);
    let token = nodes[0].forgot(KING).await;
    assert_eq!(nodes[0].reset(&token, "guinevere2").await.status, 200);
    assert_eq!(login_from(&nodes[0], ARTHUR, KING, "guinevere2").await.status, 200);
    assert_eq!(login_from(&nodes[1], ARTHUR, KING, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn one_decision_is_one_question_and_holds_no_address() {
    let store = Observed::default();
    let app = node(RateLimits::default(), &store).await;
    assert_eq!(login_from(&app, "2001:db8::1", KING, PASSWORD).await.status, 200);
    assert_eq!(store.given_back.swap(0, Relaxed), 1);
    let keys: Vec<String> =
        store.taken.lock().unwrap().iter().flatten().map(|bucket| bucket.key.clone()).collect();
    assert!(
        keys.iter().all(|key| key.len() == 22 && key.bytes().all(|byte| byte.is_ascii_graphic())),
        "{keys:?}"
    );
    assert_eq!(store.decisions(), [9], "for a network, and for the wider one");
    login_from(&app, ARTHUR, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    assert_eq!((store.decisions(), store.given_back.load(Relaxed)), (vec![5], 0));
    ask_from(&app, ARTHUR, "/auth/verify", &json!({"token": "forged"})).await;
    assert_eq!(store.decisions(), [1]);
    app.me("forged").await;
    app.users.manager().authenticate(KING, PASSWORD, &Context::none()).await.unwrap();
    assert!(store.decisions().is_empty());
}

#[tokio::test]
async fn whoever_goes_on_trying_does_not_keep_the_store_busy() {
    let store = Observed::default();
    let app = node(RateLimits { login_failures_per_day: 3, ..OFF }, &store).await;
    for _ in 0..3 {
        login_from(&app, MALLORY, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    let first = assert_too_many(&login_from(&app, MALLORY, KING, "wrong").await);
    store.decisions();
    for _ in 0..200 {
        assert!(first.abs_diff(assert_too_many(&login_from(&app, MALLORY, KING, "wrong").await)) <= 2);
    }
    assert!(store.decisions().len() <= 3);
}

#[tokio::test]
async fn f_7_while_the_store_is_away_each_node_goes_on_with_what_it_has_seen() {
    let store = Observed::default();
    let app = node(RateLimits { login_tries: 5, ..OFF }, &store).await;
    for _ in 0..3 {
        login_from(&app, MALLORY, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    store.is_away.store(true, Relaxed);
    for _ in 0..2 {
        login_from(&app, MALLORY, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    for _ in 0..3 {
        assert_too_many(&login_from(&app, MALLORY, KING, PASSWORD).await);
        assert_eq!(login_from(&app, ARTHUR, KING, PASSWORD).await.status, 200);
    }
    // It is left alone for a second, and then it decides again.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    store.is_away.store(false, Relaxed);
    store.decisions();
    assert_eq!(login_from(&app, ARTHUR, KING, PASSWORD).await.status, 200);
    assert_eq!(store.decisions(), [1]);
}

#[tokio::test]
async fn f_7_a_store_that_says_nothing_is_not_waited_for() {
    let store = Observed::default();
    let app = node(RateLimits { login_tries: 5, ..OFF }, &store).await;
    store.is_silent.store(true, Relaxed);
    let start = Instant::now();
    for _ in 0..5 {
        login_from(&app, MALLORY, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    assert_too_many(&login_from(&app, MALLORY, KING, PASSWORD).await);
    assert_eq!(login_from(&app, ARTHUR, KING, PASSWORD).await.status, 200);
    // A second for the first one; then it is left alone.
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn f_7_without_redis_limits_are_those_of_each_node() {
    let mut redis = Redis::start().unwrap();
    let store = RedisLimitStore::open(&redis.url()).await.unwrap();
    let limits = RateLimits { login_tries: 5, ..OFF };
    let nodes = [node(limits, &store).await, node(limits, &store).await];
    for number in 0..5 {
        login_from(&nodes[number % 2], MALLORY, KING, "wrong")
            .await
            .assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    assert_too_many(&login_from(&nodes[0], MALLORY, KING, PASSWORD).await);
    redis.stop().unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    // The first one has seen three failures, the second one two.
    for (node, left) in nodes.iter().zip([2, 3]) {
        for _ in 0..left {
            login_from(node, MALLORY, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
        }
        assert_too_many(&login_from(node, MALLORY, KING, PASSWORD).await);
        assert_eq!(login_from(node, ARTHUR, KING, PASSWORD).await.status, 200);
    }
    redis.start_again().unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for number in 0..5 {
        let form = [("username", "knight@camelot.bt"), ("password", "wrong")];
        let answer = post_from(&nodes[number % 2], MALLORY, LOGIN).form(&form).send().await;
        answer.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    assert_too_many(&login_from(&nodes[0], MALLORY, "knight@camelot.bt", "wrong").await);
}

#[tokio::test]
async fn what_says_nothing_any_more_is_removed() {
    let store = Observed::default();
    let app = node(RateLimits { tokens_per_minute: 6000, ..OFF }, &store).await;
    for number in 0..20 {
        ask_from(&app, &format!("192.0.2.{number}"), "/auth/verify", &json!({"token": "forged"})).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(app.users.remove_expired_limits().await.unwrap(), 20);
    assert_eq!(app.users.remove_expired_limits().await.unwrap(), 0);
    store.is_away.store(true, Relaxed);
    assert!(app.users.remove_expired_limits().await.is_err());
    let alone = super::limited(OFF).await;
    assert_eq!(alone.users.remove_expired_limits().await.unwrap(), 0);
}
