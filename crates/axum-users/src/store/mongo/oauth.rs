//! Accounts at providers in MongoDB: inside the documents of their users.

use mongodb::bson::{Bson, Document, doc, oid};

use super::{
    MongoStore,
    document::{self, projection},
    limited,
    users::Update,
};
use crate::{
    OAuthAccount, OAuthStore, Profile, StoreError,
    user::{Changes, NewUser, User},
};

/// The contract's, with a key `id`.
fn to_document(account: &OAuthAccount) -> Document {
    doc! {
        "id": oid::ObjectId::new(),
        "oauth_name": &account.oauth_name,
        "access_token": &account.access_token,
        "account_id": &account.account_id,
        "account_email": &account.account_email,
        "expires_at": account.expires_at,
        "refresh_token": account.refresh_token.as_ref(),
    }
}

fn from_document(account: &Document) -> Option<OAuthAccount> {
    let text = |name| account.get_str(name).ok().map(str::to_owned);
    Some(OAuthAccount {
        oauth_name: text("oauth_name")?,
        account_id: text("account_id")?,
        account_email: text("account_email")?,
        access_token: text("access_token")?,
        expires_at: match account.get("expires_at") {
            Some(Bson::Int32(seconds)) => Some(i64::from(*seconds)),
            Some(Bson::Int64(seconds)) => Some(*seconds),
            _ => None,
        },
        refresh_token: text("refresh_token"),
    })
}

/// Both of one account: without `$elemMatch` the name of one and the id of another would do.
fn holds(oauth_name: &str, account_id: &str) -> Document {
    doc! { "$elemMatch": { "oauth_name": oauth_name, "account_id": account_id } }
}

impl<P: Profile> OAuthStore<P> for MongoStore<P> {
    async fn get_by_account(
        &self,
        oauth_name: &str,
        account_id: &str,
    ) -> Result<Option<User<P>>, StoreError> {
        // The index holds only users with accounts: the second condition lets MongoDB see that it will do.
        let filter = doc! {
            "oauth_accounts": holds(oauth_name, account_id),
            "oauth_accounts.account_id": account_id,
        };
        limited(async {
            let found = self.inner.users.find_one(filter).projection(projection::<P>()).await?;
            Ok(found.map(document::user).transpose()?)
        })
        .await
    }

    async fn accounts(&self, user: &P::Id) -> Result<Vec<OAuthAccount>, StoreError> {
        let filter = doc! { "_id": document::id::<P>(user)? };
        let found = limited(async {
            Ok(self.inner.users.find_one(filter).projection(doc! { "oauth_accounts": 1 }).await?)
        });
        let found = found.await?;
        let accounts = found.as_ref().and_then(|found| found.get_array("oauth_accounts").ok());
        let documents = accounts.into_iter().flatten().filter_map(Bson::as_document);
        let mut accounts: Vec<OAuthAccount> = documents.filter_map(from_document).collect();
        accounts.sort();
        Ok(accounts)
    }

    async fn insert_with_account(
        &self,
        user: NewUser<P>,
        account: &OAuthAccount,
    ) -> Result<User<P>, StoreError> {
        let mut new = document::new_user(user)?;
        new.insert("oauth_accounts", vec![to_document(account)]);
        self.insert_document(new).await
    }

    async fn put_account(&self, user: &P::Id, account: &OAuthAccount) -> Result<(), StoreError> {
        let id = document::id::<P>(user)?;
        let holds = holds(&account.oauth_name, &account.account_id);
        let renew = doc! { "$set": {
            "oauth_accounts.$.account_email": &account.account_email,
            "oauth_accounts.$.access_token": &account.access_token,
            "oauth_accounts.$.expires_at": account.expires_at,
            "oauth_accounts.$.refresh_token": account.refresh_token.as_ref(),
        } };
        let its = doc! { "_id": &id, "oauth_accounts": &holds };
        let not_yet = doc! { "_id": id, "oauth_accounts": { "$not": holds } };
        let add = doc! { "$push": { "oauth_accounts": to_document(account) } };
        let users = &self.inner.users;
        limited(async {
            // Whoever adds it in between makes it one to renew.
            for _ in 0..2 {
                if users.update_one(its.clone(), renew.clone()).await?.matched_count > 0
                    || users.update_one(not_yet.clone(), add.clone()).await?.matched_count > 0
                {
                    return Ok(());
                }
            }
            Err(StoreError::NoSuchUser)
        })
        .await
    }

    async fn update_with_only_account(
        &self,
        user: &P::Id,
        changes: &Changes,
        account: &OAuthAccount,
    ) -> Result<Option<User<P>>, StoreError> {
        let mut update = Update::new::<P>(user, changes)?;
        update.set.insert("oauth_accounts", vec![to_document(account)]);
        self.run(update).await
    }

    async fn remove_account(
        &self,
        user: &P::Id,
        oauth_name: &str,
        account_id: &str,
        keep_last: bool,
    ) -> Result<bool, StoreError> {
        let mut filter =
            doc! { "_id": document::id::<P>(user)?, "oauth_accounts": holds(oauth_name, account_id) };
        if keep_last {
            filter.insert("oauth_accounts.1", doc! { "$exists": true });
        }
        let account = doc! { "oauth_name": oauth_name, "account_id": account_id };
        let remove = doc! { "$pull": { "oauth_accounts": account } };
        limited(async { Ok(self.inner.users.update_one(filter, remove).await?.modified_count > 0) }).await
    }
}
