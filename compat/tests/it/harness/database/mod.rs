//! Where one server, or two that share it, keep users and tokens; scenarios look into it and change it.

mod mongo;
mod person;
mod redis;
mod sql;

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

pub(crate) use self::person::{HASH, Person};
use self::{mongo::Mongo, redis::Redis, sql::Sql};
use super::system::{Services, System};

/// What is compared of an account.
const ACCOUNT: [&str; 6] =
    ["oauth_name", "account_id", "account_email", "access_token", "refresh_token", "expires_at"];

pub(crate) struct Database {
    pub(super) system: System,
    /// As our server takes it.
    pub(super) url: String,
    users: Users,
    /// Where session tokens are, if not beside the users.
    pub(super) redis: Option<Redis>,
}

enum Users {
    Sql(Sql),
    Mongo(Mongo),
}

impl Database {
    /// A new one. Its files are in the folder; `alone` is whether no other may have keys of the same names in Redis.
    pub(crate) async fn create(
        system: System,
        services: &Services,
        folder: &Path,
        alone: bool,
    ) -> anyhow::Result<Self> {
        let sql = |(url, users)| (url, Users::Sql(users));
        let (url, users) = match system {
            System::Sqlite | System::Redis => sql(Sql::sqlite(&folder.join("users.db"))),
            System::Postgres => sql(Sql::postgres(&services.postgres).await?),
            System::Mariadb => sql(Sql::mariadb(&services.mariadb).await?),
            System::Mongodb => {
                let (url, users) = Mongo::new(&services.mongodb)?;
                (url, Users::Mongo(users))
            }
        };
        let redis =
            (system == System::Redis).then(|| Redis::new(&services.redis, folder, alone)).transpose()?;
        Ok(Self { system, url, users, redis })
    }

    async fn insert_user(&self, columns: &[(&str, Value)]) -> anyhow::Result<()> {
        match &self.users {
            Users::Sql(users) => users.insert("user", columns).await,
            Users::Mongo(users) => users.insert_user(columns).await,
        }
    }

    async fn insert_token(&self, token: &str, user: &str) -> anyhow::Result<()> {
        match (&self.redis, &self.users) {
            (Some(redis), _) => redis.insert(token, user).await,
            (None, Users::Sql(users)) => users.insert_token(token, user).await,
            (None, Users::Mongo(users)) => users.insert_token(token, user).await,
        }
    }

    /// Changes a column of a user.
    pub(super) async fn set(&self, user: &str, column: &str, value: &Value) -> anyhow::Result<()> {
        match &self.users {
            Users::Sql(users) => users.set(user, column, value).await,
            Users::Mongo(users) => users.set(user, column, value).await,
        }
    }

    /// Removes a user and the tokens kept beside users.
    pub(super) async fn remove(&self, user: &str) -> anyhow::Result<()> {
        match (&self.users, &self.redis) {
            (Users::Sql(users), None) => {
                users.remove("accesstoken", "user_id", user).await?;
                users.remove("user", "id", user).await
            }
            (Users::Sql(users), Some(_)) => users.remove("user", "id", user).await,
            (Users::Mongo(users), _) => users.remove(user).await,
        }
    }

    /// Columns of a user, as text; nothing if there is no such user. `None` is a null, 1 and 0 are booleans.
    pub(super) async fn user(
        &self,
        id: &str,
        columns: &[&str],
    ) -> anyhow::Result<Option<Vec<Option<String>>>> {
        match &self.users {
            Users::Sql(users) => Ok(users.select("user", columns, "id", id).await?.into_iter().next()),
            Users::Mongo(users) => users.user(id, columns).await,
        }
    }

    /// The accounts at providers of a user: name, id, address, access and refresh token, and when it ends.
    pub(super) async fn accounts(&self, user: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
        match &self.users {
            Users::Sql(users) => users.select("oauth_account", &ACCOUNT, "user_id", user).await,
            Users::Mongo(users) => users.accounts(user, &ACCOUNT).await,
        }
    }

    /// The session tokens of a user.
    pub(super) async fn tokens(&self, user: &str) -> anyhow::Result<Vec<String>> {
        match (&self.redis, &self.users) {
            (Some(redis), _) => redis.tokens_of(user).await,
            (None, Users::Sql(users)) => {
                let rows = users.select("accesstoken", &["token"], "user_id", user).await?;
                Ok(rows.into_iter().flatten().flatten().collect())
            }
            (None, Users::Mongo(users)) => users.tokens_of(user).await,
        }
    }
}

/// Part of a name that no other database has.
fn unique() -> String {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    format!("{now:x}_{}", COUNTER.fetch_add(1, Ordering::Relaxed))
}
