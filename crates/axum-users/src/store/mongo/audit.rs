//! Audit events in MongoDB.

use mongodb::{
    bson::{Bson, Document, doc},
    error::ErrorKind,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    DUPLICATE_KEY, MongoStore,
    document::{moment, take, to_bson},
    limited,
};
use crate::{
    AuditAct, AuditChange, AuditEvent, AuditFilter, AuditReason, AuditStore, Profile, StoreError, Timestamp,
    value::Value,
};

impl<P: Profile> AuditStore for MongoStore<P> {
    async fn record(&self, events: &[AuditEvent]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let documents = events.iter().map(document).collect::<Result<Vec<_>, _>>()?;
        limited(async {
            match self.inner.events.insert_many(documents).ordered(false).await {
                Ok(_) => Ok(()),
                Err(error) if is_there_already(&error) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let which = which(filter, after)?;
        limited(async {
            let found = self.inner.events.find(which).sort(doc! { "_id": -1 });
            let mut found = found.limit(limit.into()).await?;
            let mut events = Vec::new();
            while events.len() < limit as usize && found.advance().await? {
                events.push(event(found.deserialize_current()?)?);
            }
            Ok(events)
        })
        .await
    }

    /// MongoDB deletes those of a condition, not so many: the last of them is looked for before.
    async fn remove_before(&self, time: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let Some(skipped) = limit.checked_sub(1) else { return Ok(0) };
        let end = to_bson(Value::Uuid(AuditEvent::first_id(time)))?;
        let events = &self.inner.events;
        limited(async {
            let old = doc! { "_id": { "$lt": &end } };
            let last = events.find_one(old.clone()).sort(doc! { "_id": 1 }).skip(skipped.into()).await?;
            let which = match last.and_then(|mut last| last.remove("_id")) {
                Some(last) => doc! { "_id": { "$lte": last } },
                None => old,
            };
            Ok(events.delete_many(which).await?.deleted_count)
        })
        .await
    }
}

/// Everything that was refused is kept already.
fn is_there_already(error: &mongodb::error::Error) -> bool {
    let ErrorKind::InsertMany(failure) = error.kind.as_ref() else { return false };
    failure.write_concern_error.is_none()
        && failure
            .write_errors
            .as_ref()
            .is_some_and(|errors| errors.iter().all(|error| error.code == DUPLICATE_KEY))
}

fn which(filter: &AuditFilter, after: Option<Uuid>) -> Result<Document, StoreError> {
    let AuditFilter { user, identifier, act, since } = filter;
    let mut all = Vec::new();
    if let Some(after) = after {
        all.push(doc! { "_id": { "$lt": to_bson(Value::Uuid(after))? } });
    }
    if let Some(time) = since {
        all.push(doc! { "_id": { "$gte": to_bson(Value::Uuid(AuditEvent::first_id(*time)))? } });
    }
    if let Some(act) = act {
        all.push(doc! { "act": act.as_str() });
    }
    let of_user = user.as_ref().map(|user| doc! { "user_id": user });
    let of_identifier = identifier.as_ref().map(|identifier| doc! { "identifier": identifier });
    match (of_user, of_identifier) {
        (Some(one), Some(other)) => all.push(doc! { "$or": [one, other] }),
        (one, other) => all.extend(one.or(other)),
    }
    Ok(if all.is_empty() {
        doc! {}
    } else {
        doc! { "$and": all }
    })
}

/// Without the fields that are empty.
fn document(event: &AuditEvent) -> Result<Document, StoreError> {
    let mut document = doc! {
        "_id": to_bson(Value::Uuid(event.id))?,
        "happened_at": moment(event.time),
        "act": event.act.as_str(),
    };
    let texts = [
        ("user_id", event.user.clone()),
        ("actor_id", event.actor.clone()),
        ("via", event.via.clone()),
        ("reason", event.reason.map(|reason| reason.as_str().to_owned())),
        ("address", event.address.map(|address| address.to_string())),
        ("user_agent", event.user_agent.clone()),
        ("identifier", event.identifier.clone()),
    ];
    document.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
    if !event.changes.is_empty() {
        let changes: Vec<Bson> = event.changes.iter().map(|change| change.as_str().into()).collect();
        document.insert("changes", changes);
    }
    Ok(document)
}

fn event(mut document: Document) -> Result<AuditEvent, StoreError> {
    let id = take(&mut document, "_id", "id")?;
    let time = take::<Timestamp>(&mut document, "happened_at", "happened_at")?.0;
    let mut text = |name| match document.remove(name) {
        Some(Bson::String(text)) => Some(text),
        _ => None,
    };
    let event = AuditEvent {
        id,
        time,
        act: AuditAct::parse(&text("act").unwrap_or_default()),
        user: text("user_id"),
        actor: text("actor_id"),
        via: text("via"),
        reason: text("reason").map(|reason| AuditReason::parse(&reason)),
        changes: Vec::new(),
        address: text("address").and_then(|address| address.parse().ok()),
        user_agent: text("user_agent"),
        identifier: text("identifier"),
    };
    let changes = document.get_array("changes").map(Vec::as_slice).unwrap_or_default();
    let changes = changes.iter().filter_map(Bson::as_str).map(AuditChange::parse).collect();
    Ok(AuditEvent { changes, ..event })
}
