//! Jobs in memory.

use time::OffsetDateTime;
use uuid::Uuid;

use super::MemoryStore;
use crate::{DeadJob, JobCounts, JobStore, LeasedJob, NewJob, Profile, StoreError};

#[derive(Debug, Default)]
pub(super) struct Jobs {
    waiting: Vec<Kept>,
    dead: Vec<DeadJob>,
}

#[derive(Debug)]
struct Kept {
    job: NewJob,
    lease: Option<Uuid>,
    attempts: u32,
}

impl Jobs {
    /// The place of a job whose lease has not been given to another.
    fn place(&self, job: &LeasedJob) -> Option<usize> {
        let is_it = |kept: &Kept| kept.job.id == job.id && kept.lease == Some(job.lease);
        self.waiting.iter().position(is_it)
    }
}

impl<P: Profile> JobStore for MemoryStore<P> {
    async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
        let waiting = &mut self.lock().jobs.waiting;
        let is_same = |kept: &Kept| {
            kept.job.id == job.id || job.unique_key.is_some() && kept.job.unique_key == job.unique_key
        };
        if waiting.iter().any(is_same) {
            return Ok(());
        }
        waiting.push(Kept { job, lease: None, attempts: 0 });
        Ok(())
    }

    async fn lease(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<LeasedJob>, StoreError> {
        let waiting = &mut self.lock().jobs.waiting;
        waiting.sort_by_key(|kept| kept.job.due_at);
        let due = waiting.iter_mut().filter(|kept| kept.job.due_at <= now).take(limit as usize);
        let leased = due.map(|kept| {
            let lease = Uuid::new_v4();
            (kept.job.due_at, kept.lease) = (until, Some(lease));
            kept.attempts += 1;
            let NewJob { id, kind, payload, .. } = kept.job.clone();
            LeasedJob { id, lease, kind, payload, attempts: kept.attempts }
        });
        Ok(leased.collect())
    }

    async fn finish(&self, job: &LeasedJob) -> Result<bool, StoreError> {
        let jobs = &mut self.lock().jobs;
        Ok(jobs.place(job).map(|place| jobs.waiting.remove(place)).is_some())
    }

    async fn retry(&self, job: &LeasedJob, due_at: OffsetDateTime) -> Result<bool, StoreError> {
        let jobs = &mut self.lock().jobs;
        let kept = jobs.place(job).and_then(|place| jobs.waiting.get_mut(place));
        Ok(kept.map(|kept| (kept.job.due_at, kept.lease) = (due_at, None)).is_some())
    }

    async fn bury(&self, job: &LeasedJob, now: OffsetDateTime, reason: &str) -> Result<bool, StoreError> {
        let jobs = &mut self.lock().jobs;
        let Some(place) = jobs.place(job) else { return Ok(false) };
        let Kept { job, attempts, .. } = jobs.waiting.remove(place);
        let NewJob { id, kind, payload, .. } = job;
        let dead = DeadJob { id, kind, payload, attempts, died_at: now, reason: reason.to_owned() };
        jobs.dead.push(dead);
        Ok(true)
    }

    async fn dead(&self, limit: u32) -> Result<Vec<DeadJob>, StoreError> {
        let mut dead = self.lock().jobs.dead.clone();
        dead.sort_by_key(|job| std::cmp::Reverse(job.died_at));
        dead.truncate(limit as usize);
        Ok(dead)
    }

    async fn revive(&self, id: Uuid, now: OffsetDateTime) -> Result<bool, StoreError> {
        let jobs = &mut self.lock().jobs;
        let Some(place) = jobs.dead.iter().position(|job| job.id == id) else { return Ok(false) };
        let DeadJob { kind, payload, .. } = jobs.dead.remove(place);
        let job = NewJob { id, kind, payload, unique_key: None, due_at: now };
        jobs.waiting.push(Kept { job, lease: None, attempts: 0 });
        Ok(true)
    }

    async fn remove_dead(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        let dead = &mut self.lock().jobs.dead;
        Ok(dead.extract_if(.., |job| job.died_at < before).count() as u64)
    }

    async fn count(&self) -> Result<JobCounts, StoreError> {
        let jobs = &self.lock().jobs;
        Ok(JobCounts { waiting: jobs.waiting.len() as u64, dead: jobs.dead.len() as u64 })
    }
}
