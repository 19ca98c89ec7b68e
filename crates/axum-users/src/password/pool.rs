use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{HashClass, PasswordHash, PasswordHasher, Verdict};
use crate::BoxError;

/// A worker without work ends after this time, and its memory with it.
const IDLE: Duration = Duration::from_secs(30);

/// Threads and queue of the hashing pool. Under any flood of logins it takes one block of memory for each thread,
/// and every other request stays fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Threads that hash. Default: one for each core.
    pub threads: usize,
    /// Passwords that may wait. Default: 64 for each thread.
    pub queue: usize,
    /// How long one may wait before it is refused. Default: two seconds.
    pub max_wait: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, queue: 64 * threads, max_wait: Duration::from_secs(2) }
    }
}

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

/// Operating-system threads that hash and verify passwords, behind a bounded queue.
pub(crate) struct HashingPool(Arc<Shared>);

struct Shared {
    hasher: Arc<dyn PasswordHasher>,
    options: PoolOptions,
    state: Mutex<State>,
    work: Condvar,
    /// A new hash of nobody's password: what unknown users cost where nothing is known of the hashes of others (LOG-2).
    nobody: OnceLock<PasswordHash>,
    operations: AtomicU64,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

struct Job {
    password: Zeroizing<String>,
    queued: Instant,
    task: Task,
}

enum Task {
    Hash(oneshot::Sender<Result<PasswordHash, PoolError>>),
    Verify(Compared, oneshot::Sender<Result<Verdict, PoolError>>),
}

/// What a password is compared with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compared {
    /// The hash of a user, if there is one.
    pub(crate) hash: Option<PasswordHash>,
    /// What stands in for a hash that there is not, or that cannot be verified; a new hash if `None`.
    pub(crate) decoy: Option<PasswordHash>,
}

impl HashingPool {
    /// Threads start with the first password.
    pub(crate) fn new(hasher: Arc<dyn PasswordHasher>, options: PoolOptions) -> Self {
        let options = PoolOptions { threads: options.threads.max(1), queue: options.queue.max(1), ..options };
        Self(Arc::new(Shared {
            hasher,
            options,
            state: Mutex::default(),
            work: Condvar::new(),
            nobody: OnceLock::new(),
            operations: AtomicU64::new(0),
        }))
    }

    pub(crate) async fn hash(&self, password: &str) -> Result<PasswordHash, PoolError> {
        let (answer, receiver) = oneshot::channel();
        self.submit(password, Task::Hash(answer))?;
        receiver.await.unwrap_or_else(|_| Err(PoolError::Failed("the hasher panicked".into())))
    }

    /// Compares with a hash, or, for a user who does not exist or has no password, with a hash of nobody's password.
    pub(crate) async fn verify(&self, password: &str, compared: Compared) -> Result<Verdict, PoolError> {
        let (answer, receiver) = oneshot::channel();
        self.submit(password, Task::Verify(compared, answer))?;
        receiver.await.unwrap_or_else(|_| Err(PoolError::Failed("the hasher panicked".into())))
    }

    /// Hashes and verifications done so far.
    pub(crate) fn operations(&self) -> u64 {
        self.0.operations.load(Relaxed)
    }

