//! Work that must not delay or shape an answer: looking up who forgot a password, and sending mails.
//!
//! Without a [`JobStore`](crate::JobStore) jobs are kept in memory ([`queue`]): lost when the process is killed, not when it is
//! stopped. With one an answer waits for one row to be written, whoever is asked for, and some node does the job
//! ([`worker`]).

mod options;
mod queue;
mod task;
mod together;
mod worker;

use time::OffsetDateTime;
use uuid::Uuid;

pub use self::options::JobOptions;
pub(crate) use self::{
    queue::{Jobs, Place},
    task::{Kept, Notice, Task},
    worker::Durable,
};
use crate::{DeadJob, JobCounts, Profile, StoreError, UserError, Users};

impl<P: Profile> Users<P> {
    /// Starts to do jobs, those of other nodes too, on the current tokio runtime; outside of one, and where jobs are not
    /// [durable](crate::UsersBuilder::durable_jobs), nothing. Mounting a router does this as well: call it in a process that serves
    /// none.
    pub fn start_jobs(&self) {
        self.manager().start_jobs();
    }

    /// How many durable jobs there are, on all nodes together: for metrics.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn job_counts(&self) -> Result<JobCounts, UserError> {
        match &self.0.durable {
            Some(durable) => Ok(durable.store.count().await?),
            None => Ok(JobCounts::default()),
        }
    }

    /// At most `limit` of the durable jobs that were given up, the latest first.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn dead_jobs(&self, limit: u32) -> Result<Vec<DeadJob>, UserError> {
        match &self.0.durable {
            Some(durable) => Ok(durable.store.dead(limit).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Has a job that was given up tried again; `false` when there is none with this id.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn revive_job(&self, id: Uuid) -> Result<bool, UserError> {
        let Some(durable) = &self.0.durable else { return Ok(false) };
        let revived = durable.store.revive(id, OffsetDateTime::now_utc()).await?;
        durable.wake();
        Ok(revived)
    }
}

/// Logs that the store of jobs does not answer.
fn log_store(what: &'static str, error: &StoreError) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}
