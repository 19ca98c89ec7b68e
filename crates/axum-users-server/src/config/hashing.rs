use std::time::Duration;

use axum_users::{
    Policy,
    password::{Engine, PoolOptions},
};
use serde::{Deserialize, Serialize};

const MIB: u64 = 1024 * 1024;

/// The threads that hash passwords: their number, memory and queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HashingSettings {
    /// Threads; `None` for one for each core.
    pub threads: Option<usize>,
    /// What all of them together may have, in MiB; `None` for 64 for each core, at least 256.
    pub memory_mib: Option<u64>,
    /// Passwords that may wait; `None` for 64 for each thread.
    pub queue: Option<usize>,
    /// How many of them may be of one client; `None` for half of the queue.
    pub queue_of_client: Option<usize>,
    /// Seconds one may wait; `None` for two.
    pub max_wait: Option<u64>,
    /// By how much the threads stand back behind others, 0 to 19; `None` for 5.
    pub niceness: Option<u8>,
    /// What computes Argon2.
    pub engine: EngineName,
}

/// What computes Argon2. Both give the same hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// The vectors of this machine's processor.
    #[default]
    Fastest,
    /// RustCrypto's crate.
    Portable,
}

impl HashingSettings {
    /// Writes what is no setting of the threads into a policy.
    pub fn apply(&self, policy: &mut Policy) {
        policy.hashing.engine = match self.engine {
            EngineName::Fastest => Engine::Fastest,
            EngineName::Portable => Engine::Portable,
        };
    }
}

impl From<&HashingSettings> for PoolOptions {
    fn from(settings: &HashingSettings) -> Self {
        let HashingSettings { threads, memory_mib, queue, queue_of_client, max_wait, niceness, .. } =
            *settings;
        let usual = Self::default();
        let threads = threads.unwrap_or(usual.threads);
        let queue = queue.unwrap_or(threads.saturating_mul(64));
        Self {
            threads,
            memory: memory_mib.map_or(usual.memory, |mib| mib.saturating_mul(MIB)),
            queue,
            queue_of_client: queue_of_client.unwrap_or(queue.div_ceil(2)),
            max_wait: max_wait.map_or(usual.max_wait, Duration::from_secs),
            niceness: niceness.unwrap_or(usual.niceness),
        }
    }
}
