//! Session tokens in Redis: a key for each, the id of the user in it.

use std::path::Path;

use ::redis::{AsyncCommands, Client, aio::MultiplexedConnection};
use anyhow::Context;
use tokio::sync::OnceCell;

/// What keys start with if nobody says otherwise.
const PREFIX: &str = "fastapi_users_token:";

/// How long seeded tokens live, in seconds.
const LIFETIME: u64 = 3600;

pub(crate) struct Redis {
    pub(in super::super) url: String,
    pub(in super::super) prefix: String,
    client: Client,
    connection: OnceCell<MultiplexedConnection>,
}

impl Redis {
    /// Keys start as they do by default, or `alone` with the name of the folder, too.
    pub(super) fn new(url: &str, folder: &Path, alone: bool) -> anyhow::Result<Self> {
        let folder = if alone { format!("{}:", folder.display()) } else { String::new() };
        Ok(Self {
            url: url.to_owned(),
            prefix: format!("{folder}{PREFIX}"),
            client: Client::open(url)?,
            connection: OnceCell::new(),
        })
    }

    pub(super) async fn insert(&self, token: &str, user: &str) -> anyhow::Result<()> {
        Ok(self.connection().await?.set_ex(format!("{}{token}", self.prefix), user, LIFETIME).await?)
    }

    pub(super) async fn tokens_of(&self, user: &str) -> anyhow::Result<Vec<String>> {
        let mut connection = self.connection().await?;
        let keys: Vec<String> = connection.keys(format!("{}*", self.prefix)).await?;
        let mut tokens = Vec::new();
        for key in keys {
            let owner: Option<String> = connection.get(&key).await?;
            if owner.as_deref() == Some(user) {
                tokens.extend(key.strip_prefix(&self.prefix).map(str::to_owned));
            }
        }
        Ok(tokens)
    }

    async fn connection(&self) -> anyhow::Result<MultiplexedConnection> {
        let connect = || self.client.get_multiplexed_async_connection();
        Ok(self.connection.get_or_try_init(connect).await.context("Redis (TEST_REDIS)")?.clone())
    }
}
