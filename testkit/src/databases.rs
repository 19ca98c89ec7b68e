//! A database of its own for each test, in the servers that `scripts/with-services` has started.

use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection};

/// The address of a schema in the shared PostgreSQL.
pub async fn postgres_schema() -> anyhow::Result<String> {
    let (server, name) = (server("TEST_POSTGRES")?, name());
    let mut connection = sqlx::PgConnection::connect(&server).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(&mut connection).await?;
    connection.close().await?;
    Ok(format!("{server}?options[search_path]={name}"))
}

/// The address of a database in the shared MariaDB.
pub async fn mariadb_database() -> anyhow::Result<String> {
    let (server, name) = (server("TEST_MARIADB")?, name());
    let mut connection = sqlx::MySqlConnection::connect(&server).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
    connection.close().await?;
    let (host, _) = server.rsplit_once('/').context("TEST_MARIADB names no database")?;
    Ok(format!("{host}/{name}"))
}

/// The address of a database in the shared MongoDB, a replica set. It is made with its first document.
pub fn mongodb_database() -> anyhow::Result<String> {
    let server = server("TEST_MONGODB")?;
    let (host, options) = server.split_once("/?").context("TEST_MONGODB has no options")?;
    Ok(format!("{host}/{}?{options}", name()))
}

fn server(variable: &str) -> anyhow::Result<String> {
    let help = "run scripts/test, or put scripts/with-services before the command";
    std::env::var(variable).with_context(|| format!("{variable} is not set: {help}"))
}

fn name() -> String {
    format!("t_{}", uuid::Uuid::new_v4().simple())
}
