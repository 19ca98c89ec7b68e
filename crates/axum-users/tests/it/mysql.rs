//! What is MySQL's and MariaDB's own: column types, collations, adopting tables, migrations that are not taken back, many
//! nodes at once, indexes in use, deadlocks.

use std::time::Duration;

use axum_users::{
    Changes, Found, MigrationError, NewToken, NewUser, NoProfile, PasswordHash, Profile, SqlOptions,
    SqlStore, StoreError, Timestamp, TokenStore, User, UserId, UserStore,
};
use axum_users_testkit::mariadb_database;
use serde::{Deserialize, Serialize};
use sqlx::{
    AssertSqlSafe, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// The tables as SQLAlchemy makes them for fastapi-users 15, with columns of the application's own. `ID` is the type of
/// ids.
const FASTAPI_USERS: &str = "
CREATE TABLE user (
    nickname VARCHAR(50),
    born DATETIME,
    visits SMALLINT,
    score FLOAT,
    id ID NOT NULL,
    email VARCHAR(320) NOT NULL,
    hashed_password VARCHAR(1024) NOT NULL,
    is_active BOOL NOT NULL,
    is_superuser BOOL NOT NULL,
    is_verified BOOL NOT NULL,
    PRIMARY KEY (id)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE UNIQUE INDEX ix_user_email ON user (email);
CREATE TABLE accesstoken (
    user_id REF NOT NULL,
    token VARCHAR(43) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (token),
    FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE cascade
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE INDEX ix_accesstoken_created_at ON accesstoken (created_at);
";

const KING: &str = "'6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f'";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Profile)]
struct Adopted {
    nickname: Option<String>,
    born: Option<Timestamp>,
    visits: Option<i32>,
    score: Option<f64>,
    title: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Profile)]
#[profile(id = i64)]
struct Numbered {
    nickname: Option<String>,
}

fn new_user<P: Profile>(email: &str, profile: P) -> NewUser<P> {
    NewUser {
        id: P::Id::generate(),
        email: email.to_owned(),
        hashed_password: PasswordHash::new("hash"),
        is_active: true,
        is_superuser: false,
        is_verified: false,
        profile,
    }
}

