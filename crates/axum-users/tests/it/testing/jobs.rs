//! The same for stores of jobs.

use std::sync::Mutex;

use axum_users::{
    DeadJob, JobCounts, JobStore, LeasedJob, MemoryStore, NewJob, NoProfile, StoreError,
    testing::job_failures,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    AddedTwice,
    KeysAreIgnored,
    LeasesNeverEnd,
    OldLeasesCount,
    TakenTwice,
    TogetherOneIsLost,
    TogetherOldLeasesCount,
    TriedAgainAtOnce,
    TheDeadAreForgotten,
    TheDeadLiveOn,
}

/// Memory, but for one defect.
struct Defective {
    sound: MemoryStore<NoProfile>,
    defect: Defect,
    taken: Mutex<Vec<LeasedJob>>,
}

impl Defective {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }
}

impl JobStore for Defective {
    async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
        let unique_key = job.unique_key.clone().filter(|_| !self.has(Defect::KeysAreIgnored));
        let id = if self.has(Defect::AddedTwice) { Uuid::new_v4() } else { job.id };
        self.sound.enqueue(NewJob { id, unique_key, ..job }).await
    }

    async fn lease(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<LeasedJob>, StoreError> {
        let until = if self.has(Defect::LeasesNeverEnd) { until + Duration::weeks(100) } else { until };
        let mut jobs = self.sound.lease(now, until, limit).await?;
        if self.has(Defect::TakenTwice) {
            let mut taken = self.taken.lock().unwrap();
            if jobs.is_empty() {
                jobs = std::mem::take(&mut *taken);
            } else {
                taken.extend(jobs.iter().cloned());
            }
        }
        Ok(jobs)
    }

    async fn finish(&self, job: &LeasedJob) -> Result<bool, StoreError> {
        Ok(self.sound.finish(job).await? || self.has(Defect::OldLeasesCount))
    }

    async fn enqueue_all(&self, mut jobs: Vec<NewJob>) -> Result<(), StoreError> {
        if self.has(Defect::TogetherOneIsLost) && jobs.len() > 1 {
            jobs.remove(0);
        }
        for job in jobs {
            self.enqueue(job).await?;
        }
        Ok(())
    }

    async fn finish_all(&self, jobs: &[LeasedJob]) -> Result<u64, StoreError> {
        if self.has(Defect::TogetherOldLeasesCount) {
            return Ok(jobs.len() as u64);
        }
        self.sound.finish_all(jobs).await
    }

    async fn retry(&self, job: &LeasedJob, due_at: OffsetDateTime) -> Result<bool, StoreError> {
        let at_once = self.has(Defect::TriedAgainAtOnce);
        self.sound.retry(job, if at_once { OffsetDateTime::UNIX_EPOCH } else { due_at }).await
    }

    async fn bury(&self, job: &LeasedJob, now: OffsetDateTime, reason: &str) -> Result<bool, StoreError> {
        match self.defect {
            Defect::TheDeadAreForgotten => self.sound.finish(job).await,
            Defect::TheDeadLiveOn => self.sound.retry(job, now).await,
            _ => self.sound.bury(job, now, reason).await,
        }
    }

    async fn dead(&self, limit: u32) -> Result<Vec<DeadJob>, StoreError> {
        self.sound.dead(limit).await
    }

    async fn revive(&self, id: Uuid, now: OffsetDateTime) -> Result<bool, StoreError> {
        self.sound.revive(id, now).await
    }

    async fn remove_dead(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        self.sound.remove_dead(before).await
    }

    async fn count(&self) -> Result<JobCounts, StoreError> {
        self.sound.count().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_defect_of_a_store_of_jobs_is_found() {
    let failures = async |defect| {
        let open = async || Defective { sound: MemoryStore::new(), defect, taken: Mutex::default() };
        job_failures(open).await
    };
    assert!(failures(Defect::None).await.is_empty());
    let expected = [
        (Defect::AddedTwice, "a_job_that_was_added_before_is_added_once"),
        (Defect::KeysAreIgnored, "fgt_5_of_many_jobs_with_one_key_one_waits"),
        (Defect::LeasesNeverEnd, "f_12_a_lease_that_has_ended_is_worth_nothing"),
        (Defect::OldLeasesCount, "f_12_a_lease_that_has_ended_is_worth_nothing"),
        (Defect::TakenTwice, "f_13_jobs_taken_by_many_at_once_are_each_taken_once"),
        (Defect::TogetherOneIsLost, "jobs_added_and_finished_together_are_as_one_by_one"),
        (Defect::TogetherOldLeasesCount, "jobs_added_and_finished_together_are_as_one_by_one"),
        (Defect::TriedAgainAtOnce, "a_job_that_failed_is_tried_later"),
        (Defect::TheDeadAreForgotten, "who_was_given_up_is_kept_to_look_at"),
        (Defect::TheDeadLiveOn, "who_was_given_up_is_kept_to_look_at"),
    ];
    for (defect, case) in expected {
        let failed = failures(defect).await;
        assert!(failed.contains(&case), "{defect:?} fails {failed:?}");
    }
}
