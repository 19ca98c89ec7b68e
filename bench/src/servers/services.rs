//! The databases that all servers share, each with a database of its own in them.

use anyhow::Context;
use axum_users_testkit::{Postgres, Redis};
use sqlx::{AssertSqlSafe, Connection};

/// A private PostgreSQL and Redis.
pub struct Services {
    postgres: Postgres,
    redis: Redis,
}

impl Services {
    pub fn start() -> anyhow::Result<Self> {
        Ok(Self { postgres: Postgres::start()?, redis: Redis::start()? })
    }

    /// The address of a new database, empty and with current statistics.
    pub(super) async fn postgres_database(&self, name: &str) -> anyhow::Result<String> {
        let server = self.postgres.url();
        let mut connection = sqlx::PgConnection::connect(&server).await?;
        for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
        }
        connection.close().await?;
        let (host, _) = server.rsplit_once('/').context("the address names no database")?;
        Ok(format!("{host}/{name}"))
    }

    pub(super) fn redis_url(&self) -> String {
        self.redis.url()
    }

    /// The numbers of their processes.
    pub fn ids(&self) -> anyhow::Result<[u32; 2]> {
        Ok([self.postgres.id()?, self.redis.id().context("Redis does not run")?])
    }
}
