//! Two connections, on which requests do not wait for each other's answers, and prepared statements.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use super::User;

pub(super) struct Users {
    connections: [Connection; 2],
    next: AtomicUsize,
}

struct Connection {
    client: Client,
    by_id: Statement,
    by_token: Statement,
    hash_of: Statement,
    insert: Statement,
}

impl Users {
    pub(super) async fn connect(database: &str) -> anyhow::Result<Self> {
        let connections = [Connection::open(database).await?, Connection::open(database).await?];
        Ok(Self { connections, next: AtomicUsize::new(0) })
    }

    fn connection(&self) -> &Connection {
        let [even, odd] = &self.connections;
        if self.next.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { even } else { odd }
    }

    pub(super) async fn by_id(&self, id: Uuid) -> anyhow::Result<Option<User>> {
        let connection = self.connection();
        connection.client.query_opt(&connection.by_id, &[&id]).await?.map(|row| user(&row)).transpose()
    }

    pub(super) async fn by_token(&self, token: &str) -> anyhow::Result<Option<User>> {
        let connection = self.connection();
        connection.client.query_opt(&connection.by_token, &[&token]).await?.map(|row| user(&row)).transpose()
    }

    pub(super) async fn hash_of(&self, email: &str) -> anyhow::Result<Option<(Uuid, String)>> {
        let connection = self.connection();
        let row = connection.client.query_opt(&connection.hash_of, &[&email]).await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
    }

    /// Whether the address was free.
    pub(super) async fn insert(&self, user: &User, hash: &str) -> anyhow::Result<bool> {
        let connection = self.connection();
        Ok(connection.client.execute(&connection.insert, &[&user.id, &user.email, &hash]).await? == 1)
    }
}

impl Connection {
    async fn open(database: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
        tokio::spawn(connection);
        let columns = "u.id, u.email, u.is_active, u.is_superuser, u.is_verified FROM \"user\" u";
        let by_token = format!(
            "SELECT {columns} JOIN accesstoken t ON t.user_id = u.id \
             WHERE t.token = $1 AND t.created_at > now() - interval '10 hours'"
        );
        Ok(Self {
            by_id: client.prepare(&format!("SELECT {columns} WHERE u.id = $1")).await?,
            by_token: client.prepare(&by_token).await?,
            hash_of: client
                .prepare("SELECT id, hashed_password FROM \"user\" WHERE lower(email) = lower($1)")
                .await?,
            insert: client
                .prepare(
                    "INSERT INTO \"user\" VALUES ($1, $2, $3, true, false, false) ON CONFLICT DO NOTHING",
                )
                .await?,
            client,
        })
    }
}

fn user(row: &Row) -> anyhow::Result<User> {
    Ok(User {
        id: row.try_get(0)?,
        email: row.try_get(1)?,
        is_active: row.try_get(2)?,
        is_superuser: row.try_get(3)?,
        is_verified: row.try_get(4)?,
    })
}
