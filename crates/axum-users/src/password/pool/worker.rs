//! What one thread does.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{MutexGuard, PoisonError, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use super::{Job, PoolError, Shared, State, Task, metrics, metrics::Refusal};
use crate::BoxError;

/// A worker without work ends after this time, and its memory with it.
const IDLE: Duration = Duration::from_secs(30);

impl Shared {
    pub(super) fn run(&self) {
        stand_back(self.options.niceness);
        let mut kept = 0;
        while let Some(job) = self.next_job(&mut kept) {
            self.perform(job);
        }
    }

    /// The next job, for which there is memory; or `None` when the thread shall end.
    fn next_job(&self, kept: &mut u64) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.is_short_of_memory {
                state = self.give_back(state, kept);
            } else if let Some(job) = state.queue.pop() {
                metrics::waiting(state.queue.len());
                drop(self.reserve(state, job.memory, kept));
                return Some(job);
            } else if state.closed {
                return self.end(state, kept);
            }
            state.idle += 1;
            let (guard, timeout) =
                self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            if timeout.timed_out() && state.queue.len() == 0 && !state.is_short_of_memory {
                return self.end(state, kept);
            }
        }
    }

    /// Takes what a job needs beyond what the thread has kept. If that is more than is left, the other threads give back what
    /// they have, each when its hash is done.
    fn reserve<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        needed: u64,
        kept: &mut u64,
    ) -> MutexGuard<'a, State> {
        let more = needed.saturating_sub(*kept);
        if state.memory + more > self.options.memory {
            state.is_short_of_memory = true;
            self.work.notify_all();
            while state.memory + more > self.options.memory {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.is_short_of_memory = false;
            self.work.notify_all();
        }
        state.memory += more;
        *kept += more;
        metrics::memory(state.memory);
        state
    }

    fn give_back<'a>(&'a self, state: MutexGuard<'a, State>, kept: &mut u64) -> MutexGuard<'a, State> {
        if *kept == 0 {
            return state;
        }
        drop(state);
        self.hasher.release_memory();
        let mut state = self.lock();
        state.memory -= std::mem::take(kept);
        metrics::memory(state.memory);
        self.work.notify_all();
        state
    }

    fn end(&self, state: MutexGuard<'_, State>, kept: &mut u64) -> Option<Job> {
        self.give_back(state, kept).threads -= 1;
        None
    }

    fn perform(&self, Job { password, queued, task, .. }: Job) {
        let wait = queued.elapsed();
        let late = wait > self.options.max_wait;
        match task {
            Task::Hash(answer) if !answer.is_closed() => {
                metrics::waited(wait);
                let work = || self.hasher.hash(&password);
                let _ = answer.send(if late { Err(self.busy(Refusal::Late)) } else { self.guarded(work) });
            }
            Task::Verify(compared, answer) if !answer.is_closed() => {
                metrics::waited(wait);
                let work = || self.verdict(&password, &compared);
                let _ = answer.send(if late { Err(self.busy(Refusal::Late)) } else { self.guarded(work) });
            }
            // Whoever asked has gone: a client that gave up costs no hash.
            Task::Hash(_) | Task::Verify(..) => {}
        }
    }

    /// A panic in a hasher costs its caller an error, not the pool a thread.
    fn guarded<T>(&self, work: impl FnOnce() -> Result<T, BoxError>) -> Result<T, PoolError> {
        self.operations.fetch_add(1, Relaxed);
        let begun = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(work));
        metrics::worked(begun.elapsed());
        result.unwrap_or_else(|_| Err("the hasher panicked".into())).map_err(PoolError::Failed)
    }
}

