//! Users in MongoDB.

use mongodb::{
    ClientSession,
    bson::{Bson, Document, doc},
    error::Error,
    options::{Collation, CollationStrength, ReturnDocument},
};
use time::OffsetDateTime;

use super::{
    MongoStore,
    document::{self, moment, projection, to_bson},
    is_duplicate, kept, limited, unkept,
};
use crate::{
    PasswordHash, Profile, StoreError, UserStore,
    email::fold,
    user::{Changes, NewUser, User},
};

/// The contract's: without regard to case, by its index.
pub(super) fn case_insensitive() -> Collation {
    Collation::builder().locale("en").strength(CollationStrength::Secondary).build()
}

/// What [`UserStore::insert_hidden`] writes.
const MARK: &str = "axum_users_hidden";

fn backend(message: &'static str) -> StoreError {
    StoreError::Backend(message.into())
}

fn read<P: Profile>(found: Option<Document>) -> Result<Option<User<P>>, StoreError> {
    Ok(found.map(document::user).transpose()?)
}

impl<P: Profile> UserStore<P> for MongoStore<P> {
    async fn get(&self, user: &P::Id) -> Result<Option<User<P>>, StoreError> {
        let filter = doc! { "_id": document::id::<P>(user)? };
        limited(async { read(self.inner.users.find_one(filter).projection(projection::<P>()).await?) }).await
    }

    /// The collation takes more for the same than case, `ß` and `ss` for one: two users cannot have both, but neither is
    /// found by the address of the other.
    async fn get_by_email(&self, email: &str) -> Result<Option<User<P>>, StoreError> {
        let found = async {
            let find = self.inner.users.find_one(doc! { "email": email }).collation(case_insensitive());
            read::<P>(find.projection(projection::<P>()).await?)
        };
        Ok(limited(found).await?.filter(|user| fold(&user.email) == fold(email)))
    }

