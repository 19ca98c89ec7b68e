//! Jobs in SQL.
//!
//! A job is due at `due_at`; while it is leased, that is the end of the lease. A job that was given up is never due.

use std::sync::Arc;

use futures_util::future::join_all;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    SqlStore,
    dialect::Dialect,
    driver::{DriverError, Values},
    many::for_many,
    retry::retried,
};
use crate::{
    DeadJob, JobCounts, JobStore, LeasedJob, NewJob, Profile, StoreError,
    value::{ColumnError, Kind, Row, Value},
};

/// How many more jobs are looked at than are wanted, where others may come first.
const CANDIDATES: u32 = 4;

pub(super) struct JobStatements {
    enqueue: Arc<str>,
    /// The same for 1, 2, 4, … jobs.
    enqueue_many: Option<Vec<Arc<str>>>,
    /// Which jobs are due, the first ones first.
    due: Arc<str>,
    /// Takes several at once.
    lease: Option<Arc<str>>,
    /// Takes one, if nobody else has.
    lease_one: Arc<str>,
    leased: Arc<str>,
    finish: Arc<str>,
    /// The same for 1, 2, 4, … jobs that nobody has locked.
    finish_many: Option<Vec<Arc<str>>>,
    retry: Arc<str>,
    bury: Arc<str>,
    dead: Arc<str>,
    revive: Arc<str>,
    remove_dead: Arc<str>,
    count: Arc<str>,
}

impl JobStatements {
    pub(super) fn new(dialect: Dialect) -> Self {
        use Kind::{I64, Json, Text, Timestamp, Uuid};
        let filled =
            |template: &str, kinds: &[Kind]| -> Arc<str> { dialect.statement(template, kinds).into() };
        let enqueue = |rows: usize| {
            let template = format!(
                "INSERT INTO axum_users_job (id, kind, payload, unique_key, due_at, attempts) VALUES {}{}",
                vec!["(?, ?, ?, ?, ?, 0)"; rows].join(", "),
                dialect.or_mark_job()
            );
            filled(&template, &[Uuid, Text, Json, Text, Timestamp].repeat(rows))
        };
        let finish = |rows: usize| {
            let which = dialect.jobs_that_are_free(&vec!["(id = ? AND lease = ?)"; rows].join(" OR "));
            filled(&format!("DELETE FROM axum_users_job WHERE {which}"), &[Uuid, Uuid].repeat(rows))
        };
        let at_once = dialect.writes_jobs_at_once();
        let take = "UPDATE axum_users_job SET lease = ?, due_at = ?, attempts = attempts + 1 WHERE";
        let and_read =
            if dialect.reads_what_it_takes() { " RETURNING id, kind, payload, attempts" } else { "" };
        let lease = dialect
            .due_jobs()
            .map(|due| filled(&format!("{take} {due}{and_read}"), &[Uuid, Timestamp, Timestamp, I64]));
        Self {
            enqueue: enqueue(1),
            enqueue_many: at_once.then(|| for_many(enqueue)),
            due: filled(
                "SELECT id FROM axum_users_job WHERE due_at <= ? ORDER BY due_at LIMIT ?",
                &[Timestamp, I64],
            ),
            lease,
            lease_one: filled(&format!("{take} id = ? AND due_at <= ?"), &[Uuid, Timestamp, Uuid, Timestamp]),
            leased: filled(
                "SELECT id, kind, payload, attempts FROM axum_users_job WHERE lease = ? ORDER BY id",
                &[Uuid],
            ),
            finish: filled("DELETE FROM axum_users_job WHERE id = ? AND lease = ?", &[Uuid, Uuid]),
            finish_many: at_once.then(|| for_many(finish)),
            retry: filled(
                "UPDATE axum_users_job SET due_at = ?, lease = NULL WHERE id = ? AND lease = ?",
                &[Timestamp, Uuid, Uuid],
            ),
            bury: filled(
                "UPDATE axum_users_job SET died_at = ?, reason = ?, due_at = NULL, lease = NULL, unique_key = NULL \
                 WHERE id = ? AND lease = ?",
                &[Timestamp, Text, Uuid, Uuid],
            ),
            dead: filled(
                "SELECT id, kind, payload, attempts, died_at, reason FROM axum_users_job WHERE died_at IS NOT NULL \
                 ORDER BY died_at DESC LIMIT ?",
                &[I64],
            ),
            revive: filled(
                "UPDATE axum_users_job SET due_at = ?, attempts = 0, died_at = NULL, reason = NULL \
                 WHERE id = ? AND died_at IS NOT NULL",
                &[Timestamp, Uuid],
            ),
            remove_dead: filled("DELETE FROM axum_users_job WHERE died_at < ?", &[Timestamp]),
            count: filled("SELECT count(due_at), count(died_at) FROM axum_users_job", &[]),
        }
    }
}

