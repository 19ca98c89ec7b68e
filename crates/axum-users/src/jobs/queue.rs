//! Jobs in memory: they run in this process after the answer, a bounded number at once, and are lost when the process is
//! killed.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// How many jobs may wait. Each keeps the head of its request, which nothing but the server's own limit bounds.
const QUEUE: usize = 1_000;
/// How many jobs run at once.
const CONCURRENCY: usize = 8;
/// When a job begins: a job that is at work beside the answer delays it, which would show what kind it is.
const AFTER_THE_ANSWER: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(crate) struct Jobs {
    tasks: TaskTracker,
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// A place in the queue, given back when it is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

/// Too many jobs wait already.
#[derive(Debug)]
pub(crate) struct QueueFull;

impl Jobs {
    pub(crate) fn new() -> Self {
        let tasks = TaskTracker::new();
        // So that it can be waited for; jobs are taken all the same.
        tasks.close();
        Self {
            tasks,
            places: Arc::new(Semaphore::new(QUEUE)),
            running: Arc::new(Semaphore::new(CONCURRENCY)),
        }
    }

    /// Runs the job soon, on the current tokio runtime. Panics outside of one.
    #[cfg(any(test, feature = "oauth"))]
    pub(crate) fn queue(&self, job: impl Future<Output = ()> + Send + 'static) -> Result<(), QueueFull> {
        self.queue_in(self.reserve()?, job);
        Ok(())
    }

    /// A place for a job that is not known yet.
    pub(crate) fn reserve(&self) -> Result<Place, QueueFull> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| QueueFull)
    }

    /// Runs the job in its place, soon, on the current tokio runtime. Panics outside of one.
    pub(crate) fn queue_in(&self, place: Place, job: impl Future<Output = ()> + Send + 'static) {
        let running = Arc::clone(&self.running);
        self.tasks.spawn(async move {
            tokio::time::sleep(AFTER_THE_ANSWER).await;
            let _turn = running.acquire_owned().await;
            job.await;
            drop(place);
        });
    }

    /// Waits until no job is left.
    pub(crate) async fn finished(&self) {
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[tokio::test]
    async fn finished_waits_for_every_job() {
        let (jobs, done) = (Jobs::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..100 {
            let done = Arc::clone(&done);
            let job = async move {
                tokio::task::yield_now().await;
                done.fetch_add(1, SeqCst);
            };
            jobs.queue(job).unwrap();
        }
        jobs.finished().await;
        assert_eq!(done.load(SeqCst), 100);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn several_may_wait_while_jobs_are_queued() {
        let jobs = Arc::new(Jobs::new());
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let jobs = Arc::clone(&jobs);
                tokio::spawn(async move {
                    for _ in 0..1_000 {
                        jobs.queue(tokio::task::yield_now()).unwrap();
                        jobs.finished().await;
                    }
                })
            })
            .collect();
        for waiting in waiting {
            let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
            waited.expect("nobody waits for ever").unwrap();
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let jobs = Jobs::new();
        for _ in 0..QUEUE {
            jobs.queue(std::future::pending()).unwrap();
        }
        assert!(jobs.queue(async {}).is_err());
    }
}