    async fn list(&self, after: Option<&P::Id>, limit: u32) -> Result<Vec<User<P>>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let filter = match after {
            Some(after) => doc! { "_id": { "$gt": document::id::<P>(after)? } },
            None => doc! {},
        };
        limited(async {
            let find = self.inner.users.find(filter).sort(doc! { "_id": 1 }).limit(limit.into());
            let mut cursor = find.projection(projection::<P>()).await?;
            let mut users = Vec::new();
            while cursor.advance().await? {
                users.push(document::user(cursor.deserialize_current()?)?);
            }
            Ok(users)
        })
        .await
    }

    async fn insert(&self, new: NewUser<P>) -> Result<User<P>, StoreError> {
        self.insert_document(document::new_user(new)?).await
    }

    /// By statements that write in any case: one that inserts, or marks the document of whoever has the address, and one that takes
    /// the mark away. If the process ends between them it stays, until the next time; nobody reads it.
    async fn insert_hidden(&self, new: NewUser<P>) -> Result<User<P>, StoreError> {
        let (email, mut new) = (new.email.clone(), document::new_user(new)?);
        let id = new.get("_id").cloned().ok_or_else(|| backend("a user has no id"))?;
        // The filter gives a new document its address.
        new.remove("email");
        let write = doc! { "$setOnInsert": new, "$set": { MARK: 1 } };
        let unmark = doc! { "$unset": { MARK: 1 } };
        limited(async {
            let marked = self.inner.users.find_one_and_update(doc! { "email": email }, write);
            let marked = marked.upsert(true).collation(case_insensitive());
            let found = marked.return_document(ReturnDocument::After).projection(projection::<P>()).await?;
            let found = found.ok_or_else(|| backend("an insert gave no document"))?;
            let found_id = found.get("_id").cloned();
            self.inner.users.update_one(doc! { "_id": &found_id }, unmark).write_concern(unkept()).await?;
            if found_id != Some(id) {
                return Err(StoreError::Duplicate);
            }
            Ok(document::user(found)?)
        })
        .await
    }

    async fn update(&self, user: &P::Id, changes: &Changes) -> Result<Option<User<P>>, StoreError> {
        self.run(Update::new::<P>(user, changes)?).await
    }

    async fn delete(&self, user: &P::Id) -> Result<bool, StoreError> {
        let id = document::id::<P>(user)?;
        limited(async {
            // The user first: a token without its user opens nothing, and ends by itself.
            let deleted = self.inner.users.delete_one(doc! { "_id": &id }).await?;
            self.inner.tokens.delete_many(doc! { "user_id": id }).await?;
            Ok(deleted.deleted_count > 0)
        })
        .await
    }

    /// One that has expired and that MongoDB has not removed yet is renewed; one that has not is found by no filter, and
    /// its key refuses another.
    async fn revoke(&self, digest: &str, expires_at: OffsetDateTime) -> Result<bool, StoreError> {
        let expired = doc! { "_id": digest, "expires_at": { "$lt": moment(OffsetDateTime::now_utc()) } };
        let set = doc! { "$set": { "expires_at": moment(expires_at) } };
        limited(async {
            match self.inner.revoked.update_one(expired, set).upsert(true).await {
                Ok(_) => Ok(true),
                Err(error) if is_duplicate(&error) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn get_unless_revoked(&self, user: &P::Id, digest: &str) -> Result<Option<User<P>>, StoreError> {
        let pipeline = [
            doc! { "$match": { "_id": document::id::<P>(user)? } },
            doc! { "$project": projection::<P>() },
            doc! { "$lookup": {
                "from": self.inner.revoked.name(),
                "pipeline": [{ "$match": { "_id": digest } }],
                "as": "axum_users_revoked",
            } },
            doc! { "$match": { "axum_users_revoked": [] } },
        ];
        limited(async {
            let mut cursor = self.inner.users.aggregate(pipeline).await?;
            read(if cursor.advance().await? { Some(cursor.deserialize_current()?) } else { None })
        })
        .await
    }

    /// By MongoDB's own sampling, which reads no more than is asked for of a large collection.
    async fn sample_hashes(&self, limit: u32) -> Result<Vec<PasswordHash>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let pipeline = [
            doc! { "$sample": { "size": i64::from(limit) } },
            doc! { "$project": { "_id": 0, "hashed_password": 1 } },
        ];
        limited(async {
            let mut cursor = self.inner.users.aggregate(pipeline).await?;
            let mut hashes = Vec::new();
            while cursor.advance().await? {
                let user = cursor.deserialize_current()?;
                hashes.extend(user.get_str("hashed_password").ok().map(PasswordHash::new));
            }
            Ok(hashes)
        })
        .await
    }
}

/// An update of one user.
pub(super) struct Update {
    /// Whose id it is, and the conditions.
    filter: Document,
    pub(super) set: Document,
    /// Those of the user's tokens, if they end.
    tokens: Option<Document>,
}

impl Update {
    pub(super) fn new<P: Profile>(user: &P::Id, changes: &Changes) -> Result<Self, StoreError> {
        let id = document::id::<P>(user)?;
        let mut filter = doc! { "_id": &id };
        if let Some(expected) = &changes.if_password_is {
            filter.insert("hashed_password", expected.as_str());
        }
        if let Some(expected) = &changes.if_email_is {
            filter.insert("email", expected);
        }
        let hash = changes.hashed_password.as_ref().map(|hash| Bson::from(hash.as_str()));
        let core = [
            ("email", changes.email.as_ref().map(Bson::from)),
            ("hashed_password", hash),
            ("is_active", changes.is_active.map(Bson::Boolean)),
            ("is_superuser", changes.is_superuser.map(Bson::Boolean)),
            ("is_verified", changes.is_verified.map(Bson::Boolean)),
        ];
        let mut set = Document::new();
        for (name, value) in core {
            if let Some(value) = value {
                set.insert(name, value);
            }
        }
        for (name, value) in changes.profile.iter() {
            set.insert(name, to_bson(value.clone())?);
        }
        let tokens = changes.end_sessions.then(|| doc! { "user_id": id });
        Ok(Self { filter, set, tokens })
    }
}

impl<P: Profile> MongoStore<P> {
    pub(super) async fn insert_document(&self, new: Document) -> Result<User<P>, StoreError> {
        limited(async { Ok(self.inner.users.insert_one(&new).await.map(drop)?) }).await?;
        // As it is stored: times have lost what is less than a millisecond.
        Ok(document::user(new)?)
    }

    /// Updates one user, with the sessions in one transaction if there are any.
    pub(super) async fn run(&self, update: Update) -> Result<Option<User<P>>, StoreError> {
        let written = async {
            let Some(tokens) = &update.tokens else { return Ok(self.write(&update, None).await?) };
            if !self.inner.has_transactions {
                let written = self.write(&update, None).await?;
                if written.is_some() {
                    self.inner.tokens.delete_many(tokens.clone()).await?;
                }
                return Ok(written);
            }
            let mut session = self.inner.client.start_session().await?;
            let transaction = session.start_transaction().write_concern(kept());
            let write = transaction.and_run((self, &update, tokens), |session, (store, update, tokens)| {
                Box::pin(store.write_and_end(update, tokens, session))
            });
            Ok(write.await?)
        };
        read(limited(written).await?)
    }

    /// Writes one user; gives what is then stored, or `None` when the conditions do not hold.
    async fn write(
        &self,
        update: &Update,
        session: Option<&mut ClientSession>,
    ) -> Result<Option<Document>, Error> {
        let (users, filter) = (&self.inner.users, update.filter.clone());
        if update.set.is_empty() {
            let find = users.find_one(filter).projection(projection::<P>());
            return match session {
                Some(session) => find.session(session).await,
                None => find.await,
            };
        }
        let write = users.find_one_and_update(filter, doc! { "$set": update.set.clone() });
        let write = write.projection(projection::<P>()).return_document(ReturnDocument::After);
        match session {
            Some(session) => write.session(session).await,
            None => write.await,
        }
    }

    /// The same in a transaction, with the end of the user's sessions.
    async fn write_and_end(
        &self,
        update: &Update,
        tokens: &Document,
        session: &mut ClientSession,
    ) -> Result<Option<Document>, Error> {
        let written = self.write(update, Some(&mut *session)).await?;
        if written.is_some() {
            self.inner.tokens.delete_many(tokens.clone()).session(session).await?;
        }
        Ok(written)
    }
}
