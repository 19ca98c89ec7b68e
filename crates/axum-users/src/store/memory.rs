mod audit;
mod jobs;
mod limits;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicI64, atomic::Ordering::Relaxed},
};

use time::OffsetDateTime;

use super::{Found, NewToken, OAuthAccount, OAuthStore, StoreError, TokenStore, UserStore};
use crate::{
    NoProfile, PasswordHash, Profile, UserId,
    email::fold,
    user::{Changes, NewUser, User},
    value::{ColumnType, Value},
};

/// Keeps users, tokens, jobs, audit events and limits in memory, for tests and experiments: gone when the process ends. Clones share.
#[derive(Clone, Debug)]
pub struct MemoryStore<P: Profile = NoProfile> {
    inner: Arc<Mutex<Inner<P>>>,
    last_id: Arc<AtomicI64>,
}

#[derive(Debug)]
struct Inner<P: Profile> {
    users: Vec<User<P>>,
    tokens: HashMap<String, Token<P::Id>>,
    accounts: Vec<(P::Id, OAuthAccount)>,
    revoked: HashMap<String, OffsetDateTime>,
    jobs: jobs::Jobs,
    events: audit::Events,
    limits: limits::Limits,
}

#[derive(Debug)]
struct Token<I> {
    owner: I,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
}

impl<P: Profile> MemoryStore<P> {
    /// An empty store.
    pub fn new() -> Self {
        let inner = Inner {
            users: Vec::new(),
            tokens: HashMap::new(),
            accounts: Vec::new(),
            revoked: HashMap::new(),
            jobs: jobs::Jobs::default(),
            events: audit::Events::new(),
            limits: limits::Limits::new(),
        };
        Self { inner: Arc::new(Mutex::new(inner)), last_id: Arc::default() }
    }

    // Nothing that holds the lock panics half-way, so a poisoned lock still guards whole data.
    fn lock(&self) -> MutexGuard<'_, Inner<P>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id_of(&self, new: &NewUser<P>) -> Result<P::Id, StoreError> {
        if let Some(id) = &new.id {
            return Ok(id.clone());
        }
        let next = self.last_id.fetch_add(1, Relaxed) + 1;
        P::Id::generate()
            .or_else(|| P::Id::from_value(Value::Integer(next)).ok())
            .ok_or_else(|| StoreError::Backend("ids that a database assigns must be integers".into()))
    }
}

impl<P: Profile> Default for MemoryStore<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Profile> Inner<P> {
    fn by_id(&self, id: &P::Id) -> Option<User<P>> {
        self.users.iter().find(|user| user.id == *id).cloned()
    }

    fn is_taken(&self, email: &str, except: Option<&P::Id>) -> bool {
        let key = fold(email);
        self.users.iter().any(|user| fold(&user.email) == key && Some(&user.id) != except)
    }

    fn insert(&mut self, id: P::Id, new: NewUser<P>) -> Result<User<P>, StoreError> {
        if self.is_taken(&new.email, None) {
            return Err(StoreError::Duplicate);
        }
        let user = User {
            id,
            email: new.email,
            hashed_password: new.hashed_password,
            is_active: new.is_active,
            is_superuser: new.is_superuser,
            is_verified: new.is_verified,
            profile: new.profile,
        };
        self.users.push(user.clone());
        Ok(user)
    }

    fn update(&mut self, id: &P::Id, changes: &Changes) -> Result<Option<User<P>>, StoreError> {
        let duplicate = changes.email.as_ref().is_some_and(|email| self.is_taken(email, Some(id)));
        let Some(user) = self.users.iter_mut().find(|user| user.id == *id) else { return Ok(None) };
        let hash_differs = changes.if_password_is.as_ref().is_some_and(|hash| user.hashed_password != *hash);
        let email_differs = changes.if_email_is.as_ref().is_some_and(|email| user.email != *email);
        if hash_differs || email_differs {
            return Ok(None);
        }
        if duplicate {
            return Err(StoreError::Duplicate);
        }
        changes.apply(user)?;
        let user = user.clone();
        if changes.end_sessions {
            self.tokens.retain(|_, token| token.owner != *id);
        }
        Ok(Some(user))
    }

