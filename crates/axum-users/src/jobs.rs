//! Work that must not delay or shape an answer: looking up who forgot a password, and sending mails.
//!
//! Jobs run in this process after the answer, a bounded number at once. They are lost when the process is killed;
//! [`Users::shutdown`](crate::Users::shutdown) waits for them on an orderly stop.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// How many jobs may wait.
const QUEUE: usize = 10_000;
/// How many jobs run at once.
const CONCURRENCY: usize = 8;

#[derive(Debug)]
pub(crate) struct Jobs {
    tasks: TaskTracker,
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// Too many jobs wait already.
#[derive(Debug)]
pub(crate) struct QueueFull;

impl Jobs {
    pub(crate) fn new() -> Self {
        Self {
            tasks: TaskTracker::new(),
            places: Arc::new(Semaphore::new(QUEUE)),
            running: Arc::new(Semaphore::new(CONCURRENCY)),
        }
    }

    /// Runs the job soon, on the current tokio runtime.
    pub(crate) fn queue(&self, job: impl Future<Output = ()> + Send + 'static) -> Result<(), QueueFull> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| QueueFull)?;
        let running = Arc::clone(&self.running);
        self.tasks.spawn(async move {
            let _turn = running.acquire_owned().await;
            job.await;
            drop(place);
        });
        Ok(())
    }

    /// Waits until all jobs queued so far are done.
    pub(crate) async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
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

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let jobs = Jobs::new();
        for _ in 0..QUEUE {
            jobs.queue(std::future::pending()).unwrap();
        }
        assert!(jobs.queue(async {}).is_err());
    }
}
