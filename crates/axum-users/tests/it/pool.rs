//! How long a store waits, and for what (`SqlOptions`), on every database.

use std::time::Duration;

use axum_users::{
    MigrationError, NewUser, NoProfile, PasswordHash, SqlOptions, SqlStore, StoreError, UserStore,
};
use sqlx::{Connection, MySqlConnection, PgConnection, SqliteConnection};
use uuid::Uuid;

use axum_users_testkit::{mariadb_database, postgres_schema};

use crate::support::Database;

/// Far below what is waited by default.
const SHORT: Duration = Duration::from_millis(300);
const BELOW_THE_DEFAULT: Duration = Duration::from_secs(4);
const LONG: Duration = Duration::from_secs(600);

const fn one() -> SqlOptions {
    SqlOptions::new().max_connections(1)
}

async fn open(url: &str, options: &SqlOptions) -> SqlStore {
    SqlStore::open_with(url, options).await.unwrap()
}

async fn insert(store: &SqlStore) -> Result<Uuid, StoreError> {
    let id = Uuid::new_v4();
    let user = NewUser {
        id: Some(id),
        email: format!("{id}@camelot.bt"),
        hashed_password: PasswordHash::new("hash"),
        is_active: true,
        is_superuser: false,
        is_verified: false,
        profile: NoProfile {},
    };
    UserStore::insert(store, user).await.map(|user| user.id)
}

/// Fails, and earlier than it would by default.
async fn assert_given_up(act: impl Future<Output = Result<Uuid, StoreError>>, says: &str) {
    let given_up =
        tokio::time::timeout(BELOW_THE_DEFAULT, act).await.expect("the limit is not that of the options");
    let Err(StoreError::Backend(error)) = given_up else { panic!("{given_up:?}") };
    assert!(error.to_string().contains(says), "{error}");
}

/// Whoever has locked the table holds up a statement no longer than its limit, and those who wait for its connection no
/// longer than theirs.
macro_rules! limits {
    ($url:expr, $connection:ty, $lock:expr, $unlock:expr, $says:expr) => {{
        let url = $url;
        let store = open(&url, &one().statement_timeout(SHORT)).await;
        insert(&store).await.unwrap();
        let mut other = <$connection>::connect(&url).await.unwrap();
        sqlx::raw_sql($lock).execute(&mut other).await.unwrap();
        assert_given_up(insert(&store), $says).await;
        sqlx::raw_sql($unlock).execute(&mut other).await.unwrap();
        insert(&store).await.unwrap();

        let store = open(&url, &one().acquire_timeout(SHORT).statement_timeout(LONG)).await;
        sqlx::raw_sql($lock).execute(&mut other).await.unwrap();
        let hog = store.clone();
        let hog = tokio::spawn(async move { insert(&hog).await });
        tokio::time::sleep(SHORT).await;
        assert_given_up(insert(&store), "timed out").await;
        sqlx::raw_sql($unlock).execute(&mut other).await.unwrap();
        hog.await.unwrap().unwrap();
        insert(&store).await.unwrap();
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_4_sqlite_waits_as_long_as_it_is_told() {
    let database = Database::new();
    limits!(database.url(), SqliteConnection, "BEGIN EXCLUSIVE", "ROLLBACK", "locked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_4_postgres_waits_as_long_as_it_is_told() {
    let lock = "BEGIN; LOCK TABLE \"user\" IN ACCESS EXCLUSIVE MODE";
    limits!(postgres_schema().await.unwrap(), PgConnection, lock, "ROLLBACK", "timeout");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_4_mariadb_waits_as_long_as_it_is_told() {
    limits!(
        mariadb_database().await.unwrap(),
        MySqlConnection,
        "LOCK TABLES user WRITE",
        "UNLOCK TABLES",
        "max_statement_time"
    );
}

/// A node that starts waits for one that migrates, however long that takes; the limits hold again afterwards, on the same
/// connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_18_a_migration_is_not_held_to_the_limit_of_requests() {
    let url = postgres_schema().await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    let lock = |sql| sqlx::raw_sql(sql);
    lock("SELECT pg_advisory_lock(6179837141)").execute(&mut other).await.unwrap();
    let options = one().statement_timeout(SHORT);
    let start = tokio::spawn({
        let (url, options) = (url.clone(), options.clone());
        async move { SqlStore::<NoProfile>::open_with(&url, &options).await }
    });
    tokio::time::sleep(SHORT * 4).await;
    lock("SELECT pg_advisory_unlock(6179837141)").execute(&mut other).await.unwrap();
    let store = start.await.unwrap().unwrap();
    lock("BEGIN; LOCK TABLE \"user\" IN ACCESS EXCLUSIVE MODE").execute(&mut other).await.unwrap();
    assert_given_up(insert(&store), "timeout").await;

    let url = mariadb_database().await.unwrap();
    let mut other = MySqlConnection::connect(&url).await.unwrap();
    lock("SELECT GET_LOCK(concat('axum_users ', database()), 0)").execute(&mut other).await.unwrap();
    let start = tokio::spawn({
        let url = url.clone();
        async move { SqlStore::<NoProfile>::open_with(&url, &options).await }
    });
    tokio::time::sleep(SHORT * 4).await;
    lock("SELECT RELEASE_LOCK(concat('axum_users ', database()))").execute(&mut other).await.unwrap();
    let store = start.await.unwrap().unwrap();
    lock("LOCK TABLES user WRITE").execute(&mut other).await.unwrap();
    assert_given_up(insert(&store), "max_statement_time").await;
}

#[tokio::test]
async fn what_is_out_of_its_range_is_refused_by_name() {
    let database = Database::new();
    let options = SqlOptions::new().max_connections(0);
    let refused = [
        SqlStore::<NoProfile>::open_with(&database.url(), &options).await.err(),
        SqlStore::<NoProfile>::migrate(&database.url(), &options).await.err(),
        SqlStore::<NoProfile>::plan(&database.url(), &options).await.err(),
    ];
    for error in refused {
        let Some(MigrationError::Open(reason)) = error else { panic!("{error:?}") };
        assert!(reason.to_string().starts_with("max_connections"), "{reason}");
    }
    assert!(!database.path().exists(), "nothing was made");
}
