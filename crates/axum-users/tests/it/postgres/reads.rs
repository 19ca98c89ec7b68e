//! Reads by a key, past the pool: what the database says it was asked, and by whom.

use std::{
    collections::HashSet,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum_users::{
    Backend, Changes, Cookie, NewToken, NoProfile, Opaque, RedisTokenStore, SqlOptions, SqlStore, StoreError,
    TokenStore, User, UserStore, Users,
};
use axum_users_testkit::{Postgres, Redis};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use time::OffsetDateTime;

use super::new_user;
use crate::support::{Ask, CheapHasher, KING, PASSWORD, SECRET, jwt};

/// A PostgreSQL that tells of each statement.
struct Told(Postgres);

/// One that was executed.
struct Statement {
    process: i32,
    /// Whether it came past the pool: statements of sqlx have other names.
    is_direct: bool,
    sql: String,
}

impl Told {
    fn start() -> Self {
        Self(Postgres::start_with("log_statement = 'all'\nlog_line_prefix = '%a %p '\n", &[]).unwrap())
    }

    /// What stores have asked for so far.
    fn statements(&self) -> Vec<Statement> {
        let log = self.0.log().unwrap();
        let of_stores = log.lines().filter_map(|line| line.strip_prefix("axum-users "));
        let statement = |line: &str| {
            let (process, rest) = line.split_once(" LOG:  ")?;
            let (kind, sql) = rest.split_once(": ")?;
            let name = kind.strip_prefix("execute ");
            (name.is_some() || kind == "statement").then(|| Statement {
                process: process.parse().unwrap(),
                is_direct: name.is_some_and(|name| name.starts_with('s') && !name.starts_with("sqlx")),
                sql: sql.to_owned(),
            })
        };
        of_stores.filter_map(statement).collect()
    }

    /// Those since then.
    fn since(&self, then: usize) -> Vec<Statement> {
        self.statements().split_off(then)
    }

    async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.0.url()).await.unwrap()
    }
}

fn assert_found(found: Option<User>, user: &User) {
    let found = found.unwrap();
    assert_eq!((found.id, &found.email), (user.id, &user.email));
}

/// Processes that stand still until this is dropped.
struct Frozen<'a>(&'a [i32]);

impl<'a> Frozen<'a> {
    fn new(processes: &'a [i32]) -> Self {
        let frozen = Self(processes);
        frozen.signal("-STOP");
        frozen
    }

