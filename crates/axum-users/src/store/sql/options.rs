//! How many connections a store has, and how long it waits.

use std::time::Duration;

use crate::BoxError;

/// The longest a store may wait; every database can count that far.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The most connections; the pool takes memory for each of them beforehand.
const MOST_CONNECTIONS: u32 = 10_000;

/// How many connections an [`SqlStore`](crate::SqlStore) has, and how long it waits. What is left out has its default.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use axum_users::{NoProfile, SqlOptions, SqlStore};
///
/// let options = SqlOptions::new().max_connections(4).statement_timeout(Duration::from_secs(2));
/// let store = SqlStore::<NoProfile>::open_with("sqlite::memory:", &options).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SqlOptions {
    max_connections: Option<u32>,
    acquire_timeout: Duration,
    statement_timeout: Duration,
    direct_reads: bool,
}

impl SqlOptions {
    /// The defaults.
    pub const fn new() -> Self {
        let wait = Duration::from_secs(5);
        Self { max_connections: None, acquire_timeout: wait, statement_timeout: wait, direct_reads: true }
    }

    /// The most connections at a time, from 1 to 10 000. Default: 16 on a server; on SQLite two for each core, and one
    /// that writes. SQLite has one writer at a time: one of its connections writes and the others read; a single one does
    /// both. A database in memory has a single one whatever this says.
    pub const fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// How long a request waits for a free connection or a new one, from a millisecond to a day. Default: five seconds.
    /// Beyond it the request fails, and is answered with 503.
    pub const fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long a statement may take, and how long it may wait for a lock, from a millisecond to a day. Default: five
    /// seconds. Beyond it the request fails, and is answered with 503. SQLite limits the wait for another program that has
    /// locked the file; MySQL waits for locks in whole seconds, and limits only statements that read. Migrations may take
    /// longer.
    pub const fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Whether users, tokens and accounts that are looked up by a key are read past the pool, which costs about half as much.
    /// Default: yes, where there is more than one connection. On PostgreSQL two of them are for that, one if there are less than
    /// four; on SQLite up to one for each core, if one is left to write and one for other reads. What has no answer in half a
    /// second, or a quarter of [`statement_timeout`](Self::statement_timeout) if that is less, is asked of the pool. A PgBouncer in
    /// between must be 1.21 or newer, with `max_prepared_statements`, or pool sessions. On MySQL all reads go through the pool.
    pub const fn direct_reads(mut self, direct: bool) -> Self {
        self.direct_reads = direct;
        self
    }

    pub(super) const fn reads_directly(&self) -> bool {
        self.direct_reads
    }

    pub(super) fn connections_or(&self, default: u32) -> u32 {
        self.max_connections.unwrap_or(default)
    }

    pub(super) const fn acquire(&self) -> Duration {
        self.acquire_timeout
    }

    pub(super) const fn statement(&self) -> Duration {
        self.statement_timeout
    }

    /// Refuses what a database would take for "no limit", and what a pool cannot hold.
    pub(super) fn check(&self) -> Result<(), BoxError> {
        if self.max_connections.is_some_and(|most| !(1..=MOST_CONNECTIONS).contains(&most)) {
            return Err(format!("max_connections must be between 1 and {MOST_CONNECTIONS}").into());
        }
        for (name, timeout) in
            [("acquire_timeout", self.acquire_timeout), ("statement_timeout", self.statement_timeout)]
        {
            if !(Duration::from_millis(1)..=LONGEST).contains(&timeout) {
                return Err(format!("{name} must be between a millisecond and a day").into());
            }
        }
        Ok(())
    }
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_no_limit_or_no_connection_is_refused_by_name() {
        let options = SqlOptions::new;
        let refused = [
            (options().max_connections(0), "max_connections"),
            (options().max_connections(u32::MAX), "max_connections"),
            (options().acquire_timeout(Duration::ZERO), "acquire_timeout"),
            (options().acquire_timeout(Duration::MAX), "acquire_timeout"),
            (options().statement_timeout(Duration::ZERO), "statement_timeout"),
            (options().statement_timeout(Duration::from_micros(999)), "statement_timeout"),
            (options().statement_timeout(Duration::MAX), "statement_timeout"),
        ];
        for (options, name) in refused {
            assert!(options.check().unwrap_err().to_string().starts_with(name), "{options:?}");
        }
        for options in [options(), options().max_connections(1).acquire_timeout(LONGEST)] {
            assert!(options.check().is_ok(), "{options:?}");
        }
    }
}
