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
    kept, limited,
};
use crate::{
    Profile, StoreError, UserId, UserStore,
    email::fold,
    user::{Changes, NewUser, User},
};

/// The contract's: without regard to case, by its index.
pub(super) fn case_insensitive() -> Collation {
    Collation::builder().locale("en").strength(CollationStrength::Secondary).build()
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
        let no_id = || StoreError::Backend("MongoDB assigns no ids: use ObjectId or Uuid".into());
        let id = new.id.or_else(P::Id::generate).ok_or_else(no_id)?;
        let mut inserted = doc! {
            "_id": document::id::<P>(&id)?,
            "email": new.email,
            "hashed_password": new.hashed_password.into_string(),
            "is_active": new.is_active,
            "is_superuser": new.is_superuser,
            "is_verified": new.is_verified,
        };
        for (column, value) in P::columns().iter().zip(new.profile.into_values()) {
            inserted.insert(column.name, to_bson(value)?);
        }
        limited(async { Ok(self.inner.users.insert_one(&inserted).await.map(drop)?) }).await?;
        // As it is stored: times have lost what is less than a millisecond.
        Ok(document::user(inserted)?)
    }

    async fn update(&self, user: &P::Id, changes: &Changes) -> Result<Option<User<P>>, StoreError> {
        let update = Update::new::<P>(user, changes)?;
        let written = async {
            if !changes.end_sessions {
                return Ok(self.write(&update, None).await?);
            }
            if !self.inner.has_transactions {
                let written = self.write(&update, None).await?;
                if written.is_some() {
                    self.inner.tokens.delete_many(update.tokens.clone()).await?;
                }
                return Ok(written);
            }
            let mut session = self.inner.client.start_session().await?;
            let transaction = session.start_transaction().write_concern(kept());
            let write = transaction.and_run((self, &update), |session, (store, update)| {
                Box::pin(store.write_and_end(update, session))
            });
            Ok(write.await?)
        };
        read(limited(written).await?)
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

    async fn revoke(&self, digest: &str, expires_at: OffsetDateTime) -> Result<(), StoreError> {
        let set = doc! { "$set": { "expires_at": moment(expires_at) } };
        limited(async {
            Ok(self.inner.revoked.update_one(doc! { "_id": digest }, set).upsert(true).await.map(drop)?)
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
}

/// An update of one user.
struct Update {
    /// Whose id it is, and the conditions.
    filter: Document,
    set: Document,
    /// Those of the user's tokens.
    tokens: Document,
}

impl Update {
    fn new<P: Profile>(user: &P::Id, changes: &Changes) -> Result<Self, StoreError> {
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
        Ok(Self { filter, set, tokens: doc! { "user_id": id } })
    }
}

impl<P: Profile> MongoStore<P> {
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
        session: &mut ClientSession,
    ) -> Result<Option<Document>, Error> {
        let written = self.write(update, Some(&mut *session)).await?;
        if written.is_some() {
            self.inner.tokens.delete_many(update.tokens.clone()).session(session).await?;
        }
        Ok(written)
    }
}
