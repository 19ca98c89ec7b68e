//! Jobs: work that was promised in an answer and is done after it, by whichever node comes to it.

use futures_util::future::join_all;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;

/// A job to keep. Its payload holds no secret: whoever does the job makes the tokens it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Names the job for ever, whoever does it and however often.
    pub id: Uuid,
    /// What is to be done, at most 50 characters.
    pub kind: String,
    /// What it is to be done with.
    pub payload: Value,
    /// A digest of at most 43 characters that no two waiting jobs share.
    pub unique_key: Option<String>,
    /// From when on it is to be done.
    pub due_at: OffsetDateTime,
}

/// A job that was taken, to be done before the lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct LeasedJob {
    /// What [`NewJob::id`] said.
    pub id: Uuid,
    /// This lease, which no other has.
    pub lease: Uuid,
    /// What is to be done.
    pub kind: String,
    /// What it is to be done with.
    pub payload: Value,
    /// How often it was taken, this time included.
    pub attempts: u32,
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadJob {
    /// What [`NewJob::id`] said.
    pub id: Uuid,
    /// What was to be done.
    pub kind: String,
    /// What it was to be done with.
    pub payload: Value,
    /// How often it was taken.
    pub attempts: u32,
    /// When it was given up.
    pub died_at: OffsetDateTime,
    /// Why, at most 500 characters.
    pub reason: String,
}

/// How many jobs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Those that wait or are being done.
    pub waiting: u64,
    /// Those that were given up.
    pub dead: u64,
}

