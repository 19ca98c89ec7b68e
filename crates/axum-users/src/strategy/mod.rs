//! What a token is, and how it is checked.

mod jwt;
mod opaque;

use std::sync::Arc;

use time::OffsetDateTime;

pub use self::{jwt::Jwt, opaque::Opaque};
use crate::{
    BoxError, BoxFuture, Policy, Profile, Secret, StoreError, User,
    secret::{digest, fingerprint},
    store::DynUserStore,
};

/// Makes, reads and destroys tokens.
///
/// ```
/// use axum_users::{Accounts, BoxError, Profile, Strategy, StrategyError, User, UserId};
///
/// /// Accepts one fixed token for one user: for a closed test environment.
/// struct Fixed<P: Profile> { token: String, user: P::Id }
///
/// impl<P: Profile> Strategy<P> for Fixed<P> {
///     async fn write(&self, user: &User<P>, _: &Accounts<P>) -> Result<String, StrategyError> {
///         if user.id != self.user { return Err(StrategyError::Other("not this user".into())) }
///         Ok(self.token.clone())
///     }
///     async fn read(&self, token: &str, accounts: &Accounts<P>) -> Result<Option<User<P>>, StrategyError> {
///         if token != self.token { return Ok(None) }
///         Ok(accounts.get(&self.user).await?)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no strategy for users with this profile",
    note = "a backend is a name, a transport such as `Bearer` or `Cookie`, and a strategy such as `Jwt` or `Opaque`"
)]
pub trait Strategy<P: Profile>: Send + Sync + 'static {
    /// A new token for a user who has just logged in.
    fn write(
        &self,
        user: &User<P>,
        accounts: &Accounts<P>,
    ) -> impl Future<Output = Result<String, StrategyError>> + Send;

    /// Whose token this is. `None` for a token that is not valid; an error only when that cannot be told.
    fn read(
        &self,
        token: &str,
        accounts: &Accounts<P>,
    ) -> impl Future<Output = Result<Option<User<P>>, StrategyError>> + Send;

    /// When the bearer of a token that [`read`](Self::read) accepts logged in. `None` if that is not known, and then the login
    /// does not count as recent where [`Policy::recent_login`] asks for one.
    #[expect(unused_variables, reason = "the names are documentation")]
    fn authenticated_at(
        &self,
        token: &str,
        accounts: &Accounts<P>,
    ) -> impl Future<Output = Result<Option<OffsetDateTime>, StrategyError>> + Send {
        async { Ok(None) }
    }

    /// Makes a token invalid, as far as the strategy can.
    #[expect(unused_variables, reason = "the names are documentation")]
    fn destroy(
        &self,
        token: &str,
        accounts: &Accounts<P>,
    ) -> impl Future<Output = Result<(), StrategyError>> + Send {
        async { Ok(()) }
    }

    /// Makes all tokens of a user invalid, if the strategy keeps any: called after a new password, beside the
    /// transaction that wrote it.
    #[expect(unused_variables, reason = "the names are documentation")]
    fn destroy_all(&self, user: &P::Id) -> impl Future<Output = Result<(), StrategyError>> + Send {
        async { Ok(()) }
    }

    /// Removes at most `limit` tokens that are over, if the strategy keeps any, and tells how many.
    #[expect(unused_variables, reason = "the names are documentation")]
    fn remove_expired(&self, limit: u32) -> impl Future<Output = Result<u64, StrategyError>> + Send {
        async { Ok(0) }
    }

    /// What is wrong with the settings under this policy, if anything; asked once, when `Users` is built.
    ///
    /// # Errors
    /// A sentence that names the setting, never its secret value.
    #[expect(unused_variables, reason = "the names are documentation")]
    fn check(&self, policy: &Policy) -> Result<(), String> {
        Ok(())
    }
}

/// What strategies know of the users.
pub struct Accounts<P: Profile> {
    store: Arc<dyn DynUserStore<P>>,
    policy: Arc<Policy>,
    fingerprint_key: Secret,
}

