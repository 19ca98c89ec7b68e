use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// Threads, memory and queue of the hashing pool. Under any flood of logins it takes that memory and no more, and every other
/// request stays fast. A password that cannot be hashed in time is refused with 503 and `Retry-After`, the same for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Threads that hash. Default: one for each core. Never more than `memory` suffices for.
    pub threads: usize,
    /// Bytes that all threads together may have, at least what one new hash takes. A stored hash that takes more than a thread's
    /// share waits until the others have given theirs back; one that takes more than all is not verified, which is logged.
    /// Default: 64 MiB for each core, at least 256 MiB. It is given back when there is nothing to hash for 30 seconds.
    pub memory: u64,
    /// Passwords that may wait. Default: 64 for each thread.
    pub queue: usize,
    /// How many of them may be of one client: an IPv4 address, or the /64 of an IPv6 address. Those of different clients are
    /// hashed in turn. Default: half of the queue.
    pub queue_of_client: usize,
    /// How long one may wait before it is refused. Default: two seconds.
    pub max_wait: Duration,
    /// By how much the threads stand back behind others, from 0 to 19, as `nice` counts, so that requests that hash nothing are
    /// answered first. On Linux only. Default: 5.
    pub niceness: u8,
}

impl Default for PoolOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let memory = (64 * MIB).saturating_mul(threads as u64).max(256 * MIB);
        let queue = 64 * threads;
        Self {
            threads,
            memory,
            queue,
            queue_of_client: queue / 2,
            max_wait: Duration::from_secs(2),
            niceness: 5,
        }
    }
}

impl PoolOptions {
    /// What is wrong with the options, if anything, where a new hash takes so many bytes.
    ///
    /// # Errors
    /// A sentence that names the option.
    pub(crate) fn check(&self, new_hash: u64) -> Result<(), String> {
        if self.memory < new_hash {
            return Err(format!(
                "`memory` of the hashing pool is {} MiB, and a new hash takes {}",
                self.memory / MIB,
                new_hash.div_ceil(MIB)
            ));
        }
        if self.threads == 0 || self.queue == 0 || self.queue_of_client == 0 {
            return Err(
                "the hashing pool needs a thread, and a queue with room for one of each client".to_owned()
            );
        }
        if self.niceness > 19 {
            return Err("`niceness` of the hashing pool is at most 19".to_owned());
        }
        Ok(())
    }

    /// These, with no more threads than the memory suffices for.
    pub(super) fn in_force(self, new_hash: u64) -> Self {
        let fit = self.memory.checked_div(new_hash).and_then(|fit| usize::try_from(fit).ok());
        Self { threads: self.threads.min(fit.unwrap_or(usize::MAX)).max(1), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_threads_than_fit_into_the_memory() {
        let options = PoolOptions { threads: 8, memory: 100 * MIB, ..PoolOptions::default() };
        assert_eq!(options.in_force(19 * MIB).threads, 5);
        assert_eq!(options.in_force(64 * MIB).threads, 1);
        assert_eq!(options.in_force(0).threads, 8, "a hasher that does not tell");
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let options = PoolOptions::default();
        assert!(options.check(256 * MIB).is_ok());
        let refused = PoolOptions { memory: 18 * MIB, ..options }.check(19 * MIB).unwrap_err();
        assert!(refused.contains("18 MiB") && refused.contains("takes 19"), "{refused}");
        for wrong in [
            PoolOptions { threads: 0, ..options },
            PoolOptions { queue: 0, ..options },
            PoolOptions { queue_of_client: 0, ..options },
            PoolOptions { niceness: 20, ..options },
        ] {
            assert!(wrong.check(0).is_err(), "{wrong:?}");
        }
    }
}
