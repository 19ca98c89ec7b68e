//! Accounts at providers: the table of fastapi-users, adopted.

use axum_users::{MigrationError, NoProfile, OAuthAccount, OAuthStore, SqlOptions, SqlStore};
use axum_users_testkit::{mariadb_database, postgres_schema};
use sqlx::{AssertSqlSafe, MySqlPool, PgPool, SqlitePool};

use crate::support::Database;

/// The tables as SQLAlchemy makes them for fastapi-users 15, with `ID` and `BOOL` as the database has them.
const FASTAPI_USERS: &str = "
CREATE TABLE \"user\" (
    id ID NOT NULL PRIMARY KEY,
    email VARCHAR(320) NOT NULL,
    hashed_password VARCHAR(1024) NOT NULL,
    is_active BOOLEAN NOT NULL,
    is_superuser BOOLEAN NOT NULL,
    is_verified BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX ix_user_email ON \"user\" (email);
CREATE TABLE oauth_account (
    id ID NOT NULL PRIMARY KEY,
    user_id ID NOT NULL,
    oauth_name VARCHAR(100) NOT NULL,
    access_token VARCHAR(1024) NOT NULL,
    expires_at INTEGER,
    refresh_token VARCHAR(1024),
    account_id VARCHAR(320) NOT NULL,
    account_email VARCHAR(320) NOT NULL,
    FOREIGN KEY(user_id) REFERENCES \"user\" (id) ON DELETE cascade
);
CREATE INDEX ix_oauth_account_account_id ON oauth_account (account_id);
CREATE INDEX ix_oauth_account_oauth_name ON oauth_account (oauth_name);
INSERT INTO \"user\" VALUES ('00000000-0000-4000-8000-000000000001', 'king@camelot.bt', 'x', true, false, true);
INSERT INTO \"user\" VALUES ('00000000-0000-4000-8000-000000000002', 'merlin@camelot.bt', 'x', true, false, true);
INSERT INTO oauth_account VALUES ('00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-000000000001',
    'google', 'access', 1700000000, NULL, 'people/1', 'a@b.c');
";

/// What `associate` of fastapi-users does with an account that somebody has already.
const SHARED: &str = "
INSERT INTO oauth_account VALUES ('00000000-0000-4000-8000-00000000000b', '00000000-0000-4000-8000-000000000002',
    'google', 'access', 1700000000, NULL, 'people/1', 'a@b.c');
";

#[derive(Clone, Copy, Debug, PartialEq)]
enum System {
    Sqlite,
    Postgres,
    Mariadb,
}

async fn execute(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match url.split_once(':').unwrap().0 {
        "sqlite" => sqlx::raw_sql(sql).execute(&SqlitePool::connect(url).await.unwrap()).await.map(drop),
        "postgres" => sqlx::raw_sql(sql).execute(&PgPool::connect(url).await.unwrap()).await.map(drop),
        _ => sqlx::raw_sql(sql).execute(&MySqlPool::connect(url).await.unwrap()).await.map(drop),
    }
    .unwrap();
}

async fn adopts(system: System) {
    let file = Database::new();
    let url = match system {
        System::Sqlite => format!("{}?mode=rwc", file.url()),
        System::Postgres => postgres_schema().await.unwrap(),
        System::Mariadb => mariadb_database().await.unwrap(),
    };
    let dialect = |sql: &str| match system {
        System::Sqlite => sql.replace(" ID ", " CHAR(36) "),
        System::Postgres => sql.replace(" ID ", " UUID "),
        System::Mariadb => sql.replace(" ID ", " CHAR(36) ").replace('"', "`"),
    };
    execute(&url, &dialect(FASTAPI_USERS)).await;
    execute(&url, SHARED).await;
    for error in [
        SqlStore::<NoProfile>::open(&url).await.unwrap_err(),
        SqlStore::<NoProfile>::plan(&url, &SqlOptions::new()).await.unwrap_err(),
    ] {
        let MigrationError::SharedAccounts(listed) = error else { panic!("{error}") };
        assert_eq!(listed, ["google people/1"]);
    }
    execute(&url, "DELETE FROM oauth_account WHERE id = '00000000-0000-4000-8000-00000000000b'").await;

    let store = SqlStore::<NoProfile>::open(&url).await.unwrap();
    assert!(SqlStore::<NoProfile>::plan(&url, &SqlOptions::new()).await.unwrap().is_empty());
    let king = store.get_by_account("google", "people/1").await.unwrap().unwrap();
    assert_eq!(king.email, "king@camelot.bt");
    let account = store.accounts(&king.id).await.unwrap().remove(0);
    assert_eq!((account.access_token.as_str(), account.expires_at), ("access", Some(1_700_000_000)));
    let long = OAuthAccount {
        access_token: "a".repeat(8_000),
        refresh_token: Some("r".repeat(8_000)),
        expires_at: Some(4_102_444_800),
        ..account
    };
    store.put_account(&king.id, &long).await.unwrap();
    assert_eq!(store.accounts(&king.id).await.unwrap(), std::slice::from_ref(&long));
    let github = OAuthAccount { oauth_name: "github".to_owned(), ..long };
    store.put_account(&king.id, &github).await.unwrap();
    assert!(store.get_by_account("GitHub", "people/1").await.unwrap().is_none());
}

#[tokio::test]
async fn oak_2_the_accounts_of_an_sqlite_file_are_adopted() {
    adopts(System::Sqlite).await;
}

#[tokio::test]
async fn oak_2_the_accounts_of_postgres_are_adopted() {
    adopts(System::Postgres).await;
}

#[tokio::test]
async fn oak_2_the_accounts_of_mariadb_are_adopted() {
    adopts(System::Mariadb).await;
}