    fn owner(&self, oauth_name: &str, account_id: &str) -> Option<&P::Id> {
        self.accounts.iter().find(|(_, account)| is(account, oauth_name, account_id)).map(|(owner, _)| owner)
    }

    /// Somebody else has this account.
    fn check_owner(&self, user: &P::Id, account: &OAuthAccount) -> Result<(), StoreError> {
        let owner = self.owner(&account.oauth_name, &account.account_id);
        if owner.is_some_and(|owner| owner != user) { Err(StoreError::AccountTaken) } else { Ok(()) }
    }
}

fn is(account: &OAuthAccount, oauth_name: &str, account_id: &str) -> bool {
    account.oauth_name == oauth_name && account.account_id == account_id
}

impl<P: Profile> UserStore<P> for MemoryStore<P> {
    async fn get(&self, id: &P::Id) -> Result<Option<User<P>>, StoreError> {
        Ok(self.lock().by_id(id))
    }

    async fn get_by_email(&self, email: &str) -> Result<Option<User<P>>, StoreError> {
        let key = fold(email);
        Ok(self.lock().users.iter().find(|user| fold(&user.email) == key).cloned())
    }

    async fn list(&self, after: Option<&P::Id>, limit: u32) -> Result<Vec<User<P>>, StoreError> {
        let inner = self.lock();
        let mut users: Vec<_> = inner.users.iter().collect();
        users.sort_by_cached_key(|user| sort_key(&user.id));
        let after = after.map(sort_key);
        let rest =
            users.into_iter().filter(|user| after.as_ref().is_none_or(|after| sort_key(&user.id) > *after));
        Ok(rest.take(limit as usize).cloned().collect())
    }

    async fn insert(&self, new: NewUser<P>) -> Result<User<P>, StoreError> {
        let id = self.id_of(&new)?;
        self.lock().insert(id, new)
    }

    async fn update(&self, id: &P::Id, changes: &Changes) -> Result<Option<User<P>>, StoreError> {
        self.lock().update(id, changes)
    }

    async fn delete(&self, id: &P::Id) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        let before = inner.users.len();
        inner.users.retain(|user| user.id != *id);
        inner.tokens.retain(|_, token| token.owner != *id);
        inner.accounts.retain(|(owner, _)| owner != id);
        Ok(inner.users.len() < before)
    }

    async fn revoke(&self, digest: &str, expires_at: OffsetDateTime) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        let now = OffsetDateTime::now_utc();
        inner.revoked.retain(|_, expires_at| *expires_at > now);
        let Entry::Vacant(entry) = inner.revoked.entry(digest.to_owned()) else { return Ok(false) };
        entry.insert(expires_at);
        Ok(true)
    }

    async fn get_unless_revoked(&self, id: &P::Id, digest: &str) -> Result<Option<User<P>>, StoreError> {
        let inner = self.lock();
        Ok(if inner.revoked.contains_key(digest) { None } else { inner.by_id(id) })
    }

    async fn sample_hashes(&self, limit: u32) -> Result<Vec<PasswordHash>, StoreError> {
        let inner = self.lock();
        let step = inner.users.len().div_ceil((limit as usize).max(1)).max(1);
        let sample = inner.users.iter().step_by(step).take(limit as usize);
        Ok(sample.map(|user| user.hashed_password.clone()).collect())
    }
}