    fn signal(&self, name: &str) {
        let processes = self.0.iter().map(i32::to_string);
        assert!(Command::new("kill").arg(name).args(processes).status().unwrap().success());
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

/// Waits until reads of this user go past the pool, over a connection that is none of these.
async fn until_direct(told: &Told, store: &SqlStore, user: &User, but: &[i32]) {
    let start = Instant::now();
    loop {
        let then = told.statements().len();
        if let Ok(found) = store.get(&user.id).await {
            assert_found(found, user);
            let is_new = |statement: &Statement| statement.is_direct && !but.contains(&statement.process);
            if told.since(then).iter().any(is_new) {
                return;
            }
        }
        assert!(start.elapsed() < Duration::from_secs(10), "reads stay in the pool");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn insert(store: &SqlStore, email: &str) -> User {
    UserStore::insert(store, new_user(email, NoProfile {})).await.unwrap()
}

/// One statement for `/users/me`, with a signed token and with a stored one; one, and one question to Redis, with one that
/// Redis keeps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_asking_is_one_statement() {
    let (told, redis) = (Told::start(), Redis::start().unwrap());
    let store = SqlStore::<NoProfile>::open(&told.0.url()).await.unwrap();
    let in_redis = RedisTokenStore::open(&redis.url()).await.unwrap();
    let users = Users::builder(store.clone(), SECRET)
        .hasher(CheapHasher::default())
        .backend(jwt())
        .backend(Backend::new("cookie", Cookie::default(), Opaque::new(store.clone())))
        .backend(Backend::new("redis", axum_users::Bearer, Opaque::new(in_redis)))
        .build()
        .unwrap();
    let router = users.routes();
    let ask = |method: &str, path: &str| Ask::new(router.clone(), method, path);
    let body = json!({"email": KING, "password": PASSWORD});
    assert_eq!(ask("POST", "/auth/register").json(&body).send().await.status, 201);
    let login = async |backend: &str| {
        let form = [("username", KING), ("password", PASSWORD)];
        ask("POST", &format!("/auth/{backend}/login")).form(&form).send().await
    };
    let bearer =
        async |backend: &str| login(backend).await.json()["access_token"].as_str().unwrap().to_owned();
    let (signed, stored, of_redis) =
        (bearer("jwt").await, login("cookie").await.cookie(), bearer("redis").await);
    let user = store.get_by_email(KING).await.unwrap().unwrap();
    until_direct(&told, &store, &user, &[]).await;
    until_direct(&told, &store, &user, &[]).await;

    let count = |then: usize, holds: &str| {
        let statements = told.since(then);
        let all: Vec<&str> = statements.iter().map(|statement| statement.sql.as_str()).collect();
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(statements[0].is_direct && all[0].contains(holds), "{all:?}");
    };
    let then = told.statements().len();
    assert_eq!(ask("GET", "/users/me").bearer(&signed).send().await.status, 200);
    count(then, "revoked_token");
    let then = told.statements().len();
    assert_eq!(ask("GET", "/users/me").cookie(&stored).send().await.status, 200);
    count(then, "accesstoken");
    redis.ask(&["CONFIG", "RESETSTAT"]).unwrap();
    let then = told.statements().len();
    assert_eq!(ask("GET", "/users/me").bearer(&of_redis).send().await.status, 200);
    count(then, "FROM \"user\" WHERE id");
    let asked = redis.ask(&["INFO", "commandstats"]).unwrap();
    let asked: Vec<&str> = asked.lines().filter(|line| line.starts_with("cmdstat_")).collect();
    let asked: Vec<&&str> = asked.iter().filter(|line| !line.starts_with("cmdstat_config")).collect();
    assert!(asked.len() == 1 && asked[0].starts_with("cmdstat_get:calls=1,"), "{asked:?}");
}

/// Whoever kills the connections costs nobody an answer, and nobody gets another one's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_3_killed_connections_are_made_anew_under_load() {
    let told = Told::start();
    let store = SqlStore::<NoProfile>::open(&told.0.url()).await.unwrap();
    let mut users = Vec::new();
    for number in 0..8 {
        users.push(insert(&store, &format!("knight{number}@camelot.bt")).await);
    }
    until_direct(&told, &store, &users[0], &[]).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = users
        .iter()
        .cloned()
        .map(|user| {
            let (store, is_over) = (store.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut answers = 0;
                while !is_over.load(Relaxed) {
                    // Whoever goes away harms nobody.
                    let _ = tokio::time::timeout(Duration::from_micros(300), store.get(&user.id)).await;
                    assert_found(store.get(&user.id).await.unwrap(), &user);
                    answers += 1;
                }
                answers
            })
        })
        .collect();
    let (mut admin, mut killed) = (told.admin().await, Vec::new());
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let statements = told.statements();
        let mut direct: Vec<i32> = statements
            .iter()
            .filter(|statement| statement.is_direct)
            .map(|statement| statement.process)
            .collect();
        direct.sort_unstable();
        direct.dedup();
        let sql = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM unnest($1::integer[]) pid";
        let count: i64 = sqlx::query_scalar(sql).bind(&direct).fetch_one(&mut admin).await.unwrap();
        if count > 0 {
            killed = direct;
        }
    }
    is_over.store(true, Relaxed);
    for task in load {
        assert!(task.await.unwrap() > 0);
    }
    assert!(killed.len() > 2, "connections were made anew and killed again: {killed:?}");
    until_direct(&told, &store, &users[0], &killed).await;
}