/// Only on Linux has each thread a niceness of its own.
fn stand_back(niceness: u8) {
    #[cfg(target_os = "linux")]
    if niceness > 0
        && let Err(error) = rustix::process::setpriority_process(None, niceness.into())
    {
        tracing::debug!(%error, "the threads that hash passwords stand back behind nothing");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicU64};

    use super::*;
    use crate::password::{Compared, HashingPool, PasswordHash, PasswordHasher, PoolOptions, Verdict};

    /// Takes as many bytes as the hash says, and keeps them until it is told.
    #[derive(Default)]
    struct Greedy {
        all: AtomicU64,
        most: AtomicU64,
    }

    thread_local! {
        static KEPT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
    }

    impl PasswordHasher for Greedy {
        fn hash(&self, _: &str) -> Result<PasswordHash, BoxError> {
            let hash = PasswordHash::new("10");
            self.verify("", &hash);
            Ok(hash)
        }

        fn verify(&self, _: &str, hash: &PasswordHash) -> Verdict {
            let more = self.memory(Some(hash)).saturating_sub(KEPT.get());
            KEPT.set(KEPT.get() + more);
            let all = self.all.fetch_add(more, Relaxed) + more;
            self.most.fetch_max(all, Relaxed);
            std::thread::sleep(Duration::from_millis(3));
            Verdict::Match
        }

        fn memory(&self, hash: Option<&PasswordHash>) -> u64 {
            hash.map_or(10, |hash| hash.as_str().parse().unwrap())
        }

        fn release_memory(&self) {
            self.all.fetch_sub(KEPT.take(), Relaxed);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn log_11_no_flood_takes_more_memory_than_is_allowed() {
        let greedy = Arc::new(Greedy::default());
        let hasher: Arc<dyn PasswordHasher> = Arc::clone(&greedy) as _;
        let options = PoolOptions {
            threads: 4,
            memory: 100,
            queue: 1000,
            max_wait: Duration::MAX,
            ..PoolOptions::default()
        };
        let pool = Arc::new(HashingPool::new(hasher, options));
        let asks: Vec<_> = (0..200)
            .map(|number: usize| {
                let hash = ["10", "25", "10", "100", "60", "10", "101"][number % 7];
                let pool = Arc::clone(&pool);
                tokio::spawn(async move {
                    (
                        hash,
                        pool.verify("", Compared { hash: Some(PasswordHash::new(hash)), decoy: None }, None)
                            .await,
                    )
                })
            })
            .collect();
        for ask in asks {
            let (hash, verdict) = ask.await.unwrap();
            let expected = if hash == "101" { Verdict::Mismatch } else { Verdict::Match };
            assert_eq!(verdict.unwrap(), expected, "{hash}");
        }
        let most = greedy.most.load(Relaxed);
        assert!((60..=100).contains(&most), "{most}");
        let state = pool.0.lock();
        assert_eq!(state.memory, greedy.all.load(Relaxed), "what is counted is what is taken");
        assert!(!state.is_short_of_memory);
    }

    /// Tells how far its thread stands back.
    #[cfg(target_os = "linux")]
    struct Nice;

    #[cfg(target_os = "linux")]
    impl PasswordHasher for Nice {
        fn hash(&self, _: &str) -> Result<PasswordHash, BoxError> {
            Ok(PasswordHash::new(rustix::process::getpriority_process(None)?.to_string()))
        }

        fn verify(&self, _: &str, _: &PasswordHash) -> Verdict {
            Verdict::Mismatch
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_threads_stand_back_and_no_others_do() {
        let before = rustix::process::getpriority_process(None).unwrap();
        let options = PoolOptions { niceness: 7, ..PoolOptions::default() };
        let hash = HashingPool::new(Arc::new(Nice), options).hash("", None).await.unwrap();
        assert_eq!(hash.as_str(), "7");
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), before);
    }

    #[tokio::test]
    async fn what_the_threads_have_is_given_back_when_they_end() {
        let greedy = Arc::new(Greedy::default());
        let pool = HashingPool::new(Arc::clone(&greedy) as _, PoolOptions::default());
        pool.hash("guinevere", None).await.unwrap();
        assert_eq!(greedy.all.load(Relaxed), 10);
        drop(pool);
        for _ in 0..1000 {
            if greedy.all.load(Relaxed) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} bytes are still there", greedy.all.load(Relaxed));
    }
}
