//! Where users, tokens, jobs and audit events are kept.
//!
//! The verbs are intents, and atomic: an insert decides duplicates by a unique index, an update writes only the
//! changed columns and only while its condition holds, a token is removed by the statement that checks it.

mod audit;
mod erased;
mod jobs;
mod limits;
mod memory;
#[cfg(any(feature = "mongodb", feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod migration_error;
#[cfg(feature = "mongodb")]
mod mongo;
mod oauth;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub(crate) mod sql;

pub use audit::{AuditFilter, AuditStore};
#[cfg(feature = "oauth")]
pub(crate) use erased::DynOAuthStore;
pub(crate) use erased::{DynAuditStore, DynJobStore, DynLimitStore, DynTokenStore, DynUserStore};
pub use jobs::{DeadJob, JobCounts, JobStore, LeasedJob, NewJob};
pub use limits::{Bucket, LimitStore};
pub use memory::MemoryStore;
#[cfg(any(feature = "mongodb", feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub use migration_error::MigrationError;
#[cfg(feature = "mongodb")]
pub use mongo::{MongoCollections, MongoStore};
pub use oauth::{OAuthAccount, OAuthStore};
#[cfg(fuzzing)]
pub(crate) use redis::try_redis_url;
#[cfg(feature = "redis")]
pub use redis::{RedisLimitStore, RedisTokenStore};
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub use sql::{SqlOptions, SqlStore};

use time::OffsetDateTime;

use crate::{
    BoxError, PasswordHash, Profile,
    user::{Changes, NewUser, User},
    value::ColumnError,
};

