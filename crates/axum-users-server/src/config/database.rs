use std::time::Duration;

use axum_users::SqlOptions;
use serde::{Deserialize, Serialize};

/// The pool of the database, and how long a request waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// The most connections at a time; `None` for the library's figure.
    pub max_connections: Option<u32>,
    /// Seconds to wait for a connection.
    pub acquire_timeout: u64,
    /// Seconds a statement may take, or wait for a lock.
    pub statement_timeout: u64,
    /// Whether what is looked up by its key is read past the pool.
    pub direct_reads: bool,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { max_connections: None, acquire_timeout: 5, statement_timeout: 5, direct_reads: true }
    }
}

impl From<&DatabaseSettings> for SqlOptions {
    fn from(settings: &DatabaseSettings) -> Self {
        let options = Self::new()
            .acquire_timeout(Duration::from_secs(settings.acquire_timeout))
            .statement_timeout(Duration::from_secs(settings.statement_timeout))
            .direct_reads(settings.direct_reads);
        match settings.max_connections {
            Some(connections) => options.max_connections(connections),
            None => options,
        }
    }
}
