//! The tables of fastapi-users, and the user in them.

use anyhow::{Context, anyhow};
use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

use super::hashes;
use crate::servers::{EMAIL, PASSWORD};

/// Who is asking, with a token that is in the database.
pub(super) struct Seed {
    pub(super) user: Uuid,
    pub(super) token: String,
}

/// On PostgreSQL ids are UUIDs, on SQLite their text.
pub(super) async fn seed(database: &str) -> anyhow::Result<Seed> {
    let seed = Seed { user: Uuid::new_v4(), token: token()? };
    // On a thread that ends, and gives back the memory of its hash.
    let hash = std::thread::spawn(|| hashes::hash(PASSWORD));
    let hash = hash.join().map_err(|_| anyhow!("the thread has panicked"))??;
    let on_postgres = database.starts_with("postgres");
    let (id, time, bytes) = match on_postgres {
        true => ("UUID", "TIMESTAMPTZ DEFAULT now()", "BYTEA"),
        false => ("CHAR(36)", "INTEGER DEFAULT (unixepoch())", "BLOB"),
    };
    let Seed { user, token } = &seed;
    let statements = format!(
        "CREATE TABLE \"user\" (id {id} PRIMARY KEY, email VARCHAR(320) NOT NULL, hashed_password VARCHAR(1024) NOT NULL, \
         is_active BOOLEAN NOT NULL, is_superuser BOOLEAN NOT NULL, is_verified BOOLEAN NOT NULL);
         CREATE UNIQUE INDEX user_email ON \"user\" (lower(email));
         CREATE TABLE accesstoken (token VARCHAR(43) PRIMARY KEY, user_id {id} NOT NULL, created_at {time});
         CREATE TABLE session (id VARCHAR(43) PRIMARY KEY, data {bytes} NOT NULL, expiry_date BIGINT NOT NULL);
         INSERT INTO \"user\" VALUES ('{user}', '{EMAIL}', '{hash}', true, false, false);
         INSERT INTO accesstoken (token, user_id) VALUES ('{token}', '{user}')"
    );
    if on_postgres {
        let mut connection = sqlx::PgConnection::connect(database).await?;
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await?;
        connection.close().await?;
    } else {
        let path = database.strip_prefix("sqlite:").context("neither PostgreSQL nor SQLite")?;
        let connection = rusqlite::Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(&statements)?;
    }
    Ok(seed)
}

fn token() -> anyhow::Result<String> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