async fn execute(pool: &MySqlPool, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

async fn texts(pool: &MySqlPool, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap()
}

/// A database with the tables of fastapi-users, and its connections, which are in the server's time zone.
async fn fastapi_users(integer_ids: bool) -> (String, MySqlPool) {
    let url = mariadb_database().await.unwrap();
    let options: MySqlConnectOptions = url.parse().unwrap();
    let pool = MySqlPool::connect_with(options.timezone(None)).await.unwrap();
    let (id, reference) = if integer_ids { ("INTEGER", "INTEGER") } else { ("CHAR(36)", "CHAR(36)") };
    let tables = FASTAPI_USERS.replace(" REF ", &format!(" {reference} "));
    let id = if integer_ids { format!("{id} NOT NULL AUTO_INCREMENT") } else { format!("{id} NOT NULL") };
    execute(&pool, &tables.replace(" ID NOT NULL", &format!(" {id}"))).await;
    (url, pool)
}

async fn columns(pool: &MySqlPool, table: &str) -> Vec<String> {
    let sql = format!(
        "SELECT concat(column_name, ' ', column_type, if(is_nullable = 'NO', ' NOT NULL', '')) \
         FROM information_schema.columns WHERE table_schema = database() AND table_name = '{table}' \
         ORDER BY ordinal_position"
    );
    texts(pool, &sql).await
}

#[tokio::test]
async fn a_new_database_gets_the_tables_of_the_contract() {
    let url = mariadb_database().await.unwrap();
    SqlStore::<NoProfile>::open(&url).await.unwrap();
    let pool = MySqlPool::connect(&url).await.unwrap();
    let user = [
        "id char(36) NOT NULL",
        "email varchar(320) NOT NULL",
        "hashed_password varchar(1024) NOT NULL",
        "is_active tinyint(1) NOT NULL",
        "is_superuser tinyint(1) NOT NULL",
        "is_verified tinyint(1) NOT NULL",
        "email_key varbinary(1280)",
    ];
    assert_eq!(columns(&pool, "user").await, user);
    let accesstoken = [
        "user_id char(36) NOT NULL",
        "token varchar(43) NOT NULL",
        "created_at datetime(6) NOT NULL",
        "expires_at datetime(6)",
    ];
    assert_eq!(columns(&pool, "accesstoken").await, accesstoken);
    assert!(SqlStore::<NoProfile>::plan(&url, &SqlOptions::new()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_18_eight_nodes_may_start_at_once() {
    let url = mariadb_database().await.unwrap();
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { SqlStore::<NoProfile>::open(&url).await })
        })
        .collect();
    for node in nodes {
        node.await.unwrap().unwrap();
    }
    let pool = MySqlPool::connect(&url).await.unwrap();
    assert_eq!(texts(&pool, "SELECT name FROM axum_users_migration").await.len(), 6);
}

/// MySQL does not take a table back: after each statement that a node has got through, the next start goes on.
#[tokio::test]
async fn f_18_what_a_node_left_half_way_is_completed() {
    let statements =
        SqlStore::<NoProfile>::plan(&mariadb_database().await.unwrap(), &SqlOptions::new()).await.unwrap();
    assert!(statements.len() > 8, "{statements:#?}");
    for done in 1..statements.len() {
        let url = mariadb_database().await.unwrap();
        let pool = MySqlPool::connect(&url).await.unwrap();
        for sql in &statements[..done] {
            execute(&pool, sql).await;
        }
        let rest = SqlStore::<NoProfile>::migrate(&url, &SqlOptions::new()).await.unwrap();
        assert_eq!(rest.len(), statements.len() - done, "after {done}: {rest:#?}");
        assert!(SqlStore::<NoProfile>::plan(&url, &SqlOptions::new()).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_database_of_fastapi_users_is_adopted() {
    let (url, pool) = fastapi_users(false).await;
    execute(
        &pool,
        &format!(
            "INSERT INTO user VALUES ('Wart', '2001-02-03 04:05:06', 3, 0.5, {KING}, 'King.Arthur@camelot.bt', \
             '$argon2id$x', 1, 0, 1); \
             INSERT INTO accesstoken VALUES ({KING}, 'stored-token', '2026-02-28 12:00:00')"
        ),
    )
    .await;
    let before = columns(&pool, "user").await;
    let store = SqlStore::<Adopted>::open(&url).await.unwrap();
    let user = store.get_by_email("KING.arthur@camelot.bt").await.unwrap().unwrap();
    let expected = Adopted {
        nickname: Some("Wart".into()),
        born: Some(Timestamp(datetime!(2001-02-03 04:05:06 UTC))),
        visits: Some(3),
        score: Some(0.5),
        title: None,
    };
    assert_eq!(user.profile, expected);
    let made = datetime!(2026-02-28 12:00 UTC);
    let found = store.find("stored-token", Some(made)).await.unwrap();
    assert!(matches!(found, Some(Found::User(owner)) if owner.id == user.id));
    assert!(store.find("stored-token", Some(made + Duration::from_secs(1))).await.unwrap().is_none());
    let after = columns(&pool, "user").await;
    assert_eq!(after[..before.len()], before, "nothing is rewritten");
    assert_eq!(after[before.len()..], ["email_key varbinary(1280)", "title longtext"]);
    // fastapi-users names its columns, and the new index holds for it too.
    let insert = |email: &str| {
        format!(
            "INSERT INTO user (id, email, hashed_password, is_active, is_superuser, is_verified) \
             VALUES ('{}', '{email}', 'x', 1, 0, 0)",
            Uuid::new_v4()
        )
    };
    execute(&pool, &insert("merlin@camelot.bt")).await;
    let twin = insert("KING.ARTHUR@camelot.bt");
    let twin = sqlx::raw_sql(AssertSqlSafe(twin.as_str())).execute(&pool).await.unwrap_err();
    assert!(twin.as_database_error().unwrap().is_unique_violation());
    assert!(store.get_by_email("Merlin@camelot.bt").await.unwrap().is_some());
}

#[tokio::test]
async fn tables_that_are_missing_beside_adopted_ones_are_made_to_fit() {
    for integer_ids in [false, true] {
        let (url, pool) = fastapi_users(integer_ids).await;
        execute(&pool, "DROP TABLE accesstoken").await;
        if integer_ids {
            SqlStore::<Numbered>::open(&url).await.unwrap();
        } else {
            SqlStore::<NoProfile>::open(&url).await.unwrap();
        }
        let key = "SELECT referenced_table_name FROM information_schema.key_column_usage \
                   WHERE table_schema = database() AND table_name = 'accesstoken' AND referenced_table_name IS NOT NULL";
        assert_eq!(texts(&pool, key).await, ["user"]);
    }
}

/// C3: the collation of adopted columns takes letters for one another that are not the same.
#[tokio::test]
async fn log_19_a_collation_lets_nobody_in() {
    let (url, pool) = fastapi_users(false).await;
    execute(
        &pool,
        &format!(
            "INSERT INTO user VALUES (NULL, NULL, NULL, NULL, {KING}, 'ü@camelot.bt', 'Hash', 1, 0, 1); \
             INSERT INTO accesstoken VALUES ({KING}, 'Token', now())"
        ),
    )
    .await;
    let store = SqlStore::<NoProfile>::open(&url).await.unwrap();
    assert!(store.get_by_email("u@camelot.bt").await.unwrap().is_none());
    let user = store.get_by_email("Ü@camelot.bt").await.unwrap().unwrap();
    for token in ["token", "TOKEN", "Tökén", "Token "] {
        assert!(store.find(token, None).await.unwrap().is_none(), "{token}");
        assert!(!TokenStore::<NoProfile>::remove(&store, token).await.unwrap(), "{token}");
    }
    assert!(store.find("Token", None).await.unwrap().is_some());
    for hash in ["hash", "HASH", "Hash "] {
        let changes = Changes {
            if_password_is: Some(PasswordHash::new(hash)),
            is_active: Some(false),
            ..Changes::default()
        };
        assert!(store.update(&user.id, &changes).await.unwrap().is_none(), "{hash}");
    }
    // The adopted unique index still refuses what it takes for the same.
    let refused = UserStore::insert(&store, new_user("u@camelot.bt", NoProfile {})).await;
    assert!(matches!(refused, Err(StoreError::Duplicate)), "{refused:?}");
}

#[tokio::test]
async fn integer_ids_beyond_the_column_are_nobodys() {
    let (url, _) = fastapi_users(true).await;
    let store = SqlStore::<Numbered>::open(&url).await.unwrap();
    let user =
        UserStore::insert(&store, new_user("king@camelot.bt", Numbered { nickname: None })).await.unwrap();
    assert_eq!(user.id, 1);
    for id in [i64::MAX, i64::MIN, 2_147_483_648, 0] {
        assert!(store.get(&id).await.unwrap().is_none(), "{id}");
        assert!(store.update(&id, &Changes::default()).await.unwrap().is_none(), "{id}");
        assert!(!store.delete(&id).await.unwrap(), "{id}");
    }
}

#[tokio::test]
async fn addresses_that_differ_only_in_case_are_listed_and_nothing_is_changed() {
    let (url, pool) = fastapi_users(false).await;
    // An index of a binary collation lets them in.
    execute(
        &pool,
        "DROP INDEX ix_user_email ON user; \
         ALTER TABLE user MODIFY email VARCHAR(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL",
    )
    .await;
    for email in ["King@camelot.bt", "king@camelot.bt", "merlin@camelot.bt"] {
        let id = Uuid::new_v4();
        execute(
            &pool,
            &format!("INSERT INTO user VALUES (NULL, NULL, NULL, NULL, '{id}', '{email}', 'x', 1, 0, 0)"),
        )
        .await;
    }
    let tables =
        "SELECT table_name FROM information_schema.tables WHERE table_schema = database() ORDER BY 1";
    let before = texts(&pool, tables).await;
    match SqlStore::<NoProfile>::open(&url).await {
        Err(MigrationError::EmailsDifferOnlyInCase(mut emails)) => {
            emails.sort();
            assert_eq!(emails, ["King@camelot.bt", "king@camelot.bt"]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(texts(&pool, tables).await, before);
    // The lock was given back: the next start does not wait for it.
    let again = tokio::time::timeout(Duration::from_secs(10), SqlStore::<NoProfile>::open(&url)).await;
    assert!(again.unwrap().is_err());
}

#[tokio::test]
async fn ids_of_another_type_are_refused() {
    let (url, _) = fastapi_users(true).await;
    let refused = SqlStore::<NoProfile>::open(&url).await;
    assert!(
        matches!(&refused, Err(MigrationError::IdType { found, .. }) if found.starts_with("INT")),
        "{refused:?}"
    );
    let (url, _) = fastapi_users(false).await;
    assert!(matches!(SqlStore::<Numbered>::open(&url).await, Err(MigrationError::IdType { .. })));
}

#[tokio::test]
async fn look_ups_use_an_index() {
    for adopted in [false, true] {
        let url = if adopted { fastapi_users(false).await.0 } else { mariadb_database().await.unwrap() };
        SqlStore::<NoProfile>::open(&url).await.unwrap();
        let pool = MySqlPool::connect(&url).await.unwrap();
        execute(
            &pool,
            "INSERT INTO user (id, email, hashed_password, is_active, is_superuser, is_verified) \
             SELECT uuid(), concat('Knight', seq, '@camelot.bt'), 'x', 1, 0, 0 FROM seq_1_to_5000; \
             INSERT INTO accesstoken (token, user_id, created_at) SELECT md5(id), id, now() FROM user; \
             ANALYZE TABLE user, accesstoken",
        )
        .await;
        let folded = "CAST(lower(CONVERT('knight7@camelot.bt' USING utf8mb4) COLLATE utf8mb4_bin) AS BINARY)";
        let plans = [
            format!("SELECT id FROM user WHERE email_key = {folded}"),
            format!("SELECT id FROM user WHERE id = {KING}"),
            "SELECT u.id FROM accesstoken t JOIN user u ON u.id = t.user_id \
             WHERE t.token = 'x' AND CAST(t.token AS BINARY) = 'x'"
                .to_owned(),
            format!("SELECT id FROM user WHERE id > {KING} ORDER BY id LIMIT 10"),
            format!("DELETE FROM accesstoken WHERE user_id = {KING}"),
        ];
        for plan in plans {
            let rows =
                sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN {plan}"))).fetch_all(&pool).await.unwrap();
            for row in rows {
                let kind: Option<String> = sqlx::Row::try_get(&row, "type").unwrap();
                assert_ne!(kind.as_deref(), Some("ALL"), "{plan} (adopted: {adopted})");
            }
        }
    }
}

/// F-4: a statement that waits for a lock ends in time, and says what kind of failure it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_4_a_locked_row_is_a_failure_within_seconds() {
    let url = mariadb_database().await.unwrap();
    let store = SqlStore::<NoProfile>::open(&url).await.unwrap();
    let user = UserStore::insert(&store, new_user("king@camelot.bt", NoProfile {})).await.unwrap();
    let pool = MySqlPool::connect(&url).await.unwrap();
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("UPDATE user SET is_active = 0").execute(&mut *lock).await.unwrap();
    let changes = Changes { is_verified: Some(true), ..Changes::default() };
    let waiting = tokio::time::timeout(Duration::from_secs(20), store.update(&user.id, &changes)).await;
    assert!(matches!(waiting.expect("the statement ended"), Err(StoreError::Backend(_))));
    lock.rollback().await.unwrap();
    assert!(store.update(&user.id, &changes).await.unwrap().unwrap().is_active);
}

/// F-25: another program locks the same rows in the other order, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_25_deadlocks_are_nobodys_failure() {
    let url = mariadb_database().await.unwrap();
    let store = SqlStore::<NoProfile>::open(&url).await.unwrap();
    let user = UserStore::insert(&store, new_user("king@camelot.bt", NoProfile {})).await.unwrap();
    let pool = MySqlPool::connect(&url).await.unwrap();
    for round in 0..20 {
        let token = format!("token{round}");
        let now = OffsetDateTime::now_utc();
        let new = NewToken { token: &token, user: &user.id, created_at: now, expires_at: None };
        TokenStore::insert(&store, new).await.unwrap();
        // The token first, then its user; an update that ends sessions takes them the other way round.
        let mut other = pool.begin().await.unwrap();
        sqlx::query("DELETE FROM accesstoken").execute(&mut *other).await.unwrap();
        let changes = Changes { is_verified: Some(true), end_sessions: true, ..Changes::default() };
        let (store, id) = (store.clone(), user.id);
        let update = tokio::spawn(async move { store.update(&id, &changes).await });
        tokio::time::sleep(Duration::from_millis(30)).await;
        // One of the two is given up.
        if sqlx::query("UPDATE user SET is_superuser = 1").execute(&mut *other).await.is_ok() {
            other.commit().await.unwrap();
        }
        assert!(update.await.unwrap().unwrap().unwrap().is_verified, "round {round}");
    }
}

#[tokio::test]
async fn a_pool_of_the_application_is_shared() {
    let url = mariadb_database().await.unwrap();
    let pool = MySqlPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
    let store = SqlStore::<NoProfile>::from_mysql_pool(pool.clone()).await.unwrap();
    let user: User = UserStore::insert(&store, new_user("king@camelot.bt", NoProfile {})).await.unwrap();
    let now = OffsetDateTime::now_utc();
    let token = NewToken { token: "token", user: &user.id, created_at: now, expires_at: None };
    TokenStore::insert(&store, token).await.unwrap();
    assert_eq!(texts(&pool, "SELECT email FROM user").await, ["king@camelot.bt"]);
    assert!(UserStore::<NoProfile>::delete(&store, &user.id).await.unwrap());
    assert!(texts(&pool, "SELECT token FROM accesstoken").await.is_empty());
}

#[tokio::test]
async fn a_password_in_the_url_is_not_told() {
    let refused = SqlStore::<NoProfile>::open("mysql://king:hunter2@127.0.0.1:1/users").await.unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
}
