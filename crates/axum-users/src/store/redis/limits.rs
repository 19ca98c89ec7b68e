use std::time::Duration;

use redis::cmd;

use super::connection::Connection;
use crate::{Bucket, LimitStore, StoreError};

/// Keeps what was taken of limits in Redis 6.2 or newer, or Valkey, until it says nothing any more; for
/// [`UsersBuilder::shared_rate_limits`](crate::UsersBuilder::shared_rate_limits). The clock of Redis decides.
///
/// The keys start with `{axum_users_limit}`: a cluster keeps them all on one of its nodes, since what is decided together must
/// be in one place. What is evicted or lost with the server was never taken.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use axum_users::{RedisLimitStore, SqlStore, Users};
///
/// let limits = RedisLimitStore::open("redis://127.0.0.1:6379").await?;
/// let users: Users = Users::builder(SqlStore::open("sqlite:users.db").await?, "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")
///     .shared_rate_limits(limits)
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisLimitStore {
    connection: Connection,
    prefix: String,
}

/// What [`LimitRule`](crate::LimitRule) calls the cost of a try.
const COST: &str = "local function cost(i, tries)
  local step, free, longest = tonumber(ARGV[5*i-4]), tonumber(ARGV[5*i-2]), tonumber(ARGV[5*i-1])
  if tries < free then return step end
  return math.min(1000000 * 2 ^ math.min(tries - free, 20), longest)
end
local function read(key)
  local used, tries = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
  return tonumber(used) or 0, tonumber(tries) or 0
end
";

/// Decides and takes in one step.
const TAKE: &str = "local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local waits, refused = {}, false
for i, key in ipairs(KEYS) do
  waits[i] = math.max(read(key) - tonumber(ARGV[5*i-3]) - now, 0)
  refused = refused or waits[i] > 0
end
if refused then return waits end
for i, key in ipairs(KEYS) do
  local used, tries = read(key)
  tries = tries + 1
  local price = cost(i, tries)
  if price > 0 then used = math.max(used, now) + price end
  local life = math.max(used - now, tonumber(ARGV[5*i]))
  redis.call('SET', key, string.format('%.0f %.0f', used, tries), 'PX', math.max(math.ceil(life / 1000), 1))
end
return waits";

const GIVE_BACK: &str = "for i, key in ipairs(KEYS) do
  local used, tries = read(key)
  if tries > 0 then
    used = math.max(used - cost(i, tries), 0)
    redis.call('SET', key, string.format('%.0f %.0f', used, tries - 1), 'KEEPTTL')
  end
end";

impl RedisLimitStore {
    /// Connects as [`RedisTokenStore::open`](crate::RedisTokenStore::open) does, by a connection of its own.
    ///
    /// # Errors
    /// When the URL cannot be read, or nobody answers.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Ok(Self { connection: Connection::open(url).await?, prefix: String::new() })
    }

    /// What follows `{axum_users_limit}` in the keys, for applications that share a server. Default: nothing.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn key(&self, key: &str) -> String {
        format!("{{axum_users_limit}}{}:{key}", self.prefix)
    }

    fn script(&self, body: &str, buckets: &[Bucket]) -> redis::Cmd {
        let mut script = cmd("EVAL");
        script.arg(format!("{COST}{body}")).arg(buckets.len());
        for bucket in buckets {
            script.arg(self.key(&bucket.key));
        }
        for bucket in buckets {
            let rule = bucket.rule;
            script.arg(&[rule.step, rule.slack, rule.free, rule.longest, rule.memory]);
        }
        script
    }
}

impl std::fmt::Debug for RedisLimitStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisLimitStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl LimitStore for RedisLimitStore {
    async fn take(&self, buckets: &[Bucket]) -> Result<Vec<Duration>, StoreError> {
        let waits: Vec<u64> = self.connection.query(&self.script(TAKE, buckets)).await?;
        Ok(waits.into_iter().map(Duration::from_micros).collect())
    }

    async fn give_back(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        Ok(self.connection.query(&self.script(GIVE_BACK, buckets)).await?)
    }

    async fn forget(&self, keys: &[String]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> = keys.iter().map(|key| self.key(key)).collect();
        Ok(self.connection.query(cmd("UNLINK").arg(keys)).await?)
    }
}