/// Keeps jobs until they are done. Every verb is atomic: any number of nodes take jobs from one store at once.
///
/// A job that was taken is due again when its lease ends, so that the work of a node that died is taken up by another.
/// What the old lease is then used for does nothing.
///
/// ```
/// use std::sync::Mutex;
/// use axum_users::{DeadJob, JobCounts, JobStore, LeasedJob, NewJob, StoreError};
/// use time::OffsetDateTime;
/// use uuid::Uuid;
///
/// struct Kept { job: NewJob, lease: Uuid, attempts: u32 }
///
/// #[derive(Default)]
/// struct Jobs { waiting: Mutex<Vec<Kept>>, dead: Mutex<Vec<DeadJob>> }
///
/// impl Jobs {
///     /// Ends a lease, if it still is one.
///     fn end(&self, leased: &LeasedJob) -> Option<Kept> {
///         let mut waiting = self.waiting.lock().unwrap();
///         let place = waiting.iter().position(|kept| kept.job.id == leased.id && kept.lease == leased.lease)?;
///         Some(waiting.remove(place))
///     }
/// }
///
/// impl JobStore for Jobs {
///     async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
///         let mut waiting = self.waiting.lock().unwrap();
///         let is_same = |kept: &Kept| {
///             kept.job.id == job.id || job.unique_key.is_some() && kept.job.unique_key == job.unique_key
///         };
///         if waiting.iter().any(is_same) { return Ok(()) }
///         waiting.push(Kept { job, lease: Uuid::nil(), attempts: 0 });
///         Ok(())
///     }
///     async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, limit: u32) -> Result<Vec<LeasedJob>, StoreError> {
///         let mut waiting = self.waiting.lock().unwrap();
///         waiting.sort_by_key(|kept| kept.job.due_at);
///         let due = waiting.iter_mut().filter(|kept| kept.job.due_at <= now).take(limit as usize);
///         Ok(due.map(|kept| {
///             (kept.job.due_at, kept.lease, kept.attempts) = (until, Uuid::new_v4(), kept.attempts + 1);
///             let (kind, payload) = (kept.job.kind.clone(), kept.job.payload.clone());
///             LeasedJob { id: kept.job.id, lease: kept.lease, kind, payload, attempts: kept.attempts }
///         }).collect())
///     }
///     async fn finish(&self, job: &LeasedJob) -> Result<bool, StoreError> {
///         Ok(self.end(job).is_some())
///     }
///     async fn retry(&self, job: &LeasedJob, due_at: OffsetDateTime) -> Result<bool, StoreError> {
///         let Some(mut kept) = self.end(job) else { return Ok(false) };
///         (kept.job.due_at, kept.lease) = (due_at, Uuid::nil());
///         self.waiting.lock().unwrap().push(kept);
///         Ok(true)
///     }
///     async fn bury(&self, job: &LeasedJob, now: OffsetDateTime, reason: &str) -> Result<bool, StoreError> {
///         let Some(Kept { job, attempts, .. }) = self.end(job) else { return Ok(false) };
///         let NewJob { id, kind, payload, .. } = job;
///         let dead = DeadJob { id, kind, payload, attempts, died_at: now, reason: reason.to_owned() };
///         self.dead.lock().unwrap().push(dead);
///         Ok(true)
///     }
///     async fn dead(&self, limit: u32) -> Result<Vec<DeadJob>, StoreError> {
///         Ok(self.dead.lock().unwrap().iter().rev().take(limit as usize).cloned().collect())
///     }
///     async fn revive(&self, id: Uuid, now: OffsetDateTime) -> Result<bool, StoreError> {
///         let mut dead = self.dead.lock().unwrap();
///         let Some(place) = dead.iter().position(|job| job.id == id) else { return Ok(false) };
///         let DeadJob { kind, payload, .. } = dead.remove(place);
///         let job = NewJob { id, kind, payload, unique_key: None, due_at: now };
///         self.waiting.lock().unwrap().push(Kept { job, lease: Uuid::nil(), attempts: 0 });
///         Ok(true)
///     }
///     async fn remove_dead(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
///         let mut dead = self.dead.lock().unwrap();
///         let there_were = dead.len();
///         dead.retain(|job| job.died_at >= before);
///         Ok((there_were - dead.len()) as u64)
///     }
///     async fn count(&self) -> Result<JobCounts, StoreError> {
///         let (waiting, dead) = (self.waiting.lock().unwrap().len(), self.dead.lock().unwrap().len());
///         Ok(JobCounts { waiting: waiting as u64, dead: dead as u64 })
///     }
/// }
///
/// # #[cfg(feature = "testing")]
/// # #[tokio::main]
/// # async fn main() {
/// use axum_users::testing::job_failures;
///
/// assert!(job_failures(async || Jobs::default()).await.is_empty());
/// # }
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a store for jobs")]
pub trait JobStore: Send + Sync + 'static {
    /// Adds a job, unless one that has its unique key waits or is being done: decided by a unique index. A database should write
    /// a row in either case, in one statement: that a job waits for an address, and so that somebody has it, must not show by
    /// the time it takes (FGT-1). One that was added before, by its id, is added already: whoever was not told so may try again.
    fn enqueue(&self, job: NewJob) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Adds jobs that were promised at the same time, each as [`enqueue`](Self::enqueue) does, which is also how it is done where a
    /// store has no way that is less work. When it fails, some may have been added: each can be tried again alone.
    fn enqueue_all(&self, jobs: Vec<NewJob>) -> impl Future<Output = Result<(), StoreError>> + Send {
        async move {
            let added = join_all(jobs.into_iter().map(|job| self.enqueue(job))).await;
            added.into_iter().collect()
        }
    }

    /// Takes at most `limit` jobs that are due at `now`, those that have been due for longest first. They are due again at
    /// `until`. No job is given to two that ask at once, and none waits for another that asks.
    fn lease(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<LeasedJob>, StoreError>> + Send;

    /// The job is done and forgotten; `false` when the lease has ended and somebody else has the job, or has done it.
    fn finish(&self, job: &LeasedJob) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The same for jobs that were done at the same time; tells for how many of them [`finish`](Self::finish) would say `true`.
    fn finish_all(&self, jobs: &[LeasedJob]) -> impl Future<Output = Result<u64, StoreError>> + Send {
        async move {
            let finished = join_all(jobs.iter().map(|job| self.finish(job))).await;
            finished.into_iter().map(|finished| finished.map(u64::from)).sum()
        }
    }

    /// Ends the lease; the job is due at `due_at`. `false` as for [`finish`](Self::finish).
    fn retry(
        &self,
        job: &LeasedJob,
        due_at: OffsetDateTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Gives the job up, and keeps it for people to look at. `false` as for [`finish`](Self::finish).
    fn bury(
        &self,
        job: &LeasedJob,
        now: OffsetDateTime,
        reason: &str,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// At most `limit` of the jobs that were given up, the latest first.
    fn dead(&self, limit: u32) -> impl Future<Output = Result<Vec<DeadJob>, StoreError>> + Send;

    /// Makes a job that was given up due at `now`, as if it had never been taken; `false` when there is none.
    fn revive(&self, id: Uuid, now: OffsetDateTime) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Forgets the jobs that were given up before this time, and tells how many.
    fn remove_dead(&self, before: OffsetDateTime) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// How many jobs there are: for metrics.
    fn count(&self) -> impl Future<Output = Result<JobCounts, StoreError>> + Send;
}