const LEASED: [Kind; 4] = [Kind::Uuid, Kind::Text, Kind::Json, Kind::I64];
const DEAD: [Kind; 6] = [Kind::Uuid, Kind::Text, Kind::Json, Kind::I64, Kind::Timestamp, Kind::Text];

impl<P: Profile> JobStore for SqlStore<P> {
    async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
        let sql = &self.statements.jobs.enqueue;
        match retried(async || self.driver.execute(sql, new(job.clone())).await).await {
            // Nobody else has its id.
            Ok(_) | Err(DriverError::Unique(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// In one order, so that no two nodes wait for each other's keys in a circle. A statement cannot mark a row that it has added.
    async fn enqueue_all(&self, mut jobs: Vec<NewJob>) -> Result<(), StoreError> {
        let Some(statements) = &self.statements.jobs.enqueue_many else {
            return join_all(jobs.into_iter().map(|job| self.enqueue(job))).await.into_iter().collect();
        };
        jobs.sort_by(|one, other| one.unique_key.cmp(&other.unique_key));
        jobs.dedup_by(|next, job| next.unique_key.is_some() && next.unique_key == job.unique_key);
        let rows = jobs.into_iter().map(new).collect();
        self.execute_all(statements, rows).await.map(drop)
    }

    async fn lease(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<LeasedJob>, StoreError> {
        let lease = Uuid::new_v4();
        let take = [Value::Uuid(lease), Value::Timestamp(until)];
        let rows = match &self.statements.jobs.lease {
            Some(sql) if self.driver.dialect().reads_what_it_takes() => {
                let values = [take, [Value::Timestamp(now), Value::Integer(limit.into())]].concat();
                retried(async || self.driver.fetch(sql, values.clone(), &LEASED).await).await?
            }
            _ => self.look_and_take(take, now, limit).await?,
        };
        rows.into_iter().map(|row| Ok(leased(row, lease)?)).collect()
    }

    async fn finish(&self, job: &LeasedJob) -> Result<bool, StoreError> {
        Ok(self.execute(&self.statements.jobs.finish, which(job).to_vec()).await? > 0)
    }

    async fn finish_all(&self, jobs: &[LeasedJob]) -> Result<u64, StoreError> {
        let mut finished = 0;
        if let Some(statements) = &self.statements.jobs.finish_many
            && jobs.len() > 1
        {
            let rows = jobs.iter().map(|job| which(job).to_vec()).collect();
            finished = self.execute_all(statements, rows).await?;
        }
        if finished == jobs.len() as u64 {
            return Ok(finished);
        }
        // Somebody asks for one of them again at this moment, or has it.
        let others = join_all(jobs.iter().map(|job| self.finish(job))).await;
        others.into_iter().try_fold(finished, |sum, other| Ok(sum + u64::from(other?)))
    }

    async fn retry(&self, job: &LeasedJob, due_at: OffsetDateTime) -> Result<bool, StoreError> {
        let [id, lease] = which(job);
        let values = vec![Value::Timestamp(due_at), id, lease];
        Ok(self.execute(&self.statements.jobs.retry, values).await? > 0)
    }

    async fn bury(&self, job: &LeasedJob, now: OffsetDateTime, reason: &str) -> Result<bool, StoreError> {
        let [id, lease] = which(job);
        let values = vec![Value::Timestamp(now), Value::Text(reason.to_owned()), id, lease];
        Ok(self.execute(&self.statements.jobs.bury, values).await? > 0)
    }

    async fn dead(&self, limit: u32) -> Result<Vec<DeadJob>, StoreError> {
        let values = vec![Value::Integer(limit.into())];
        let rows = self.driver.fetch(&self.statements.jobs.dead, values, &DEAD).await?;
        rows.into_iter().map(|row| Ok(dead(row)?)).collect()
    }

    async fn revive(&self, id: Uuid, now: OffsetDateTime) -> Result<bool, StoreError> {
        let values = vec![Value::Timestamp(now), Value::Uuid(id)];
        Ok(self.execute(&self.statements.jobs.revive, values).await? > 0)
    }

    async fn remove_dead(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        self.execute(&self.statements.jobs.remove_dead, vec![Value::Timestamp(before)]).await
    }

    async fn count(&self) -> Result<JobCounts, StoreError> {
        let kinds = [Kind::I64, Kind::I64];
        let rows = self.driver.fetch(&self.statements.jobs.count, Vec::new(), &kinds).await?;
        let mut row = Row::new(rows.into_iter().next().unwrap_or_default());
        let mut count = |column| Ok::<_, ColumnError>(u64::try_from(row.read::<i64>(column)?).unwrap_or(0));
        Ok(JobCounts { waiting: count("waiting")?, dead: count("dead")? })
    }
}

impl<P: Profile> SqlStore<P> {
    /// Looks before it takes: a node that finds nothing to do writes nothing, and waits for no lock.
    async fn look_and_take(
        &self,
        take: [Value; 2],
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Values>, StoreError> {
        let statements = &self.statements.jobs;
        let most = if statements.lease.is_some() { 1 } else { limit.saturating_mul(CANDIDATES) };
        let values = vec![Value::Timestamp(now), Value::Integer(most.into())];
        let due = self.driver.fetch(&statements.due, values, &[Kind::Uuid]).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let [lease, _] = take.clone();
        let taken = match &statements.lease {
            Some(sql) => {
                let which = [Value::Timestamp(now), Value::Integer(limit.into())];
                self.execute(sql, [take, which].concat()).await?
            }
            None => self.take_one_by_one(due, &take, now, limit).await?,
        };
        if taken == 0 {
            return Ok(Vec::new());
        }
        Ok(self.driver.fetch(&statements.leased, vec![lease], &LEASED).await?)
    }

    /// Takes jobs by their keys, which locks nothing else. Where another was first, the next one will do.
    async fn take_one_by_one(
        &self,
        due: Vec<Values>,
        take: &[Value; 2],
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut taken = 0;
        for mut id in due {
            if taken >= u64::from(limit) {
                break;
            }
            let mut values = take.to_vec();
            values.append(&mut id);
            values.push(Value::Timestamp(now));
            taken += self.execute(&self.statements.jobs.lease_one, values).await?;
        }
        Ok(taken)
    }
}

/// What a new job's row holds.
fn new(job: NewJob) -> Values {
    vec![
        Value::Uuid(job.id),
        Value::Text(job.kind),
        Value::Json(job.payload),
        job.unique_key.map_or(Value::Null, Value::Text),
        Value::Timestamp(job.due_at),
    ]
}

fn which(job: &LeasedJob) -> [Value; 2] {
    [Value::Uuid(job.id), Value::Uuid(job.lease)]
}

fn leased(row: Values, lease: Uuid) -> Result<LeasedJob, ColumnError> {
    let mut row = Row::new(row);
    Ok(LeasedJob {
        id: row.read("id")?,
        lease,
        kind: row.read("kind")?,
        payload: row.read_with("payload", json)?,
        attempts: attempts(&mut row)?,
    })
}

fn dead(row: Values) -> Result<DeadJob, ColumnError> {
    let mut row = Row::new(row);
    Ok(DeadJob {
        id: row.read("id")?,
        kind: row.read("kind")?,
        payload: row.read_with("payload", json)?,
        attempts: attempts(&mut row)?,
        died_at: row.read::<crate::Timestamp>("died_at")?.0,
        reason: row.read("reason")?,
    })
}

fn json(value: Value) -> Result<serde_json::Value, Value> {
    match value {
        Value::Json(json) => Ok(json),
        other => Err(other),
    }
}

fn attempts(row: &mut Row) -> Result<u32, ColumnError> {
    Ok(u32::try_from(row.read::<i64>("attempts")?).unwrap_or(u32::MAX))
}
