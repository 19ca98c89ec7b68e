//! Does durable jobs: takes them from the store, runs the hooks, tries again what fails.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use time::OffsetDateTime;
use tokio::{
    runtime::Handle,
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

use super::{JobOptions, log_store, task::context, together::Together};
use crate::{
    LeasedJob, NewJob, Profile, StoreError, UserError, UserManager, store::DynJobStore, users::Core,
};

/// How long an orderly stop does jobs that are due.
const LAST_JOBS: Duration = Duration::from_secs(10);
/// How often jobs that were given up long ago are looked for.
const CLEANING: Duration = Duration::from_secs(60 * 60);
/// How many characters are kept of why a job was given up.
const REASON: usize = 500;
/// How long a worker that is busy waits for more turns.
const MOMENT: Duration = Duration::from_millis(2);
/// How often what became of a job is told to a store that does not answer.
const TELLINGS: u32 = 3;

/// Jobs in a store.
pub(crate) struct Durable {
    pub(crate) store: Arc<dyn DynJobStore>,
    options: JobOptions,
    new: Together<NewJob>,
    done: Together<LeasedJob>,
    /// There is a job of this node's own.
    added: Notify,
    running: TaskTracker,
    turns: Arc<Semaphore>,
    /// Changes when the jobs under way are to be left to others.
    give_back: watch::Sender<()>,
    worker: Mutex<Option<Worker>>,
}

struct Worker {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What became of a job.
#[derive(Debug)]
enum Outcome {
    Done,
    Failed(UserError),
    GivenBack,
}

impl Durable {
    pub(crate) fn new(store: Arc<dyn DynJobStore>, options: JobOptions) -> Self {
        let running = TaskTracker::new();
        // So that it can be waited for; jobs are begun all the same.
        running.close();
        Self {
            store,
            turns: Arc::new(Semaphore::new(options.concurrency)),
            options,
            new: Together::new(),
            done: Together::new(),
            added: Notify::new(),
            running,
            give_back: watch::Sender::new(()),
            worker: Mutex::new(None),
        }
    }

    /// Adds a job of this node's own.
    pub(crate) async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
        let store = Arc::clone(&self.store);
        let write = move |jobs| {
            let store = Arc::clone(&store);
            async move { store.enqueue_all(jobs).await }
        };
        self.new.write(job, write).await?;
        self.wake();
        Ok(())
    }

    /// There may be something to do.
    pub(crate) fn wake(&self) {
        self.added.notify_one();
    }

    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Jobs that were begun together end together: a moment later many can be taken by one statement.
    async fn wait_for_turns(&self) {
        let half = u32::try_from(self.options.concurrency / 2).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(MOMENT, self.turns.acquire_many(half)).await;
    }

    fn take_worker(&self) -> Option<Worker> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Writes what became of a job. If that cannot be written, the job is done again when the lease ends.
    async fn settle(&self, job: &LeasedJob, outcome: &Outcome) {
        for telling in 1..=TELLINGS {
            match self.tell(job, outcome).await {
                Ok(true) => return,
                Ok(false) => return log_late(1),
                Err(error) if telling == TELLINGS => {
                    return log_store(
                        "what became of a job cannot be written: it will be done again",
                        &error,
                    );
                }
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }

    async fn tell(&self, job: &LeasedJob, outcome: &Outcome) -> Result<bool, StoreError> {
        let now = OffsetDateTime::now_utc();
        match outcome {
            Outcome::Done => {
                let store = Arc::clone(&self.store);
                let finish = move |jobs: Vec<LeasedJob>| {
                    let store = Arc::clone(&store);
                    async move {
                        let (all, done) = (jobs.len() as u64, store.finish_all(&jobs).await?);
                        if done < all {
                            log_late(all - done);
                        }
                        Ok(())
                    }
                };
                self.done.write(job.clone(), finish).await.map(|()| true)
            }
            Outcome::GivenBack => self.store.retry(job, now).await,
            Outcome::Failed(error) if job.attempts >= self.options.attempts || is_permanent(error) => {
                self.store.bury(job, now, &reason(error)).await
            }
            Outcome::Failed(_) => {
                let random = getrandom::u32().unwrap_or_default();
                self.store.retry(job, now + self.options.pause(job.attempts, random)).await
            }
        }
    }

    fn log(&self, job: &LeasedJob, outcome: &Outcome) {
        let Outcome::Failed(error) = outcome else { return };
        let LeasedJob { id, kind, attempts, .. } = job;
        let error_ref = error as &dyn std::error::Error;
        if *attempts >= self.options.attempts || is_permanent(error) {
            tracing::error!(%id, kind, attempts, error = error_ref, "a job was given up");
        } else {
            tracing::warn!(%id, kind, attempts, error = error_ref, "a job failed and will be tried again");
        }
    }
}

impl<P: Profile> UserManager<P> {
    /// Starts this node's worker, unless it works already.
    pub(crate) fn start_jobs(&self) {
        let Some(durable) = &self.0.durable else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let mut worker = durable.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if worker.as_ref().is_none_or(|worker| worker.task.is_finished()) {
            let stop = CancellationToken::new();
            let task = runtime.spawn(work(Arc::downgrade(&self.0), Arc::clone(durable), stop.clone()));
            *worker = Some(Worker { stop, task });
        }
    }

    /// Does the jobs that are due, for some seconds at most, and leaves the rest to others.
    pub(crate) async fn finish_jobs(&self) {
        let Some(durable) = &self.0.durable else { return };
        if let Some(worker) = durable.take_worker() {
            worker.stop.cancel();
            let _ = worker.task.await;
        }
        if tokio::time::timeout(LAST_JOBS, self.do_what_is_due(durable)).await.is_err() {
            durable.give_back.send_replace(());
            durable.running.wait().await;
        }
    }

    /// Does jobs until none is due, those included that come of others.
    async fn do_what_is_due(&self, durable: &Arc<Durable>) {
        loop {
            let Some(turn) = durable.turn().await else { return };
            // What runs may add another.
            let nothing_runs = durable.running.is_empty();
            match self.take_jobs(durable, turn).await {
                Ok(0) if nothing_runs => return,
                Ok(0) => durable.running.wait().await,
                Ok(_) => {}
                Err(error) => {
                    log_store("jobs are left to others", &error);
                    return durable.running.wait().await;
                }
            }
        }
    }

    /// Begins as many of the jobs that are due as there are turns, and tells how many.
    async fn take_jobs(
        &self,
        durable: &Arc<Durable>,
        turn: OwnedSemaphorePermit,
    ) -> Result<usize, StoreError> {
        let mut turns = vec![turn];
        turns.extend(std::iter::from_fn(|| Arc::clone(&durable.turns).try_acquire_owned().ok()));
        let (begun, now) = (tokio::time::Instant::now(), OffsetDateTime::now_utc());
        let most = u32::try_from(turns.len()).unwrap_or(u32::MAX);
        let jobs = durable.store.lease(now, now + durable.options.lease, most).await?;
        let count = jobs.len();
        for (job, turn) in jobs.into_iter().zip(turns) {
            let (manager, durable) = (self.clone(), Arc::clone(durable));
            durable.running.clone().spawn(async move {
                let outcome = manager.attempt(&durable, &job, begun).await;
                durable.log(&job, &outcome);
                durable.settle(&job, &outcome).await;
                drop(turn);
            });
        }
        Ok(count)
    }

    /// Does a job that was taken at this time. It ends before its lease does: no two nodes ever do it at once.
    async fn attempt(&self, durable: &Durable, job: &LeasedJob, begun: tokio::time::Instant) -> Outcome {
        let mut give_back = durable.give_back.subscribe();
        let (manager, its_job) = (self.clone(), job.clone());
        // In a task of its own, so that a hook that panics has only failed.
        let run = tokio::spawn(async move { manager.do_job(&its_job, &context(&its_job)).await });
        let run = tokio::time::timeout_at(begun + durable.options.lease * 5 / 6, AbortOnDropHandle::new(run));
        tokio::select! {
            ended = run => match ended {
                Ok(Ok(Ok(()))) => Outcome::Done,
                Ok(Ok(Err(error))) => Outcome::Failed(error),
                Ok(Err(_)) => Outcome::Failed(UserError::Hook("it panicked".into())),
                Err(_) => Outcome::Failed(UserError::Hook("it took too long".into())),
            },
            _ = give_back.changed() => Outcome::GivenBack,
        }
    }
}

/// Works until told to stop, or until the last `Users` is gone.
async fn work<P: Profile>(core: Weak<Core<P>>, durable: Arc<Durable>, stop: CancellationToken) {
    let (mut is_away, mut is_busy, mut cleaned) = (false, false, None::<Instant>);
    loop {
        let Some(Some(turn)) = stop.run_until_cancelled(durable.turn()).await else { return };
        if is_busy {
            durable.wait_for_turns().await;
        }
        let Some(manager) = core.upgrade().map(UserManager) else { return };
        let taken = manager.take_jobs(&durable, turn).await;
        drop(manager);
        if cleaned.is_none_or(|time| time.elapsed() > CLEANING) {
            cleaned = Some(Instant::now());
            let before = OffsetDateTime::now_utc() - durable.options.keep_dead;
            if let Err(error) = durable.store.remove_dead(before).await {
                log_store("jobs that were given up long ago are left for now", &error);
            }
        }
        is_busy = matches!(taken, Ok(1..));
        match &taken {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) if !is_away => log_store("no jobs are done until their store answers", error),
            Err(_) => {}
        }
        is_away = taken.is_err();
        // Nodes that start at once do not go on in step.
        let random = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        tokio::select! {
            () = stop.cancelled() => return,
            () = durable.added.notified() => {}
            () = tokio::time::sleep(durable.options.poll.mul_f64(0.75 + random / 2.0)) => {}
        }
    }
}

/// Whether trying again would fail again.
#[cfg_attr(
    not(feature = "mailer"),
    expect(unused_variables, clippy::missing_const_for_fn, reason = "mails only")
)]
fn is_permanent(error: &UserError) -> bool {
    #[cfg(feature = "mailer")]
    if let UserError::Hook(error) = error {
        let error = error.downcast_ref::<crate::mailer::MailError>();
        return error.is_some_and(crate::mailer::MailError::is_permanent);
    }
    false
}

fn log_late(jobs: u64) {
    tracing::warn!(jobs, "jobs took longer than their lease");
}

/// Why a job was given up, for people.
fn reason(error: &UserError) -> String {
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        next = error.source();
    }
    text.chars().filter(|c| !c.is_control()).take(REASON).collect()
}