impl<P: Profile> Accounts<P> {
    pub(crate) const fn new(
        store: Arc<dyn DynUserStore<P>>,
        policy: Arc<Policy>,
        fingerprint_key: Secret,
    ) -> Self {
        Self { store, policy, fingerprint_key }
    }

    /// The user with this id.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    pub async fn get(&self, id: &P::Id) -> Result<Option<User<P>>, StoreError> {
        self.store.get(id).await
    }

    /// The user with this id, unless the token with this unique name was revoked.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    pub async fn get_unless_revoked(
        &self,
        id: &P::Id,
        token_id: &str,
    ) -> Result<Option<User<P>>, StoreError> {
        self.store.get_unless_revoked(id, &digest(token_id)).await
    }

    /// Revokes the token with this unique name; it may be forgotten after `expires_at`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    pub async fn revoke(&self, token_id: &str, expires_at: OffsetDateTime) -> Result<(), StoreError> {
        self.store.revoke(&digest(token_id), expires_at).await.map(drop)
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Changes whenever the user's password does, and where the policy has new addresses confirmed with the address too, and
    /// tells nothing about them: a token that carries it dies with the password, at no cost but the user that is read
    /// anyway.
    pub fn fingerprint(&self, user: &User<P>) -> String {
        let password = user.hashed_password.as_str().as_bytes();
        match self.policy.ends_sessions_on_email_change() {
            true => fingerprint(&self.fingerprint_key, &[password, user.email.as_bytes()]),
            false => fingerprint(&self.fingerprint_key, &[password]),
        }
    }
}

/// Why a strategy could not tell or do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// The store behind it failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] BoxError),
}

impl From<StrategyError> for crate::UserError {
    fn from(error: StrategyError) -> Self {
        match error {
            StrategyError::Store(error) => error.into(),
            StrategyError::Other(error) => Self::Strategy(error),
        }
    }
}

/// The private object-safe mirror of [`Strategy`].
pub(crate) trait DynStrategy<P: Profile>: Send + Sync {
    fn write<'a>(&'a self, user: &'a User<P>, accounts: &'a Accounts<P>) -> Answer<'a, String>;
    fn read<'a>(&'a self, token: &'a str, accounts: &'a Accounts<P>) -> Answer<'a, Option<User<P>>>;
    fn authenticated_at<'a>(
        &'a self,
        token: &'a str,
        accounts: &'a Accounts<P>,
    ) -> Answer<'a, Option<OffsetDateTime>>;
    fn destroy<'a>(&'a self, token: &'a str, accounts: &'a Accounts<P>) -> Answer<'a, ()>;
    fn destroy_all<'a>(&'a self, user: &'a P::Id) -> Answer<'a, ()>;
    fn remove_expired(&self, limit: u32) -> Answer<'_, u64>;
    fn check(&self, policy: &Policy) -> Result<(), String>;
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StrategyError>>;

impl<P: Profile, S: Strategy<P>> DynStrategy<P> for S {
    fn write<'a>(&'a self, user: &'a User<P>, accounts: &'a Accounts<P>) -> Answer<'a, String> {
        Box::pin(Strategy::write(self, user, accounts))
    }
    fn read<'a>(&'a self, token: &'a str, accounts: &'a Accounts<P>) -> Answer<'a, Option<User<P>>> {
        Box::pin(Strategy::read(self, token, accounts))
    }
    fn authenticated_at<'a>(
        &'a self,
        token: &'a str,
        accounts: &'a Accounts<P>,
    ) -> Answer<'a, Option<OffsetDateTime>> {
        Box::pin(Strategy::authenticated_at(self, token, accounts))
    }
    fn destroy<'a>(&'a self, token: &'a str, accounts: &'a Accounts<P>) -> Answer<'a, ()> {
        Box::pin(Strategy::destroy(self, token, accounts))
    }
    fn destroy_all<'a>(&'a self, user: &'a P::Id) -> Answer<'a, ()> {
        Box::pin(Strategy::destroy_all(self, user))
    }
    fn remove_expired(&self, limit: u32) -> Answer<'_, u64> {
        Box::pin(Strategy::remove_expired(self, limit))
    }
    fn check(&self, policy: &Policy) -> Result<(), String> {
        Strategy::check(self, policy)
    }
}