impl<P: Profile> TokenStore<P> for MemoryStore<P> {
    async fn insert(&self, new: NewToken<'_, P>) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if inner.by_id(new.user).is_none() {
            return Err(StoreError::NoSuchUser);
        }
        if inner.tokens.contains_key(new.token) {
            return Err(StoreError::Backend("the token is in use".into()));
        }
        let NewToken { token, user, created_at, expires_at } = new;
        inner.tokens.insert(token.to_owned(), Token { owner: user.clone(), created_at, expires_at });
        Ok(())
    }

    async fn find(
        &self,
        token: &str,
        not_before: Option<OffsetDateTime>,
    ) -> Result<Option<Found<P>>, StoreError> {
        let inner = self.lock();
        let found = inner.tokens.get(token);
        let live = found.filter(|token| not_before.is_none_or(|time| token.created_at >= time));
        Ok(live.map(|token| match inner.by_id(&token.owner) {
            Some(user) => Found::User(Box::new(user)),
            None => Found::Id(token.owner.clone()),
        }))
    }

    async fn created_at(&self, token: &str) -> Result<Option<OffsetDateTime>, StoreError> {
        Ok(self.lock().tokens.get(token).map(|token| token.created_at))
    }

    async fn remove(&self, token: &str) -> Result<bool, StoreError> {
        Ok(self.lock().tokens.remove(token).is_some())
    }

    async fn remove_all(&self, user: &P::Id) -> Result<(), StoreError> {
        self.lock().tokens.retain(|_, token| token.owner != *user);
        Ok(())
    }

    async fn remove_expired(&self, now: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let tokens = &mut self.lock().tokens;
        let is_over = |token: &Token<P::Id>| token.expires_at.is_some_and(|end| end < now);
        let over = tokens.extract_if(|_, token| is_over(token)).take(limit as usize);
        Ok(over.count() as u64)
    }
}

impl<P: Profile> OAuthStore<P> for MemoryStore<P> {
    async fn get_by_account(
        &self,
        oauth_name: &str,
        account_id: &str,
    ) -> Result<Option<User<P>>, StoreError> {
        let inner = self.lock();
        Ok(inner.owner(oauth_name, account_id).and_then(|owner| inner.by_id(owner)))
    }

    async fn accounts(&self, user: &P::Id) -> Result<Vec<OAuthAccount>, StoreError> {
        let inner = self.lock();
        let of_user = inner.accounts.iter().filter(|(owner, _)| owner == user);
        let mut accounts: Vec<_> = of_user.map(|(_, account)| account.clone()).collect();
        accounts.sort();
        Ok(accounts)
    }

    async fn insert_with_account(
        &self,
        user: NewUser<P>,
        account: &OAuthAccount,
    ) -> Result<User<P>, StoreError> {
        let id = self.id_of(&user)?;
        let mut inner = self.lock();
        inner.check_owner(&id, account)?;
        let user = inner.insert(id.clone(), user)?;
        inner.accounts.push((id, account.clone()));
        Ok(user)
    }

    async fn put_account(&self, user: &P::Id, account: &OAuthAccount) -> Result<(), StoreError> {
        let mut inner = self.lock();
        inner.check_owner(user, account)?;
        if inner.by_id(user).is_none() {
            return Err(StoreError::NoSuchUser);
        }
        inner.accounts.retain(|(_, other)| !is(other, &account.oauth_name, &account.account_id));
        inner.accounts.push((user.clone(), account.clone()));
        Ok(())
    }

    async fn update_with_only_account(
        &self,
        user: &P::Id,
        changes: &Changes,
        account: &OAuthAccount,
    ) -> Result<Option<User<P>>, StoreError> {
        let mut inner = self.lock();
        inner.check_owner(user, account)?;
        let Some(updated) = inner.update(user, changes)? else { return Ok(None) };
        inner.accounts.retain(|(owner, _)| owner != user);
        inner.accounts.push((user.clone(), account.clone()));
        Ok(Some(updated))
    }

    async fn remove_account(
        &self,
        user: &P::Id,
        oauth_name: &str,
        account_id: &str,
        keep_last: bool,
    ) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        let of_user = inner.accounts.iter().filter(|(owner, _)| owner == user).count();
        if inner.owner(oauth_name, account_id) != Some(user) || (keep_last && of_user < 2) {
            return Ok(false);
        }
        inner.accounts.retain(|(_, account)| !is(account, oauth_name, account_id));
        Ok(true)
    }
}

/// Numbers sort as numbers, everything else as its text: the order of a database's primary key.
fn sort_key<I: UserId>(id: &I) -> (Option<i64>, String) {
    match id.clone().into_value() {
        Value::Integer(number) => (Some(number), String::new()),
        _ => (None, id.to_string()),
    }
}
