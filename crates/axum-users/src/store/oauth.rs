//! Accounts at providers, by which users log in.

use std::fmt;

use super::{StoreError, UserStore};
use crate::{
    Profile,
    user::{Changes, NewUser, User},
};

/// A user's account at a provider, such as Google.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OAuthAccount {
    /// The name of the provider: `google`.
    pub oauth_name: String,
    /// What the provider calls the account. It never changes, and is compared byte by byte.
    pub account_id: String,
    /// The address that the provider has for the account; it may be another than the user's.
    pub account_email: String,
    /// Opens the provider's interfaces in the name of the user.
    pub access_token: String,
    /// When the access token ends, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// Gets a new access token.
    pub refresh_token: Option<String>,
}

/// Never shows the tokens.
impl fmt::Debug for OAuthAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthAccount")
            .field("oauth_name", &self.oauth_name)
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}

/// Keeps users together with their accounts at providers. An account, that is the name of a provider and an account id,
/// belongs to one user at most: decided by a unique index.
///
/// The example keeps accounts beside the users of another store, all under one lock; what it does there, a database does in
/// one transaction.
///
/// ```
/// use axum_users::{Changes, MemoryStore, NewUser, OAuthAccount, OAuthStore, Profile, StoreError, User, UserStore};
/// use time::OffsetDateTime;
/// use tokio::sync::Mutex;
///
/// struct Store<P: Profile> { users: MemoryStore<P>, accounts: Mutex<Vec<(P::Id, OAuthAccount)>> }
///
/// fn is(account: &OAuthAccount, name: &str, id: &str) -> bool { account.oauth_name == name && account.account_id == id }
///
/// /// Whether somebody else has the account.
/// fn is_taken<I: PartialEq>(accounts: &[(I, OAuthAccount)], user: Option<&I>, account: &OAuthAccount) -> bool {
///     accounts.iter().any(|(owner, other)| {
///         is(other, &account.oauth_name, &account.account_id) && Some(owner) != user
///     })
/// }
///
/// impl<P: Profile> OAuthStore<P> for Store<P> {
///     async fn get_by_account(&self, name: &str, id: &str) -> Result<Option<User<P>>, StoreError> {
///         let accounts = self.accounts.lock().await;
///         match accounts.iter().find(|(_, account)| is(account, name, id)) {
///             Some((owner, _)) => self.users.get(owner).await,
///             None => Ok(None),
///         }
///     }
///     async fn accounts(&self, user: &P::Id) -> Result<Vec<OAuthAccount>, StoreError> {
///         let accounts = self.accounts.lock().await;
///         let of_user = accounts.iter().filter(|(owner, _)| owner == user);
///         let mut of_user: Vec<_> = of_user.map(|(_, account)| account.clone()).collect();
///         of_user.sort();
///         Ok(of_user)
///     }
///     async fn insert_with_account(&self, user: NewUser<P>, account: &OAuthAccount) -> Result<User<P>, StoreError> {
///         let mut accounts = self.accounts.lock().await;
///         if is_taken(&accounts, None, account) { return Err(StoreError::AccountTaken) }
///         let user = UserStore::insert(&self.users, user).await?;
///         accounts.push((user.id.clone(), account.clone()));
///         Ok(user)
///     }
///     async fn put_account(&self, user: &P::Id, account: &OAuthAccount) -> Result<(), StoreError> {
///         let mut accounts = self.accounts.lock().await;
///         if is_taken(&accounts, Some(user), account) { return Err(StoreError::AccountTaken) }
///         if self.users.get(user).await?.is_none() { return Err(StoreError::NoSuchUser) }
///         accounts.retain(|(_, other)| !is(other, &account.oauth_name, &account.account_id));
///         accounts.push((user.clone(), account.clone()));
///         Ok(())
///     }
///     async fn update_with_only_account(
///         &self, user: &P::Id, changes: &Changes, account: &OAuthAccount,
///     ) -> Result<Option<User<P>>, StoreError> {
///         let mut accounts = self.accounts.lock().await;
///         if is_taken(&accounts, Some(user), account) { return Err(StoreError::AccountTaken) }
///         let Some(updated) = self.users.update(user, changes).await? else { return Ok(None) };
///         accounts.retain(|(owner, _)| owner != user);
///         accounts.push((user.clone(), account.clone()));
///         Ok(Some(updated))
///     }
///     async fn remove_account(
///         &self, user: &P::Id, name: &str, id: &str, keep_last: bool,
///     ) -> Result<bool, StoreError> {
///         let mut accounts = self.accounts.lock().await;
///         let of_user = accounts.iter().filter(|(owner, _)| owner == user).count();
///         if keep_last && of_user < 2 { return Ok(false) }
///         let before = accounts.len();
///         accounts.retain(|(owner, account)| owner != user || !is(account, name, id));
///         Ok(accounts.len() < before)
///     }
/// }
///
/// impl<P: Profile> UserStore<P> for Store<P> {
///     async fn delete(&self, id: &P::Id) -> Result<bool, StoreError> {
///         self.accounts.lock().await.retain(|(owner, _)| owner != id);
///         self.users.delete(id).await
///     }
///     async fn get(&self, id: &P::Id) -> Result<Option<User<P>>, StoreError> { self.users.get(id).await }
///     async fn get_by_email(&self, email: &str) -> Result<Option<User<P>>, StoreError> {
///         self.users.get_by_email(email).await
///     }
///     async fn list(&self, after: Option<&P::Id>, limit: u32) -> Result<Vec<User<P>>, StoreError> {
///         self.users.list(after, limit).await
///     }
///     async fn insert(&self, user: NewUser<P>) -> Result<User<P>, StoreError> {
///         UserStore::insert(&self.users, user).await
///     }
///     async fn update(&self, id: &P::Id, changes: &Changes) -> Result<Option<User<P>>, StoreError> {
///         self.users.update(id, changes).await
///     }
///     async fn revoke(&self, digest: &str, expires_at: OffsetDateTime) -> Result<bool, StoreError> {
///         UserStore::<P>::revoke(&self.users, digest, expires_at).await
///     }
///     async fn get_unless_revoked(&self, id: &P::Id, digest: &str) -> Result<Option<User<P>>, StoreError> {
///         self.users.get_unless_revoked(id, digest).await
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep accounts at providers for users with this profile"
)]
pub trait OAuthStore<P: Profile>: UserStore<P> {
    /// The user to whom this account belongs.
    fn get_by_account(
        &self,
        oauth_name: &str,
        account_id: &str,
    ) -> impl Future<Output = Result<Option<User<P>>, StoreError>> + Send;

