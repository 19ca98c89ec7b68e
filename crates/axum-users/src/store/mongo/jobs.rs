//! Jobs in MongoDB.
//!
//! A job is due at `due_at`; while it is leased, that is the end of the lease. A job that was given up has none.

use mongodb::{
    bson::{Bson, Document, doc},
    options::ReturnDocument,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    MongoStore,
    document::{from_bson, moment, take, to_bson},
    is_duplicate, limited,
};
use crate::{
    DeadJob, JobCounts, JobStore, LeasedJob, NewJob, Profile, StoreError,
    value::{ColumnError, Kind, Value},
};

impl<P: Profile> JobStore for MongoStore<P> {
    async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
        let id = to_bson(Value::Uuid(job.id))?;
        let new = doc! {
            "_id": &id,
            "kind": job.kind,
            "payload": to_bson(Value::Json(job.payload))?,
            "due_at": moment(job.due_at),
            "attempts": 0_i64,
        };
        let jobs = &self.inner.jobs;
        limited(async {
            let added = match job.unique_key {
                None => jobs.insert_one(new).await.map(drop),
                // Where one waits, it is noted who has asked for it again: so that a document is written in either case.
                Some(key) => {
                    let add_or_mark = doc! { "$setOnInsert": new, "$set": { "asked_by": id } };
                    jobs.update_one(doc! { "unique_key": key }, add_or_mark).upsert(true).await.map(drop)
                }
            };
            match added {
                Ok(()) => Ok(()),
                // Another came first.
                Err(error) if is_duplicate(&error) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// One by one: MongoDB changes one document at a time as a whole.
    async fn lease(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<LeasedJob>, StoreError> {
        let mut taken = Vec::new();
        while taken.len() < limit as usize {
            let lease = Uuid::new_v4();
            let take = doc! {
                "$set": { "lease": to_bson(Value::Uuid(lease))?, "due_at": moment(until) },
                "$inc": { "attempts": 1_i64 },
            };
            let due = doc! { "due_at": { "$lte": moment(now) } };
            let found = limited(async {
                let found = self.inner.jobs.find_one_and_update(due, take).sort(doc! { "due_at": 1 });
                Ok(found.return_document(ReturnDocument::After).await?)
            });
            match found.await {
                Ok(Some(job)) => taken.push(leased(job, lease)?),
                Ok(None) => break,
                // Those that were taken are to be done.
                Err(_) if !taken.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    async fn finish(&self, job: &LeasedJob) -> Result<bool, StoreError> {
        let which = which(job)?;
        limited(async { Ok(self.inner.jobs.delete_one(which).await?.deleted_count > 0) }).await
    }

    async fn retry(&self, job: &LeasedJob, due_at: OffsetDateTime) -> Result<bool, StoreError> {
        self.change(which(job)?, doc! { "$set": { "due_at": moment(due_at) }, "$unset": { "lease": "" } })
            .await
    }

    async fn bury(&self, job: &LeasedJob, now: OffsetDateTime, reason: &str) -> Result<bool, StoreError> {
        let dead = doc! {
            "$set": { "died_at": moment(now), "reason": reason },
            "$unset": { "due_at": "", "lease": "", "unique_key": "" },
        };
        self.change(which(job)?, dead).await
    }

    async fn dead(&self, limit: u32) -> Result<Vec<DeadJob>, StoreError> {
        limited(async {
            let dead = self.inner.jobs.find(doc! { "died_at": { "$exists": true } });
            let mut dead = dead.sort(doc! { "died_at": -1 }).limit(limit.into()).await?;
            let mut jobs = Vec::new();
            while jobs.len() < limit as usize && dead.advance().await? {
                jobs.push(self::dead(dead.deserialize_current()?)?);
            }
            Ok(jobs)
        })
        .await
    }

    async fn revive(&self, id: Uuid, now: OffsetDateTime) -> Result<bool, StoreError> {
        let which = doc! { "_id": to_bson(Value::Uuid(id))?, "died_at": { "$exists": true } };
        let alive = doc! {
            "$set": { "due_at": moment(now), "attempts": 0_i64 },
            "$unset": { "died_at": "", "reason": "" },
        };
        self.change(which, alive).await
    }

    async fn remove_dead(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        let old = doc! { "died_at": { "$lt": moment(before) } };
        limited(async { Ok(self.inner.jobs.delete_many(old).await?.deleted_count) }).await
    }

    async fn count(&self) -> Result<JobCounts, StoreError> {
        let count = async |field| {
            let those = doc! { field: { "$exists": true } };
            limited(async { Ok(self.inner.jobs.count_documents(those).await?) }).await
        };
        Ok(JobCounts { waiting: count("due_at").await?, dead: count("died_at").await? })
    }
}

impl<P: Profile> MongoStore<P> {
    async fn change(&self, which: Document, change: Document) -> Result<bool, StoreError> {
        limited(async { Ok(self.inner.jobs.update_one(which, change).await?.matched_count > 0) }).await
    }
}

fn which(job: &LeasedJob) -> Result<Document, StoreError> {
    Ok(doc! { "_id": to_bson(Value::Uuid(job.id))?, "lease": to_bson(Value::Uuid(job.lease))? })
}

fn payload(job: &mut Document) -> Result<serde_json::Value, ColumnError> {
    match from_bson(job.remove("payload"), Kind::Json) {
        Some(Value::Json(json)) => Ok(json),
        _ => Err(ColumnError { column: "payload" }),
    }
}

fn attempts(job: &Document) -> u32 {
    u32::try_from(job.get("attempts").and_then(Bson::as_i64).unwrap_or_default()).unwrap_or(u32::MAX)
}

fn leased(mut job: Document, lease: Uuid) -> Result<LeasedJob, StoreError> {
    Ok(LeasedJob {
        id: take(&mut job, "_id", "id")?,
        lease,
        kind: take(&mut job, "kind", "kind")?,
        payload: payload(&mut job)?,
        attempts: attempts(&job),
    })
}

fn dead(mut job: Document) -> Result<DeadJob, StoreError> {
    Ok(DeadJob {
        id: take(&mut job, "_id", "id")?,
        kind: take(&mut job, "kind", "kind")?,
        payload: payload(&mut job)?,
        attempts: attempts(&job),
        died_at: take::<crate::Timestamp>(&mut job, "died_at", "died_at")?.0,
        reason: take(&mut job, "reason", "reason")?,
    })
}
