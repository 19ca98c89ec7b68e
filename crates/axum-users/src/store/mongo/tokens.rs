//! Session tokens in MongoDB.

use mongodb::bson::doc;
use time::OffsetDateTime;

use super::{
    MongoStore,
    document::{self, moment, projection},
    limited,
};
use crate::{Found, NewToken, Profile, StoreError, TokenStore};

/// Tokens that are over are removed by MongoDB itself, by an index on `expires_at`.
impl<P: Profile> TokenStore<P> for MongoStore<P> {
    async fn insert(&self, new: NewToken<'_, P>) -> Result<(), StoreError> {
        let mut token = doc! {
            "token": new.token,
            "user_id": document::id::<P>(new.user)?,
            "created_at": moment(new.created_at),
        };
        if let Some(end) = new.expires_at {
            token.insert("expires_at", moment(end));
        }
        let owner = doc! { "_id": document::id::<P>(new.user)? };
        limited(async {
            if self.inner.users.find_one(owner).projection(doc! { "_id": 1 }).await?.is_none() {
                return Err(StoreError::NoSuchUser);
            }
            Ok(self.inner.tokens.insert_one(token).await.map(drop)?)
        })
        .await
    }

    async fn find(
        &self,
        token: &str,
        not_before: Option<OffsetDateTime>,
    ) -> Result<Option<Found<P>>, StoreError> {
        let mut filter = doc! { "token": token };
        if let Some(time) = not_before {
            filter.insert("created_at", doc! { "$gte": moment(time) });
        }
        let pipeline = [
            doc! { "$match": filter },
            doc! { "$lookup": {
                "from": self.inner.users.name(),
                "localField": "user_id",
                "foreignField": "_id",
                "pipeline": [{ "$project": projection::<P>() }],
                "as": "user",
            } },
            // A token that was made while its user was deleted is nobody's.
            doc! { "$unwind": "$user" },
            doc! { "$replaceRoot": { "newRoot": "$user" } },
        ];
        limited(async {
            let mut cursor = self.inner.tokens.aggregate(pipeline).await?;
            if !cursor.advance().await? {
                return Ok(None);
            }
            let user = document::user(cursor.deserialize_current()?)?;
            Ok(Some(Found::User(Box::new(user))))
        })
        .await
    }

    async fn created_at(&self, token: &str) -> Result<Option<OffsetDateTime>, StoreError> {
        let found = self.inner.tokens.find_one(doc! { "token": token });
        let found = limited(async { Ok(found.projection(doc! { "created_at": 1 }).await?) }).await?;
        Ok(found.and_then(|token| document::time(*token.get_datetime("created_at").ok()?)))
    }

    async fn remove(&self, token: &str) -> Result<bool, StoreError> {
        let filter = doc! { "token": token };
        limited(async { Ok(self.inner.tokens.delete_one(filter).await?.deleted_count > 0) }).await
    }

    async fn remove_all(&self, user: &P::Id) -> Result<(), StoreError> {
        let filter = doc! { "user_id": document::id::<P>(user)? };
        limited(async { Ok(self.inner.tokens.delete_many(filter).await.map(drop)?) }).await
    }
}
