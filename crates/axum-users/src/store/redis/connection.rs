//! One multiplexed connection that is made anew when it is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind,
    aio::MultiplexedConnection, cluster_async::ClusterConnection, sentinel::SentinelClient,
};
use tokio::sync::Mutex;

use super::url::Place;

/// How long a command may take, the connection to be made included.
pub(super) const WAIT: Duration = Duration::from_secs(5);

/// How long it may take to connect to one server.
const CONNECT: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(super) enum Connection {
    /// To one server at a time.
    One(Arc<One>),
    /// The library follows the nodes of a cluster itself.
    Cluster(ClusterConnection),
}

pub(super) struct One {
    place: OnePlace,
    current: Mutex<Option<Current>>,
    made: AtomicU64,
}

enum OnePlace {
    Server(Box<Client>),
    /// Asked for the master each time a connection is made.
    Sentinels(Box<Mutex<SentinelClient>>),
}

#[derive(Clone)]
struct Current {
    /// Tells one connection from the next.
    number: u64,
    connection: MultiplexedConnection,
}

impl Connection {
    pub(super) async fn open(url: &str) -> RedisResult<Self> {
        let place = match Place::parse(url)? {
            Place::Cluster(client) => {
                return Ok(Self::Cluster(in_time(client.get_async_connection()).await?));
            }
            Place::Server(client) => OnePlace::Server(Box::new(client)),
            Place::Sentinels(client) => OnePlace::Sentinels(Box::new(Mutex::new(client))),
        };
        let one = One { place, current: Mutex::new(None), made: AtomicU64::new(0) };
        in_time(one.connection()).await?;
        Ok(Self::One(Arc::new(one)))
    }

    /// Sends a command. One that was lost with its connection, or came to a server that is no longer the master, is sent
    /// once more: commands are such that this does no harm.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        match self {
            Self::Cluster(connection) => in_time(command.query_async(&mut connection.clone())).await,
            Self::One(one) => in_time(one.query(command)).await,
        }
    }

    /// A server that evicts keys when its memory is full forgets sessions, and which sessions a user has.
    pub(super) async fn warn_of_eviction(&self) {
        if matches!(self, Self::Cluster(_)) {
            return;
        }
        let info: String = self.query(redis::cmd("INFO").arg("memory")).await.unwrap_or_default();
        let value = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let (limit, policy) = (value("maxmemory"), value("maxmemory_policy"));
        if limit.is_some_and(|limit| limit != "0") && policy.is_some_and(|policy| policy != "noeviction") {
            tracing::warn!(
                policy,
                "Redis may evict sessions when its memory is full: set maxmemory-policy noeviction"
            );
        }
    }
}

impl One {
    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut current = self.connection().await?;
        match command.query_async(&mut current.connection).await {
            Err(error) if is_lost(&error) => {
                self.give_up(current.number).await;
                let mut current = self.connection().await?;
                let again = command.query_async(&mut current.connection).await;
                if again.as_ref().is_err_and(is_lost) {
                    self.give_up(current.number).await;
                }
                again
            }
            other => other,
        }
    }

    /// The connection, which is made if there is none; others wait for it meanwhile.
    async fn connection(&self) -> RedisResult<Current> {
        let mut slot = self.current.lock().await;
        if let Some(current) = &*slot {
            return Ok(current.clone());
        }
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(CONNECT));
        let connection = match &self.place {
            OnePlace::Server(client) => client.get_multiplexed_async_connection_with_config(&options).await?,
            OnePlace::Sentinels(client) => {
                client.lock().await.get_async_connection_with_config(&options).await?
            }
        };
        let current = Current { number: self.made.fetch_add(1, Relaxed), connection };
        Ok(slot.insert(current).clone())
    }

    async fn give_up(&self, number: u64) {
        let mut slot = self.current.lock().await;
        if slot.as_ref().is_some_and(|current| current.number == number) {
            *slot = None;
        }
    }
}

/// Whether another connection may do better: this one is broken or silent, or leads to a server that is not the master.
fn is_lost(error: &RedisError) -> bool {
    let not_master = [ServerErrorKind::ReadOnly, ServerErrorKind::MasterDown, ServerErrorKind::BusyLoading];
    error.is_unrecoverable_error()
        || error.is_io_error()
        || not_master.into_iter().any(|kind| error.kind() == ErrorKind::Server(kind))
}

async fn in_time<T>(answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let silent = || RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    tokio::time::timeout(WAIT, answer).await.unwrap_or_else(|_| Err(silent()))
}