/// Keeps users.
///
/// Implement it with plain `async fn`. The example is a complete store in memory; what it does under its lock, a
/// database does in one statement or transaction. It ends with the suite (feature `testing`) that a store must pass before
/// it is trusted with users.
///
/// ```
/// use std::{collections::HashMap, sync::Mutex};
/// use axum_users::{Changes, NewUser, Profile, StoreError, User, UserId, UserStore};
/// use time::OffsetDateTime;
///
/// struct Store<P: Profile> { users: Mutex<Vec<User<P>>>, revoked: Mutex<HashMap<String, OffsetDateTime>> }
///
/// impl<P: Profile> UserStore<P> for Store<P> {
///     async fn get(&self, id: &P::Id) -> Result<Option<User<P>>, StoreError> {
///         Ok(self.users.lock().unwrap().iter().find(|user| user.id == *id).cloned())
///     }
///     async fn get_by_email(&self, email: &str) -> Result<Option<User<P>>, StoreError> {
///         let key = email.to_lowercase();
///         Ok(self.users.lock().unwrap().iter().find(|user| user.email.to_lowercase() == key).cloned())
///     }
///     async fn list(&self, after: Option<&P::Id>, limit: u32) -> Result<Vec<User<P>>, StoreError> {
///         let mut users = self.users.lock().unwrap().clone();
///         users.retain(|user| after.is_none_or(|after| user.id.to_string() > after.to_string()));
///         users.sort_by_key(|user| user.id.to_string());
///         users.truncate(limit as usize);
///         Ok(users)
///     }
///     async fn insert(&self, new: NewUser<P>) -> Result<User<P>, StoreError> {
///         let mut users = self.users.lock().unwrap();
///         let key = new.email.to_lowercase();
///         if users.iter().any(|user| user.email.to_lowercase() == key) { return Err(StoreError::Duplicate) }
///         let id = new.id.or_else(P::Id::generate).ok_or(StoreError::Backend("no id".into()))?;
///         let user = User {
///             id, email: new.email, hashed_password: new.hashed_password, is_active: new.is_active,
///             is_superuser: new.is_superuser, is_verified: new.is_verified, profile: new.profile,
///         };
///         users.push(user.clone());
///         Ok(user)
///     }
///     async fn update(&self, id: &P::Id, changes: &Changes) -> Result<Option<User<P>>, StoreError> {
///         let mut users = self.users.lock().unwrap();
///         if let Some(email) = &changes.email {
///             let key = email.to_lowercase();
///             if users.iter().any(|user| user.id != *id && user.email.to_lowercase() == key) {
///                 return Err(StoreError::Duplicate);
///             }
///         }
///         let Some(user) = users.iter_mut().find(|user| user.id == *id) else { return Ok(None) };
///         if changes.if_password_is.as_ref().is_some_and(|hash| user.hashed_password != *hash)
///             || changes.if_email_is.as_ref().is_some_and(|email| user.email != *email) { return Ok(None) }
///         changes.apply(user)?;
///         Ok(Some(user.clone()))
///     }
///     async fn delete(&self, id: &P::Id) -> Result<bool, StoreError> {
///         let mut users = self.users.lock().unwrap();
///         let before = users.len();
///         users.retain(|user| user.id != *id);
///         Ok(users.len() < before)
///     }
///     async fn revoke(&self, digest: &str, expires_at: OffsetDateTime) -> Result<bool, StoreError> {
///         Ok(self.revoked.lock().unwrap().insert(digest.to_owned(), expires_at).is_none())
///     }
///     async fn get_unless_revoked(&self, id: &P::Id, digest: &str) -> Result<Option<User<P>>, StoreError> {
///         if self.revoked.lock().unwrap().contains_key(digest) { return Ok(None) }
///         self.get(id).await
///     }
/// }
///
/// # #[cfg(feature = "testing")]
/// # #[tokio::main]
/// # async fn main() {
/// use axum_users::testing::{Limits, Sample, user_failures};
///
/// let open = async || Store::<Sample<uuid::Uuid>> { users: Mutex::default(), revoked: Mutex::default() };
/// assert!(user_failures(open, Limits::default()).await.is_empty());
/// # }
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a store for users with this profile")]
pub trait UserStore<P: Profile>: Send + Sync + 'static {
    /// The user with this id.
    fn get(&self, id: &P::Id) -> impl Future<Output = Result<Option<User<P>>, StoreError>> + Send;

    /// The user with this normalised address, compared without regard to case.
    fn get_by_email(&self, email: &str) -> impl Future<Output = Result<Option<User<P>>, StoreError>> + Send;

    /// At most `limit` users in the order of their ids, those after `after`.
    fn list(
        &self,
        after: Option<&P::Id>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<User<P>>, StoreError>> + Send;

    /// Adds a user, or answers [`StoreError::Duplicate`] when the address is taken in any case: decided by a unique
    /// index, so that parallel inserts leave one user.
    fn insert(&self, user: NewUser<P>) -> impl Future<Output = Result<User<P>, StoreError>> + Send;

    /// What [`insert`](Self::insert) does, for a registration that must not tell by its time whether the address is taken
    /// (REG-2): as many statements and as much to be brought to the disk in either case. Without an implementation of its own
    /// a store inserts, which costs less when the address is taken.
    fn insert_hidden(&self, user: NewUser<P>) -> impl Future<Output = Result<User<P>, StoreError>> + Send {
        self.insert(user)
    }

    /// Writes the changed columns, and no others, if the user exists and the conditions of the changes hold in the
    /// same statement; otherwise `None`. A taken address is [`StoreError::Duplicate`].
    fn update(
        &self,
        id: &P::Id,
        changes: &Changes,
    ) -> impl Future<Output = Result<Option<User<P>>, StoreError>> + Send;

    /// Removes the user with all that belongs to them; `false` when there was none.
    fn delete(&self, id: &P::Id) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Remembers, until `expires_at`, that the token with this digest is no longer valid, and tells whether it was not
    /// remembered before: decided by a unique key, so that of many at once exactly one is told `true`, and what is used
    /// with it is used once. A digest whose time has passed may be forgotten, and then is new again: give a time from
    /// which on nobody takes the token for valid.
    fn revoke(
        &self,
        digest: &str,
        expires_at: OffsetDateTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The user with this id, unless the token with this digest was revoked: one round trip.
    fn get_unless_revoked(
        &self,
        id: &P::Id,
        digest: &str,
    ) -> impl Future<Output = Result<Option<User<P>>, StoreError>> + Send;

    /// The password hashes of at most `limit` users, from all over the table as evenly as it can be done at little cost,
    /// however many users there are. What is learned of them is how frequent each algorithm is with its parameters, so that
    /// the time of a login does not tell who exists (LOG-2). Asked for once an hour.
    ///
    /// Without an implementation of its own a store gives those with the first ids: as good as any where ids are random,
    /// but the oldest where they grow.
    fn sample_hashes(
        &self,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<PasswordHash>, StoreError>> + Send {
        async move {
            let users = self.list(None, limit).await?;
            Ok(users.into_iter().map(|user| user.hashed_password).collect())
        }
    }
}

/// Keeps session tokens: what it is given is a digest, or the token itself under
/// [`StoredTokens::Clear`](crate::StoredTokens::Clear).
///
/// ```
/// use std::{collections::HashMap, sync::Mutex};
/// use axum_users::{Found, NewToken, Profile, StoreError, TokenStore};
/// use time::OffsetDateTime;
///
/// struct Tokens<P: Profile>(Mutex<HashMap<String, (P::Id, OffsetDateTime)>>);
///
/// impl<P: Profile> TokenStore<P> for Tokens<P> {
///     async fn insert(&self, new: NewToken<'_, P>) -> Result<(), StoreError> {
///         let mut tokens = self.0.lock().unwrap();
///         if tokens.contains_key(new.token) { return Err(StoreError::Backend("in use".into())) }
///         tokens.insert(new.token.to_owned(), (new.user.clone(), new.created_at));
///         Ok(())
///     }
///     async fn find(&self, token: &str, not_before: Option<OffsetDateTime>) -> Result<Option<Found<P>>, StoreError> {
///         let tokens = self.0.lock().unwrap();
///         let found = tokens.get(token).filter(|(_, created_at)| not_before.is_none_or(|time| *created_at >= time));
///         Ok(found.map(|(user, _)| Found::Id(user.clone())))
///     }
///     async fn created_at(&self, token: &str) -> Result<Option<OffsetDateTime>, StoreError> {
///         Ok(self.0.lock().unwrap().get(token).map(|(_, created_at)| *created_at))
///     }
///     async fn remove(&self, token: &str) -> Result<bool, StoreError> {
///         Ok(self.0.lock().unwrap().remove(token).is_some())
///     }
///     async fn remove_all(&self, user: &P::Id) -> Result<(), StoreError> {
///         self.0.lock().unwrap().retain(|_, (owner, _)| owner != user);
///         Ok(())
///     }
/// }
///
/// # #[cfg(feature = "testing")]
/// # #[tokio::main]
/// # async fn main() {
/// use axum_users::testing::{Limits, Sample, token_failures};
///
/// let open = async || Tokens::<Sample<i64>>(Mutex::default());
/// assert!(token_failures(open, Limits::default()).await.is_empty());
/// # }
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a token store for users with this profile")]
pub trait TokenStore<P: Profile>: Send + Sync + 'static {
    /// Adds a token of a user; [`StoreError::NoSuchUser`] when the store can tell that there is none.
    fn insert(&self, new: NewToken<'_, P>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whose token this is, if it was created at or after `not_before`.
    fn find(
        &self,
        token: &str,
        not_before: Option<OffsetDateTime>,
    ) -> impl Future<Output = Result<Option<Found<P>>, StoreError>> + Send;

    /// When a token that is found was made. `None` if the store does not know: then its login does not count as recent where
    /// [`Policy::recent_login`](crate::Policy::recent_login) asks for one.
    #[expect(unused_variables, reason = "the names are documentation")]
    fn created_at(
        &self,
        token: &str,
    ) -> impl Future<Output = Result<Option<OffsetDateTime>, StoreError>> + Send {
        async { Ok(None) }
    }

    /// Removes one token; `false` when there was none.
    fn remove(&self, token: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Removes all tokens of a user.
    fn remove_all(&self, user: &P::Id) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes at most `limit` tokens that may be forgotten before `now`, and tells how many. A store that forgets by
    /// itself has nothing to do.
    #[expect(unused_variables, reason = "the names are documentation")]
    fn remove_expired(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send {
        async { Ok(0) }
    }
}

/// A token to keep.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a, P: Profile> {
    /// The token as it is stored.
    pub token: &'a str,
    /// Whose it is.
    pub user: &'a P::Id,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it may be forgotten; never, if `None`. Whether it is still valid [`find`](TokenStore::find) decides.
    pub expires_at: Option<OffsetDateTime>,
}

/// What a token store knows of a token's owner.
#[derive(Clone, Debug)]
pub enum Found<P: Profile> {
    /// The whole user: the store keeps users too and joined them in one round trip.
    User(Box<User<P>>),
    /// Only the id.
    Id(P::Id),
}

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another user has the address.
    #[error("another user has this e-mail address")]
    Duplicate,
    /// Another user has the account at a provider.
    #[error("another user has this account")]
    AccountTaken,
    /// There is no such user: deleted, since the caller read them.
    #[error("there is no such user")]
    NoSuchUser,
    /// A stored value has another type than its column.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// The database refused or could not be reached.
    #[error("the database failed")]
    Backend(#[source] BoxError),
}
