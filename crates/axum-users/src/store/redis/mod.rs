//! Session tokens and limits in Redis.

mod connection;
mod limits;
mod url;

use redis::{Cmd, RedisError, cmd};
use time::OffsetDateTime;

use self::connection::Connection;
pub use self::limits::RedisLimitStore;
#[cfg(fuzzing)]
pub(crate) use self::url::try_redis_url;
use super::{Found, NewToken, StoreError, TokenStore};
use crate::{Profile, UserId};

/// Keeps session tokens in Redis 6.2 or newer, or Valkey: the keys and values of fastapi-users, `fastapi_users_token:`
/// with the token, and the id of the user, until the token is over.
///
/// Beside them each user has a sorted set of tokens, so that all can be ended without looking through all keys. Tokens
/// that a running fastapi-users makes are found, and removed one by one, but they are in no such set.
///
/// Redis knows when a token ends, and for a day when it was made: to shorten the lifetime of tokens does not end those there are,
/// and no login of more than a day ago is recent.
/// A server that may evict keys (`maxmemory-policy` other than `noeviction`) may forget which tokens a user has, and then
/// those outlive a new password: opening warns of it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use axum_users::{Backend, Cookie, Opaque, RedisTokenStore, SqlStore, Users};
///
/// let sessions = RedisTokenStore::open("redis://127.0.0.1:6379").await?;
/// let users: Users = Users::builder(SqlStore::open("sqlite:users.db").await?, "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")
///     .backend(Backend::new("cookie", Cookie::default(), Opaque::new(sessions)))
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisTokenStore {
    connection: Connection,
    prefix: String,
}

/// Adds a member to the set of a user in the place of another, forgets those that are over, and lets the set live as long
/// as its last token.
const ADD_TO_OWNER: &str = "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[4])
redis.call('ZREM', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
if last == 'inf' then redis.call('PERSIST', KEYS[1])
else redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', tonumber(last))) end";

/// What the members of a user's set start with: a token that is about to be made, or one that has been. They differ, so
/// that who ends all tokens takes out only what was there when the tokens were read.
const ABOUT_TO_BE: char = '?';
const IS_MADE: char = '=';

/// For how long it is known when a token was made, in milliseconds.
const MADE_IS_KNOWN: i64 = 24 * 3600 * 1000;

/// What the time is written behind, so that it is never read as an id.
const MADE: char = '@';

/// How many tokens are removed by one command.
const BATCH: usize = 500;

impl RedisTokenStore {
    /// Connects to a server, `redis://[user:password@]host:port[/database]`; to the master that sentinels know,
    /// `redis-sentinel://[user:password@]host:port,host:port/name[/database]`; or to a cluster,
    /// `redis-cluster://[user:password@]host:port,host:port`. `rediss…` is the same over TLS. Each command has five seconds,
    /// the connection to be made included; a lost connection is made anew by the next command.
    ///
    /// # Errors
    /// When the URL cannot be read, or nobody answers.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let connection = Connection::open(url).await?;
        connection.warn_of_eviction().await;
        Ok(Self { connection, prefix: "fastapi_users_token:".to_owned() })
    }

    /// What the keys of tokens start with. Default: `fastapi_users_token:`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn key(&self, token: &str) -> String {
        format!("{}{token}", self.prefix)
    }

    /// When a token was made. Fades by itself.
    fn made_key(&self, token: &str) -> String {
        format!("axum_users_token_made:{}{token}", self.prefix)
    }

    /// The set of a user's tokens.
    fn owner_key(&self, user: &impl UserId) -> String {
        format!("axum_users_tokens_of:{}{user}", self.prefix)
    }

    async fn add_to_owner<P: Profile>(
        &self,
        new: &NewToken<'_, P>,
        state: char,
        instead_of: char,
    ) -> Result<(), StoreError> {
        let end = new.expires_at.map_or("+inf".to_owned(), |end| milliseconds(end).to_string());
        let mut script = cmd("EVAL");
        script.arg(ADD_TO_OWNER).arg(1).arg(self.owner_key(new.user)).arg(end);
        script.arg(format!("{state}{}", new.token)).arg(format!("{instead_of}{}", new.token));
        script.arg(milliseconds(OffsetDateTime::now_utc()));
        Ok(self.connection.query(&script).await?)
    }

    async fn remove_from_owner(&self, user: &impl UserId, members: &[String]) -> Result<(), StoreError> {
        let mut remove = cmd("ZREM");
        Ok(self.connection.query(remove.arg(self.owner_key(user)).arg(members)).await?)
    }
}