    fn submit(&self, password: &str, task: Task) -> Result<(), PoolError> {
        let shared = &self.0;
        let mut state = shared.lock();
        if state.queue.len() >= shared.options.queue {
            return Err(shared.busy());
        }
        let password = Zeroizing::new(password.to_owned());
        state.queue.push_back(Job { password, queued: Instant::now(), task });
        if state.queue.len() > state.idle && state.threads < shared.options.threads {
            let worker = Arc::clone(shared);
            let spawned =
                std::thread::Builder::new().name("password-hashing".to_owned()).spawn(move || worker.run());
            match spawned {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads > 0 => {}
                Err(error) => {
                    state.queue.pop_back();
                    return Err(PoolError::Failed(error.into()));
                }
            }
        }
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

    fn busy(&self) -> PoolError {
        PoolError::Busy { retry_after: self.options.max_wait.max(Duration::from_secs(1)) }
    }

    fn run(&self) {
        while let Some(job) = self.next_job() {
            self.perform(job);
        }
    }

    /// The next job, or `None` when the thread shall end.
    fn next_job(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(job);
            }
            if state.closed {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            let (guard, timeout) =
                self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            if timeout.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }

    fn perform(&self, Job { password, queued, task }: Job) {
        let late = queued.elapsed() > self.options.max_wait;
        match task {
            Task::Hash(answer) if !answer.is_closed() => {
                let result =
                    if late { Err(self.busy()) } else { self.guarded(|| self.hasher.hash(&password)) };
                let _ = answer.send(result);
            }
            Task::Verify(compared, answer) if !answer.is_closed() => {
                let result =
                    if late { Err(self.busy()) } else { self.guarded(|| self.verdict(&password, &compared)) };
                let _ = answer.send(result);
            }
            // Whoever asked has gone: a client that gave up costs no hash.
            Task::Hash(_) | Task::Verify(..) => {}
        }
    }

    fn verdict(&self, password: &str, compared: &Compared) -> Result<Verdict, BoxError> {
        let nobody = match self.nobody.get() {
            Some(nobody) => nobody,
            None => {
                let nobody = self.hasher.hash("")?;
                self.nobody.get_or_init(|| nobody)
            }
        };
        let decoy = compared.decoy.as_ref().unwrap_or(nobody);
        // Reading a hash takes time too, of each class another: in any case that of the class that is compared is read.
        let stored = compared.hash.as_ref();
        let is_usable = stored.unwrap_or(decoy).is_usable();
        let read = stored.filter(|_| is_usable).unwrap_or(decoy);
        let is_verifiable = self.hasher.class(read) != HashClass::Unverifiable;
        if let Some(hash) = stored.filter(|_| is_usable && is_verifiable) {
            return Ok(self.hasher.verify(password, hash));
        }
        // Without it the tests of times must fail (tests/timing).
        if cfg!(not(axum_users_without_dummy_hash)) {
            std::hint::black_box(self.hasher.verify(password, decoy));
        }
        Ok(Verdict::Mismatch)
    }

    /// A panic in a hasher costs its caller an error, not the pool a thread.
    fn guarded<T>(&self, work: impl FnOnce() -> Result<T, BoxError>) -> Result<T, PoolError> {
        self.operations.fetch_add(1, Relaxed);
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => result.map_err(PoolError::Failed),
            Err(_) => Err(PoolError::Failed("the hasher panicked".into())),
        }
    }
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
        let options = PoolOptions { threads, queue, max_wait: Duration::from_secs(2) };
        let hasher: Arc<dyn PasswordHasher> = Arc::clone(&slow) as _;
        (Arc::new(HashingPool::new(hasher, options)), slow)
    }

    async fn flood(pool: &Arc<HashingPool>, count: usize) -> Vec<Result<PasswordHash, PoolError>> {
        let tasks: Vec<_> = (0..count)
            .map(|number| {
                let pool = Arc::clone(pool);
                tokio::spawn(async move { pool.hash(&number.to_string()).await })
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
        let options = PoolOptions { threads: 1, queue: 100, max_wait: Duration::from_millis(50) };
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
            async move { pool.hash("gate").await }
        });
        tokio::task::yield_now().await;
        for _ in 0..10 {
            let gone = tokio::time::timeout(Duration::from_millis(1), pool.hash("gone")).await;
            assert!(gone.is_err());
        }
        drop(closed);
        first.await.unwrap().unwrap();
        pool.hash("last").await.unwrap();
        assert_eq!(slow.done.load(Relaxed), 2);
    }

    #[tokio::test]
    async fn a_panic_costs_its_caller_an_error_and_nobody_else() {
        let (pool, _) = pool(1, 8);
        assert!(matches!(pool.hash("panic").await, Err(PoolError::Failed(_))));
        assert_eq!(pool.hash("fine").await.unwrap().as_str(), "fine");
    }

    fn with(hash: Option<PasswordHash>) -> Compared {
        Compared { hash, decoy: None }
    }

    #[tokio::test]
    async fn log_2_every_class_of_user_costs_one_operation() {
        let (pool, _) = pool(1, 8);
        for hash in [None, Some(PasswordHash::new("right")), Some(PasswordHash::new(""))] {
            let before = pool.operations();
            pool.verify("wrong", with(hash)).await.unwrap();
            assert_eq!(pool.operations() - before, 1);
        }
        let verdict = pool.verify("right", with(Some(PasswordHash::new("right")))).await.unwrap();
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
        assert_eq!(pool.verify(&its_text, with(Some(unusable))).await.unwrap(), Verdict::Mismatch);
        assert_eq!(pool.operations() - before, 1);
    }

    #[tokio::test]
    async fn log_2_nobody_has_the_password_of_a_decoy() {
        let (pool, _) = pool(1, 8);
        let decoy = || Some(PasswordHash::new("decoy"));
        let verdict = pool.verify("decoy", Compared { hash: None, decoy: decoy() }).await.unwrap();
        assert_eq!(verdict, Verdict::Mismatch);
        let hash = Some(PasswordHash::new("right"));
        let verdict = pool.verify("right", Compared { hash, decoy: decoy() }).await.unwrap();
        assert_eq!(verdict, Verdict::Match);
    }
}