/// A read that waits for a lock holds up none of those that do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_4_nobody_waits_behind_a_locked_table() {
    let told = Told::start();
    let store = SqlStore::<NoProfile>::open(&told.0.url()).await.unwrap();
    let user = insert(&store, KING).await;
    let created_at = OffsetDateTime::now_utc();
    let token = NewToken { token: "token", user: &user.id, created_at, expires_at: None };
    TokenStore::<NoProfile>::insert(&store, token).await.unwrap();
    let made = async || TokenStore::<NoProfile>::created_at(&store, "token").await;
    until_direct(&told, &store, &user, &[]).await;
    assert!(made().await.unwrap().is_some() && made().await.unwrap().is_some());
    let mut admin = told.admin().await;
    let mut lock = admin.begin().await.unwrap();
    sqlx::query("LOCK TABLE \"user\" IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let (store, id) = (store.clone(), user.id);
            tokio::spawn(async move { store.get(&id).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    for _ in 0..20 {
        assert!(made().await.unwrap().is_some());
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    for task in waiting {
        let waited = tokio::time::timeout(Duration::from_secs(10), task).await.expect("it ends in time");
        assert!(matches!(waited.unwrap(), Err(StoreError::Backend(_))));
    }
    lock.rollback().await.unwrap();
    until_direct(&told, &store, &user, &[]).await;
}

/// A server that says nothing at all any more, as one that cannot be reached, is not waited for: the pool is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_4_connections_that_fall_silent_are_given_up() {
    let told = Told::start();
    let store = SqlStore::<NoProfile>::open(&told.0.url()).await.unwrap();
    let user = insert(&store, KING).await;
    until_direct(&told, &store, &user, &[]).await;
    let direct = told.statements().into_iter().filter(|statement| statement.is_direct);
    let processes: HashSet<i32> = direct.map(|statement| statement.process).collect();
    let silent: Vec<i32> = processes.into_iter().collect();
    let _frozen = Frozen::new(&silent);
    let start = Instant::now();
    let reads = (0..8).map(|_| {
        let (store, id) = (store.clone(), user.id);
        tokio::spawn(async move { store.get(&id).await })
    });
    for read in reads.collect::<Vec<_>>() {
        let read = tokio::time::timeout(Duration::from_secs(10), read).await.expect("it is not waited for");
        assert_found(read.unwrap().unwrap(), &user);
    }
    until_direct(&told, &store, &user, &silent).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// What has been written is read by whoever asks after the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_written_is_read() {
    let told = Told::start();
    let store = SqlStore::<NoProfile>::open(&told.0.url()).await.unwrap();
    let user = insert(&store, KING).await;
    until_direct(&told, &store, &user, &[]).await;
    for round in 0..100 {
        let is_verified = round % 2 == 0;
        let changes = Changes { is_verified: Some(is_verified), ..Changes::default() };
        store.update(&user.id, &changes).await.unwrap().unwrap();
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (store, id) = (store.clone(), user.id);
                tokio::spawn(async move { store.get(&id).await.unwrap().unwrap().is_verified })
            })
            .collect();
        for reader in readers {
            assert_eq!(reader.await.unwrap(), is_verified, "round {round}");
        }
        let digest = format!("digest {round}");
        let later = OffsetDateTime::now_utc() + Duration::from_secs(60);
        assert!(UserStore::<NoProfile>::revoke(&store, &digest, later).await.unwrap());
        let found: Option<User> = store.get_unless_revoked(&user.id, &digest).await.unwrap();
        assert!(found.is_none());
    }
    assert!(UserStore::<NoProfile>::delete(&store, &user.id).await.unwrap());
    let found: Option<User> = store.get(&user.id).await.unwrap();
    assert!(found.is_none());
}

/// A column that changes its type makes prepared statements useless: the connection that has them is made anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_may_change_its_type_meanwhile() {
    let told = Told::start();
    let store = SqlStore::<NoProfile>::open(&told.0.url()).await.unwrap();
    let user = insert(&store, KING).await;
    until_direct(&told, &store, &user, &[]).await;
    let before: Vec<i32> = told.statements().iter().map(|statement| statement.process).collect();
    let mut admin = told.admin().await;
    sqlx::raw_sql("ALTER TABLE \"user\" ALTER COLUMN email TYPE TEXT").execute(&mut admin).await.unwrap();
    until_direct(&told, &store, &user, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_stay_in_the_pool_when_told_so() {
    let told = Told::start();
    for options in [SqlOptions::new().direct_reads(false), SqlOptions::new().max_connections(1)] {
        let store = SqlStore::<NoProfile>::open_with(&told.0.url(), &options).await.unwrap();
        let user = insert(&store, KING).await;
        for _ in 0..20 {
            assert!(store.get(&user.id).await.unwrap().is_some());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(UserStore::<NoProfile>::delete(&store, &user.id).await.unwrap());
    }
    assert!(!told.statements().iter().any(|statement| statement.is_direct));
}