impl std::fmt::Debug for RedisTokenStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisTokenStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl<P: Profile> TokenStore<P> for RedisTokenStore {
    /// The set of the user comes first, so that no token is without it whenever this process may end; and once more
    /// last, because all tokens of the user may have been ended in between.
    async fn insert(&self, new: NewToken<'_, P>) -> Result<(), StoreError> {
        let mut set = cmd("SET");
        set.arg(self.key(new.token)).arg(new.user.to_string()).arg("NX");
        let mut made_is_known = MADE_IS_KNOWN;
        if let Some(end) = new.expires_at {
            let lifetime = milliseconds(end) - milliseconds(OffsetDateTime::now_utc());
            if lifetime <= 0 {
                return Ok(());
            }
            made_is_known = made_is_known.min(lifetime);
            set.arg("PX").arg(lifetime);
        }
        self.add_to_owner(&new, ABOUT_TO_BE, ABOUT_TO_BE).await?;
        let was_free: bool = self.connection.query(&set).await?;
        if !was_free && self.owner(cmd("GET").arg(self.key(new.token))).await?.as_ref() != Some(new.user) {
            self.remove_from_owner(new.user, &[format!("{ABOUT_TO_BE}{}", new.token)]).await?;
            return Err(StoreError::Backend("the token is in use".into()));
        }
        let mut made = cmd("SET");
        made.arg(self.made_key(new.token)).arg(format!("{MADE}{}", milliseconds(new.created_at)));
        let _: () = self.connection.query(made.arg("PX").arg(made_is_known)).await?;
        self.add_to_owner(&new, IS_MADE, ABOUT_TO_BE).await
    }

    async fn find(&self, token: &str, _: Option<OffsetDateTime>) -> Result<Option<Found<P>>, StoreError> {
        Ok(self.owner(cmd("GET").arg(self.key(token))).await?.map(Found::Id))
    }

    async fn created_at(&self, token: &str) -> Result<Option<OffsetDateTime>, StoreError> {
        let made: Option<String> = self.connection.query(cmd("GET").arg(self.made_key(token))).await?;
        let made = made.and_then(|made| made.strip_prefix(MADE)?.parse::<i64>().ok());
        Ok(made.and_then(|milliseconds| {
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok()
        }))
    }

    async fn remove(&self, token: &str) -> Result<bool, StoreError> {
        let owner: Option<P::Id> = self.owner(cmd("GETDEL").arg(self.key(token))).await?;
        let Some(owner) = owner else { return Ok(false) };
        let members = [ABOUT_TO_BE, IS_MADE].map(|state| format!("{state}{token}"));
        self.remove_from_owner(&owner, &members).await?;
        Ok(true)
    }

    async fn remove_all(&self, user: &P::Id) -> Result<(), StoreError> {
        let mut all = cmd("ZRANGE");
        let members: Vec<String> =
            self.connection.query(all.arg(self.owner_key(user)).arg(0).arg(-1)).await?;
        for members in members.chunks(BATCH) {
            let tokens = members.iter().filter_map(|member| member.strip_prefix([ABOUT_TO_BE, IS_MADE]));
            let keys: Vec<String> = tokens.map(|token| self.key(token)).collect();
            let _: u64 = self.connection.query(cmd("UNLINK").arg(keys)).await?;
            self.remove_from_owner(user, members).await?;
        }
        Ok(())
    }
}

impl RedisTokenStore {
    /// The user whose id a command yields. What is no id, or not even a text, is nobody's.
    async fn owner<I: UserId>(&self, command: &Cmd) -> Result<Option<I>, StoreError> {
        let value: Option<Vec<u8>> = match self.connection.query(command).await {
            Err(error) if error.code() == Some("WRONGTYPE") => None,
            other => other?,
        };
        Ok(value.and_then(|value| I::parse_lenient(str::from_utf8(&value).ok()?)))
    }
}

fn milliseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        Self::Backend(error.into())
    }
}
