//! Opening databases: new ones, those of fastapi-users, and those that must not be touched.

use axum_users::{
    CreateUser, MigrationError, NewToken, NewUser, NoProfile, PasswordHash, Profile, SqlOptions, SqlStore,
    TokenStore, UserStore,
};
use sqlx::{AssertSqlSafe, SqlitePool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::support::Database;

/// The tables as SQLAlchemy makes them for fastapi-users 15, with one column of the application's own.
const FASTAPI_USERS: &str = r#"
CREATE TABLE "user" (
    nickname VARCHAR(50),
    id CHAR(36) NOT NULL,
    email VARCHAR(320) NOT NULL,
    hashed_password VARCHAR(1024) NOT NULL,
    is_active BOOLEAN NOT NULL,
    is_superuser BOOLEAN NOT NULL,
    is_verified BOOLEAN NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_user_email ON "user" (email);
CREATE TABLE oauth_account (
    id CHAR(36) NOT NULL,
    user_id CHAR(36) NOT NULL,
    oauth_name VARCHAR(100) NOT NULL,
    access_token VARCHAR(1024) NOT NULL,
    expires_at INTEGER,
    refresh_token VARCHAR(1024),
    account_id VARCHAR(320) NOT NULL,
    account_email VARCHAR(320) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(user_id) REFERENCES "user" (id) ON DELETE cascade
);
CREATE INDEX ix_oauth_account_account_id ON oauth_account (account_id);
CREATE INDEX ix_oauth_account_oauth_name ON oauth_account (oauth_name);
CREATE TABLE accesstoken (
    user_id CHAR(36) NOT NULL,
    token VARCHAR(43) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (token),
    FOREIGN KEY(user_id) REFERENCES "user" (id) ON DELETE cascade
);
CREATE INDEX ix_accesstoken_created_at ON accesstoken (created_at);
INSERT INTO "user" VALUES ('Wart', '6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f', 'King.Arthur@camelot.bt', '$argon2id$x', 1, 0, 1);
INSERT INTO "user" VALUES (NULL, '00000000-0000-4000-8000-000000000001', 'merlin@camelot.bt', '$2b$12$x', 0, 1, 0);
INSERT INTO oauth_account VALUES ('00000000-0000-4000-8000-000000000002', '6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f', 'google', 'at', 1700000000, NULL, 'people/1', 'a@b.c');
INSERT INTO accesstoken VALUES ('6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f', 'stored-token', '2026-02-28 12:00:00.000001');
"#;

async fn execute(pool: &SqlitePool, sql: &str) {
    for statement in sql.split(";\n").filter(|statement| !statement.trim().is_empty()) {
        sqlx::query(AssertSqlSafe(statement)).execute(pool).await.unwrap();
    }
}

async fn texts(pool: &SqlitePool, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap()
}

/// Everything that the schema holds.
async fn schema(pool: &SqlitePool) -> Vec<String> {
    texts(pool, "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name")
        .await
}

/// Name, declared type, whether it may be empty, and place in the primary key.
async fn columns(pool: &SqlitePool, table: &str) -> Vec<String> {
    let sql = format!(
        "SELECT name || ' ' || type || iif(\"notnull\", ' NOT NULL', '') || iif(pk, ' PK', '') \
         FROM pragma_table_info('{table}')"
    );
    texts(pool, &sql).await
}

async fn indexes(pool: &SqlitePool) -> Vec<String> {
    texts(pool, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql NOT NULL ORDER BY name").await
}

const INDEXES: [&str; 18] = [
    "ix_accesstoken_created_at",
    "ix_accesstoken_expires_at",
    "ix_accesstoken_user_id",
    "ix_axum_users_event_act",
    "ix_axum_users_event_identifier",
    "ix_axum_users_event_user_id",
    "ix_axum_users_job_died_at",
    "ix_axum_users_job_due_at",
    "ix_axum_users_job_lease",
    "ix_axum_users_job_unique_key",
    "ix_axum_users_limit_over_at",
    "ix_oauth_account_account_id",
    "ix_oauth_account_oauth_name",
    "ix_oauth_account_owner",
    "ix_oauth_account_user_id",
    "ix_revoked_token_expires_at",
    "ix_user_email",
    "ix_user_email_lower",
];

fn king() -> NewUser {
    NewUser {
        id: Some(Uuid::new_v4()),
        email: "king@camelot.bt".into(),
        hashed_password: PasswordHash::new("hash"),
        is_active: true,
        is_superuser: false,
        is_verified: false,
        profile: NoProfile {},
    }
}

#[tokio::test]
async fn a_new_file_gets_the_tables_of_the_contract() {
    let database = Database::new();
    SqlStore::<NoProfile>::open(&database.url()).await.unwrap();
    let pool = database.foreign().await;
    let user = [
        "id CHAR(36) NOT NULL PK",
        "email VARCHAR(320) NOT NULL",
        "hashed_password VARCHAR(1024) NOT NULL",
        "is_active BOOLEAN NOT NULL",
        "is_superuser BOOLEAN NOT NULL",
        "is_verified BOOLEAN NOT NULL",
    ];
    assert_eq!(columns(&pool, "user").await, user);
    let accesstoken = [
        "user_id CHAR(36) NOT NULL",
        "token VARCHAR(43) NOT NULL PK",
        "created_at TIMESTAMP NOT NULL",
        "expires_at TIMESTAMP",
    ];
    assert_eq!(columns(&pool, "accesstoken").await, accesstoken);
    let oauth_account = [
        "id CHAR(36) NOT NULL PK",
        "user_id CHAR(36) NOT NULL",
        "oauth_name VARCHAR(100) NOT NULL",
        "access_token TEXT NOT NULL",
        "expires_at BIGINT",
        "refresh_token TEXT",
        "account_id VARCHAR(320) NOT NULL",
        "account_email VARCHAR(320) NOT NULL",
    ];
    assert_eq!(columns(&pool, "oauth_account").await, oauth_account);
    assert_eq!(indexes(&pool).await, INDEXES);
    let keys =
        "SELECT \"table\" || ' ' || \"from\" || ' ' || on_delete FROM pragma_foreign_key_list('accesstoken')";
    assert_eq!(texts(&pool, keys).await, ["user user_id CASCADE"]);
    assert_eq!(texts(&pool, "SELECT name FROM axum_users_migration").await.len(), 6);
}

#[tokio::test]
async fn opening_again_changes_nothing_and_keeps_everything() {
    let database = Database::new();
    let store = SqlStore::<NoProfile>::open(&database.url()).await.unwrap();
    let user = UserStore::insert(&store, king()).await.unwrap();
    TokenStore::insert(
        &store,
        NewToken { token: "token", user: &user.id, created_at: OffsetDateTime::now_utc(), expires_at: None },
    )
    .await
    .unwrap();
    let pool = database.foreign().await;
    let before = schema(&pool).await;
    for _ in 0..3 {
        let store = SqlStore::<NoProfile>::open(&database.url()).await.unwrap();
        assert_eq!(UserStore::<NoProfile>::get(&store, &user.id).await.unwrap().unwrap().email, user.email);
        assert!(TokenStore::<NoProfile>::find(&store, "token", None).await.unwrap().is_some());
    }
    assert_eq!(schema(&pool).await, before);
    assert_eq!(texts(&pool, "SELECT name FROM axum_users_migration").await.len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_18_eight_that_open_a_new_file_at_once_all_succeed() {
    for _ in 0..3 {
        let database = Database::new();
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let url = database.url();
                tokio::spawn(async move { SqlStore::<NoProfile>::open(&url).await })
            })
            .collect();
        for store in opening {
            let store = store.await.unwrap().unwrap();
            let _ = UserStore::insert(&store, king()).await;
        }
        let pool = database.foreign().await;
        assert_eq!(texts(&pool, "SELECT name FROM axum_users_migration").await.len(), 6);
        assert_eq!(texts(&pool, "SELECT email FROM \"user\"").await, ["king@camelot.bt"]);
    }
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
struct Knight {
    nickname: Option<String>,
    age: Option<i32>,
}

async fn fastapi_users(extra: &str) -> (Database, SqlitePool) {
    let database = Database::new();
    let pool = database.foreign().await;
    execute(&pool, FASTAPI_USERS).await;
    execute(&pool, extra).await;
    (database, pool)
}

#[tokio::test]
async fn a_database_of_fastapi_users_is_adopted_as_it_is() {
    let (database, pool) = fastapi_users("").await;
    let before = schema(&pool).await;
    let store = SqlStore::<Knight>::open(&database.url()).await.unwrap();
    let user = store.get_by_email("KING.arthur@camelot.bt").await.unwrap().unwrap();
    assert_eq!(user.id.to_string(), "6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f");
    assert_eq!(
        (user.email.as_str(), user.hashed_password.as_str()),
        ("King.Arthur@camelot.bt", "$argon2id$x")
    );
    assert_eq!((user.is_active, user.is_superuser, user.is_verified), (true, false, true));
    assert_eq!((user.profile.nickname.as_deref(), user.profile.age), (Some("Wart"), None));
    assert!(TokenStore::<Knight>::find(&store, "stored-token", None).await.unwrap().is_some());

    let after = schema(&pool).await;
    let unchanged = before
        .iter()
        .filter(|entry| !entry.starts_with("table user:") && !entry.starts_with("table accesstoken:"));
    assert!(unchanged.clone().all(|entry| after.contains(entry)), "what was there is there as it was");
    assert_eq!(columns(&pool, "user").await.last().unwrap(), "age INTEGER");
    assert_eq!(columns(&pool, "accesstoken").await.last().unwrap(), "expires_at TIMESTAMP");
    assert!(
        INDEXES.iter().all(|index| after.iter().any(|entry| entry.starts_with(&format!("index {index}:"))))
    );
    let rows = "SELECT oauth_name || account_id || access_token FROM oauth_account";
    assert_eq!(texts(&pool, rows).await, ["googlepeople/1at"]);

    // Deleting takes the accounts along, which fastapi-users itself could not.
    assert!(store.delete(&user.id).await.unwrap());
    assert!(texts(&pool, rows).await.is_empty());
    assert!(texts(&pool, "SELECT token FROM accesstoken").await.is_empty());
    let profile = Knight { nickname: None, age: Some(12) };
    let manager =
        axum_users::Users::<Knight>::builder(store, crate::support::SECRET).build().unwrap().manager();
    let created = CreateUser::new("mordred@camelot.bt", "guinevere1", profile);
    manager.create(created, &axum_users::Context::none()).await.unwrap();
    assert_eq!(
        texts(&pool, "SELECT email FROM \"user\" WHERE age = 12 AND is_active").await,
        ["mordred@camelot.bt"]
    );
}

#[tokio::test]
async fn columns_that_the_profile_does_not_know_stay() {
    let (database, pool) = fastapi_users("").await;
    let store = SqlStore::<NoProfile>::open(&database.url()).await.unwrap();
    UserStore::insert(&store, king()).await.unwrap();
    assert_eq!(texts(&pool, "SELECT nickname FROM \"user\" WHERE nickname NOT NULL").await, ["Wart"]);
    assert_eq!(texts(&pool, "SELECT email FROM \"user\"").await.len(), 3);
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
struct Titled {
    title: String,
    strength: i64,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
#[profile(id = i64)]
struct Numbered {}

/// Opens, expects a refusal, and that nothing was changed.
async fn refused<P: Profile>(database: &Database, pool: &SqlitePool) -> MigrationError {
    let before = (schema(pool).await, texts(pool, "SELECT email FROM \"user\"").await);
    let error = SqlStore::<P>::open(&database.url()).await.expect_err("the database is refused");
    assert_eq!((schema(pool).await, texts(pool, "SELECT email FROM \"user\"").await), before);
    error
}

const TWIN: &str = "INSERT INTO \"user\" VALUES (NULL, '00000000-0000-4000-8000-00000000000a', 'MERLIN@camelot.bt', 'x', 1, 0, 0)";

#[tokio::test]
async fn reg_5_twins_are_listed_and_nothing_is_changed() {
    let (database, pool) = fastapi_users(TWIN).await;
    let error = refused::<NoProfile>(&database, &pool).await;
    assert!(error.to_string().ends_with("MERLIN@camelot.bt, merlin@camelot.bt"), "{error}");
    let MigrationError::EmailsDifferOnlyInCase(emails) = error else { panic!("{error}") };
    assert_eq!(emails, ["MERLIN@camelot.bt", "merlin@camelot.bt"]);
    execute(&pool, "DELETE FROM \"user\" WHERE email = 'MERLIN@camelot.bt'").await;
    SqlStore::<NoProfile>::open(&database.url()).await.unwrap();
}

#[tokio::test]
async fn ids_of_another_type_are_refused() {
    let (database, pool) = fastapi_users("").await;
    let error = refused::<Numbered>(&database, &pool).await;
    assert!(matches!(&error, MigrationError::IdType { found, .. } if found == "CHAR(36)"), "{error}");
    let database = Database::new();
    SqlStore::<Numbered>::open(&database.url()).await.unwrap();
    let error = refused::<NoProfile>(&database, &database.foreign().await).await;
    assert!(matches!(&error, MigrationError::IdType { found, .. } if found == "INTEGER"), "{error}");
}

#[tokio::test]
async fn new_columns_that_may_not_be_empty_need_a_table_that_is() {
    let (database, pool) = fastapi_users("").await;
    let error = refused::<Titled>(&database, &pool).await;
    assert!(matches!(error, MigrationError::ColumnNeedsValues("title")), "{error}");
    assert!(error.to_string().contains("make the field optional"));
    execute(&pool, "DELETE FROM \"user\"").await;
    SqlStore::<Titled>::open(&database.url()).await.unwrap();
    let added = columns(&pool, "user").await;
    assert!(
        added.ends_with(&["title VARCHAR NOT NULL".to_owned(), "strength BIGINT NOT NULL".to_owned()]),
        "{added:?}"
    );
}

#[tokio::test]
async fn foreign_tables_are_refused() {
    for (sql, table, column) in [
        ("CREATE TABLE \"user\" (id INTEGER PRIMARY KEY, email VARCHAR)", "user", "hashed_password"),
        (
            "CREATE TABLE accesstoken (token VARCHAR PRIMARY KEY);\nCREATE TABLE \"user\" (id CHAR(36), email VARCHAR, \
             hashed_password VARCHAR, is_active BOOLEAN, is_superuser BOOLEAN, is_verified BOOLEAN)",
            "accesstoken",
            "user_id",
        ),
    ] {
        let database = Database::new();
        let pool = database.foreign().await;
        execute(&pool, sql).await;
        let error = refused::<NoProfile>(&database, &pool).await;
        assert_eq!(
            error.to_string(),
            format!("the table \"{table}\" lacks the column {column:?}: it is not a table of fastapi-users")
        );
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    for change in [
        "INSERT INTO axum_users_migration VALUES (99, 'the future', 'x', '2030-01-01 00:00:00.000000')",
        "UPDATE axum_users_migration SET checksum = 'x'",
    ] {
        let database = Database::new();
        SqlStore::<NoProfile>::open(&database.url()).await.unwrap();
        let pool = database.foreign().await;
        execute(&pool, change).await;
        let error = refused::<NoProfile>(&database, &pool).await;
        assert!(matches!(error, MigrationError::Unknown(99 | 1)), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_database_cannot_be_opened() {
    let database = Database::new();
    std::fs::write(database.path(), "this is a text, and no database at all".repeat(100)).unwrap();
    assert!(SqlStore::<NoProfile>::open(&database.url()).await.is_err());
    for url in ["sqlite:/no/such/folder/users.db", "oracle://localhost/x"] {
        assert!(matches!(SqlStore::<NoProfile>::open(url).await, Err(MigrationError::Open(_))), "{url}");
    }
}

#[tokio::test]
async fn a_pool_of_the_application_is_shared() {
    let database = Database::new();
    let pool = database.foreign().await;
    let store = SqlStore::<NoProfile>::from_pool(pool.clone()).await.unwrap();
    let user = UserStore::insert(&store, king()).await.unwrap();
    TokenStore::insert(
        &store,
        NewToken { token: "token", user: &user.id, created_at: OffsetDateTime::now_utc(), expires_at: None },
    )
    .await
    .unwrap();
    assert_eq!(texts(&pool, "SELECT email FROM \"user\"").await, ["king@camelot.bt"]);
    // This pool leaves foreign keys off: the tokens end all the same.
    assert!(UserStore::<NoProfile>::delete(&store, &user.id).await.unwrap());
    assert!(texts(&pool, "SELECT token FROM accesstoken").await.is_empty());
}

#[tokio::test]
async fn a_plan_tells_what_opening_does_and_changes_nothing() {
    let database = Database::new();
    let planned = SqlStore::<Knight>::plan(&database.url(), &SqlOptions::new()).await.unwrap();
    assert!(!database.path().exists());
    assert_eq!(SqlStore::<Knight>::migrate(&database.url(), &SqlOptions::new()).await.unwrap(), planned);
    assert!(SqlStore::<Knight>::plan(&database.url(), &SqlOptions::new()).await.unwrap().is_empty());

    let adopted = Database::new();
    let pool = adopted.foreign().await;
    execute(&pool, FASTAPI_USERS).await;
    let before = schema(&pool).await;
    let planned = SqlStore::<Knight>::plan(&adopted.url(), &SqlOptions::new()).await.unwrap();
    assert_eq!(schema(&pool).await, before);
    assert!(
        !planned.iter().any(|sql| sql.contains("ix_user_email ") || sql.contains("DROP")),
        "{planned:#?}"
    );
    assert_eq!(SqlStore::<Knight>::migrate(&adopted.url(), &SqlOptions::new()).await.unwrap(), planned);

    let twins = Database::new();
    let pool = twins.foreign().await;
    execute(&pool, FASTAPI_USERS).await;
    for (number, email) in ["king@camelot.bt", "King@camelot.bt"].into_iter().enumerate() {
        let insert = format!(
            "INSERT INTO user (id, email, hashed_password, is_active, is_superuser, is_verified) \
             VALUES ('{}', '{email}', 'hash', 1, 0, 0)",
            Uuid::from_u128(number as u128)
        );
        execute(&pool, &insert).await;
    }
    let refused = SqlStore::<Knight>::plan(&twins.url(), &SqlOptions::new()).await.unwrap_err();
    assert!(refused.to_string().contains("King@camelot.bt, king@camelot.bt"), "{refused}");
}
