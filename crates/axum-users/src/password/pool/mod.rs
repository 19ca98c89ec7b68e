//! Operating-system threads that hash and verify passwords, behind a bounded queue: the capacity plan of the whole server.

mod metrics;
mod options;
mod queue;
mod verify;
mod worker;

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use self::{
    metrics::Refusal,
    queue::{Client, Queue},
};
use super::{PasswordHash, PasswordHasher, Verdict};
use crate::BoxError;
pub use options::PoolOptions;
pub(crate) use verify::Compared;

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PoolError {
    /// Too many wait.
    #[error("too many passwords wait to be hashed")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The hasher failed.
    #[error("hashing a password failed")]
    Failed(#[source] BoxError),
}

/// The pool. Dropping it ends its threads when they have done what waits.
pub(crate) struct HashingPool(Arc<Shared>);

struct Shared {
    hasher: Arc<dyn PasswordHasher>,
    options: PoolOptions,
    state: Mutex<State>,
    work: Condvar,
    /// A new hash of nobody's password: what unknown users cost where nothing is known of the hashes of others (LOG-2).
    nobody: OnceLock<PasswordHash>,
    /// Whether it was told that a hash needs more memory than there is.
    told_of_memory: AtomicBool,
    operations: AtomicU64,
}

#[derive(Default)]
struct State {
    queue: Queue<Job>,
    threads: usize,
    idle: usize,
    /// Bytes that the threads have, or are about to take.
    memory: u64,
    /// A thread waits until the others have given back theirs.
    is_short_of_memory: bool,
    closed: bool,
}

struct Job {
    password: Zeroizing<String>,
    queued: Instant,
    /// Bytes that it takes.
    memory: u64,
    task: Task,
}

enum Task {
    Hash(oneshot::Sender<Result<PasswordHash, PoolError>>),
    Verify(Compared, oneshot::Sender<Result<Verdict, PoolError>>),
}

impl HashingPool {
    /// Threads start with the first password.
    pub(crate) fn new(hasher: Arc<dyn PasswordHasher>, options: PoolOptions) -> Self {
        let options = options.in_force(hasher.memory(None));
        Self(Arc::new(Shared {
            hasher,
            options,
            state: Mutex::default(),
            work: Condvar::new(),
            nobody: OnceLock::new(),
            told_of_memory: AtomicBool::new(false),
            operations: AtomicU64::new(0),
        }))
    }

    /// A new hash, for this client if a request asks for it.
    pub(crate) async fn hash(
        &self,
        password: &str,
        client: Option<Client>,
    ) -> Result<PasswordHash, PoolError> {
        let (answer, receiver) = oneshot::channel();
        self.submit(password, self.0.hasher.memory(None), Task::Hash(answer), client)?;
        receiver.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Compares with a hash, or, for a user who does not exist or has no password, with a hash of nobody's password.
    pub(crate) async fn verify(
        &self,
        password: &str,
        compared: Compared,
        client: Option<Client>,
    ) -> Result<Verdict, PoolError> {
        let (answer, receiver) = oneshot::channel();
        let memory = self.0.memory_to_verify(&compared);
        self.submit(password, memory, Task::Verify(compared, answer), client)?;
        receiver.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Hashes and verifications done so far.
    pub(crate) fn operations(&self) -> u64 {
        self.0.operations.load(Relaxed)
    }

    fn submit(
        &self,
        password: &str,
        memory: u64,
        task: Task,
        client: Option<Client>,
    ) -> Result<(), PoolError> {
        let shared = &self.0;
        let mut state = shared.lock();
        if state.queue.len() >= shared.options.queue {
            return Err(shared.busy(Refusal::QueueFull));
        }
        if client.is_some_and(|client| state.queue.of_client(client) >= shared.options.queue_of_client) {
            return Err(shared.busy(Refusal::ClientShare));
        }
        let password = Zeroizing::new(password.to_owned());
        state.queue.push(Job { password, queued: Instant::now(), memory, task }, client);
        if state.queue.len() > state.idle && state.threads < shared.options.threads {
            let worker = Arc::clone(shared);
            let spawned =
                std::thread::Builder::new().name("password-hashing".to_owned()).spawn(move || worker.run());
            match spawned {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads > 0 => {}
                Err(error) => {
                    state.queue.pop_newest();
                    return Err(PoolError::Failed(error.into()));
                }
            }
        }
        metrics::waiting(state.queue.len());
        drop(state);
        shared.work.notify_one();
        Ok(())
    }
}

impl Drop for HashingPool {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.work.notify_all();
    }
}

impl Shared {
    // No hasher runs under the lock, so that a poisoned one still guards a whole queue.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn busy(&self, refusal: Refusal) -> PoolError {
        metrics::refused(refusal);
        PoolError::Busy { retry_after: self.options.max_wait.max(Duration::from_secs(1)) }
    }
}

fn panicked() -> PoolError {
    PoolError::Failed("the hasher panicked".into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Sleeps instead of hashing; panics on the password "panic", waits at the gate on "gate"; counts.
    #[derive(Default)]
    struct Slow {
        gate: Mutex<()>,
        running: AtomicUsize,
        most: AtomicUsize,
        done: AtomicUsize,
    }

    impl PasswordHasher for Slow {
        fn hash(&self, password: &str) -> Result<PasswordHash, BoxError> {
            assert_ne!(password, "panic", "as asked");
            drop((password == "gate").then(|| self.gate.lock().unwrap()));
            let running = self.running.fetch_add(1, Relaxed) + 1;
            self.most.fetch_max(running, Relaxed);
            std::thread::sleep(Duration::from_millis(20));
            self.running.fetch_sub(1, Relaxed);
            self.done.fetch_add(1, Relaxed);
            Ok(PasswordHash::new(password))
        }

        fn verify(&self, password: &str, hash: &PasswordHash) -> Verdict {
            if hash.as_str() == password { Verdict::Match } else { Verdict::Mismatch }
        }
    }

    fn pool(threads: usize, queue: usize) -> (Arc<HashingPool>, Arc<Slow>) {
        let slow = Arc::new(Slow::default());
        let options =
            PoolOptions { threads, queue, queue_of_client: queue.div_ceil(2), ..PoolOptions::default() };
        let hasher: Arc<dyn PasswordHasher> = Arc::clone(&slow) as _;
        (Arc::new(HashingPool::new(hasher, options)), slow)
    }

    async fn flood(pool: &Arc<HashingPool>, count: usize) -> Vec<Result<PasswordHash, PoolError>> {
        let tasks: Vec<_> = (0..count)
            .map(|number| {
                let pool = Arc::clone(pool);
                tokio::spawn(async move { pool.hash(&number.to_string(), None).await })
            })
            .collect();
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.await.unwrap());
        }
        results
    }

    #[tokio::test]
    async fn log_11_never_more_threads_than_allowed_and_a_bounded_queue() {
        let (pool, slow) = pool(2, 8);
        let results = flood(&pool, 50).await;
        let busy = results.iter().filter(|result| matches!(result, Err(PoolError::Busy { .. }))).count();
        let done = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(busy + done, 50);
        assert!((8..=10).contains(&done), "{done} were hashed");
        assert_eq!(slow.most.load(Relaxed), 2);
    }

    #[tokio::test]
    async fn whoever_waits_too_long_is_refused_without_a_hash() {
        let slow = Arc::new(Slow::default());
        let options = PoolOptions {
            threads: 1,
            queue: 100,
            max_wait: Duration::from_millis(50),
            ..PoolOptions::default()
        };
        let pool = Arc::new(HashingPool::new(Arc::clone(&slow) as Arc<dyn PasswordHasher>, options));
        let results = flood(&pool, 20).await;
        let done = results.iter().filter(|result| result.is_ok()).count();
        assert!((1..20).contains(&done));
        assert_eq!(slow.done.load(Relaxed), done);
    }

    #[tokio::test]
    #[expect(clippy::await_holding_lock, reason = "only the hashing thread waits for it")]
    async fn a_caller_who_has_gone_costs_no_hash() {
        let (pool, slow) = pool(1, 100);
        let closed = slow.gate.lock().unwrap();
        let first = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.hash("gate", None).await }
        });
        tokio::task::yield_now().await;
        for _ in 0..10 {
            let gone = tokio::time::timeout(Duration::from_millis(1), pool.hash("gone", None)).await;
            assert!(gone.is_err());
        }
        drop(closed);
        first.await.unwrap().unwrap();
        pool.hash("last", None).await.unwrap();
        assert_eq!(slow.done.load(Relaxed), 2);
    }

    #[tokio::test]
    async fn a_panic_costs_its_caller_an_error_and_nobody_else() {
        let (pool, _) = pool(1, 8);
        assert!(matches!(pool.hash("panic", None).await, Err(PoolError::Failed(_))));
        assert_eq!(pool.hash("fine", None).await.unwrap().as_str(), "fine");
    }

    fn with(hash: Option<PasswordHash>) -> Compared {
        Compared { hash, decoy: None }
    }

    #[tokio::test]
    async fn log_2_every_class_of_user_costs_one_operation() {
        let (pool, _) = pool(1, 8);
        for hash in [None, Some(PasswordHash::new("right")), Some(PasswordHash::new(""))] {
            let before = pool.operations();
            pool.verify("wrong", with(hash), None).await.unwrap();
            assert_eq!(pool.operations() - before, 1);
        }
        let verdict = pool.verify("right", with(Some(PasswordHash::new("right"))), None).await.unwrap();
        assert_eq!(verdict, Verdict::Match);
    }

    /// Whatever the parameters of the hasher in force are: those of the hash are not asked.
    #[tokio::test]
    async fn log_2_who_has_no_password_costs_what_nobody_does() {
        let (pool, _) = pool(1, 8);
        let unusable = PasswordHash::unusable().unwrap();
        // A match to the hasher of these tests, if it were asked.
        let its_text = unusable.as_str().to_owned();
        let before = pool.operations();
        assert_eq!(pool.verify(&its_text, with(Some(unusable)), None).await.unwrap(), Verdict::Mismatch);
        assert_eq!(pool.operations() - before, 1);
    }

    #[tokio::test]
    async fn log_2_nobody_has_the_password_of_a_decoy() {
        let (pool, _) = pool(1, 8);
        let decoy = || Some(PasswordHash::new("decoy"));
        let verdict = pool.verify("decoy", Compared { hash: None, decoy: decoy() }, None).await.unwrap();
        assert_eq!(verdict, Verdict::Mismatch);
        let hash = Some(PasswordHash::new("right"));
        let verdict = pool.verify("right", Compared { hash, decoy: decoy() }, None).await.unwrap();
        assert_eq!(verdict, Verdict::Match);
    }

    #[tokio::test]
    #[expect(clippy::await_holding_lock, reason = "only the hashing thread waits for it")]
    async fn log_11_one_client_takes_half_of_the_queue_and_others_have_their_turn() {
        let (pool, slow) = pool(1, 8);
        let closed = slow.gate.lock().unwrap();
        let ask = |password: &'static str, client: Client| {
            let pool = Arc::clone(&pool);
            async move { pool.hash(password, Some(client)).await.map(|_| Instant::now()) }
        };
        let running = tokio::spawn(ask("gate", (0, 32)));
        while pool.0.lock().queue.len() > 0 || pool.0.lock().threads == 0 {
            tokio::task::yield_now().await;
        }
        let flood: Vec<_> = (0..20).map(|_| tokio::spawn(ask("flood", (1, 32)))).collect();
        tokio::task::yield_now().await;
        let other = tokio::spawn(ask("other", (2, 32)));
        tokio::task::yield_now().await;
        drop(closed);
        running.await.unwrap().unwrap();
        let other = other.await.unwrap().expect("others find room in the queue");
        let mut done = Vec::new();
        for ask in flood {
            done.extend(ask.await.unwrap().ok());
        }
        assert_eq!(done.len(), 4, "half of the queue");
        assert!(done.iter().filter(|time| **time < other).count() <= 1, "its turn is not at the end");
    }
}