    /// The accounts of a user, in the order of their providers and ids.
    fn accounts(&self, user: &P::Id) -> impl Future<Output = Result<Vec<OAuthAccount>, StoreError>> + Send;

    /// Adds a user with an account, or neither: [`StoreError::Duplicate`] when the address is taken,
    /// [`StoreError::AccountTaken`] when the account is.
    fn insert_with_account(
        &self,
        user: NewUser<P>,
        account: &OAuthAccount,
    ) -> impl Future<Output = Result<User<P>, StoreError>> + Send;

    /// Gives the account to the user, or renews its address and tokens if it is the user's already.
    /// [`StoreError::AccountTaken`] when it is somebody else's, [`StoreError::NoSuchUser`] when there is no such user.
    fn put_account(
        &self,
        user: &P::Id,
        account: &OAuthAccount,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Like [`update`](UserStore::update), and in the same transaction the user loses all accounts and is given this
    /// one: for an owner of an address who takes over what somebody else has registered with it.
    fn update_with_only_account(
        &self,
        user: &P::Id,
        changes: &Changes,
        account: &OAuthAccount,
    ) -> impl Future<Output = Result<Option<User<P>>, StoreError>> + Send;

    /// Takes the account from the user, and with `keep_last` only if another one is left; tells whether it did. Of two
    /// that are taken at once one stays.
    fn remove_account(
        &self,
        user: &P::Id,
        oauth_name: &str,
        account_id: &str,
        keep_last: bool,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
