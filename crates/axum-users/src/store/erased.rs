//! The private object-safe mirrors of the store traits.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    AuditFilter, AuditStore, Bucket, DeadJob, Found, JobCounts, JobStore, LeasedJob, LimitStore, NewJob,
    NewToken, StoreError, TokenStore, UserStore,
};
#[cfg(feature = "oauth")]
use super::{OAuthAccount, OAuthStore};
use crate::{
    AuditEvent, BoxFuture, PasswordHash, Profile,
    user::{Changes, NewUser, User},
};

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

pub(crate) trait DynUserStore<P: Profile>: Send + Sync {
    fn get<'a>(&'a self, id: &'a P::Id) -> Answer<'a, Option<User<P>>>;
    fn get_by_email<'a>(&'a self, email: &'a str) -> Answer<'a, Option<User<P>>>;
    fn list<'a>(&'a self, after: Option<&'a P::Id>, limit: u32) -> Answer<'a, Vec<User<P>>>;
    fn insert(&self, user: NewUser<P>) -> Answer<'_, User<P>>;
    fn insert_hidden(&self, user: NewUser<P>) -> Answer<'_, User<P>>;
    fn update<'a>(&'a self, id: &'a P::Id, changes: &'a Changes) -> Answer<'a, Option<User<P>>>;
    fn delete<'a>(&'a self, id: &'a P::Id) -> Answer<'a, bool>;
    fn revoke<'a>(&'a self, digest: &'a str, expires_at: OffsetDateTime) -> Answer<'a, bool>;
    fn get_unless_revoked<'a>(&'a self, id: &'a P::Id, digest: &'a str) -> Answer<'a, Option<User<P>>>;
    fn sample_hashes(&self, limit: u32) -> Answer<'_, Vec<PasswordHash>>;
}

impl<P: Profile, S: UserStore<P>> DynUserStore<P> for S {
    fn get<'a>(&'a self, id: &'a P::Id) -> Answer<'a, Option<User<P>>> {
        Box::pin(UserStore::get(self, id))
    }
    fn get_by_email<'a>(&'a self, email: &'a str) -> Answer<'a, Option<User<P>>> {
        Box::pin(UserStore::get_by_email(self, email))
    }
    fn list<'a>(&'a self, after: Option<&'a P::Id>, limit: u32) -> Answer<'a, Vec<User<P>>> {
        Box::pin(UserStore::list(self, after, limit))
    }
    fn insert(&self, user: NewUser<P>) -> Answer<'_, User<P>> {
        Box::pin(UserStore::insert(self, user))
    }
    fn insert_hidden(&self, user: NewUser<P>) -> Answer<'_, User<P>> {
        Box::pin(UserStore::insert_hidden(self, user))
    }
    fn update<'a>(&'a self, id: &'a P::Id, changes: &'a Changes) -> Answer<'a, Option<User<P>>> {
        Box::pin(UserStore::update(self, id, changes))
    }
    fn delete<'a>(&'a self, id: &'a P::Id) -> Answer<'a, bool> {
        Box::pin(UserStore::delete(self, id))
    }
    fn revoke<'a>(&'a self, digest: &'a str, expires_at: OffsetDateTime) -> Answer<'a, bool> {
        Box::pin(UserStore::revoke(self, digest, expires_at))
    }
    fn get_unless_revoked<'a>(&'a self, id: &'a P::Id, digest: &'a str) -> Answer<'a, Option<User<P>>> {
        Box::pin(UserStore::get_unless_revoked(self, id, digest))
    }
    fn sample_hashes(&self, limit: u32) -> Answer<'_, Vec<PasswordHash>> {
        Box::pin(UserStore::sample_hashes(self, limit))
    }
}

#[cfg(feature = "oauth")]
pub(crate) trait DynOAuthStore<P: Profile>: Send + Sync {
    fn get_by_account<'a>(&'a self, oauth_name: &'a str, account_id: &'a str) -> Answer<'a, Option<User<P>>>;
    fn accounts<'a>(&'a self, user: &'a P::Id) -> Answer<'a, Vec<OAuthAccount>>;
    fn insert_with_account<'a>(&'a self, user: NewUser<P>, account: &'a OAuthAccount) -> Answer<'a, User<P>>;
    fn put_account<'a>(&'a self, user: &'a P::Id, account: &'a OAuthAccount) -> Answer<'a, ()>;
    fn update_with_only_account<'a>(
        &'a self,
        user: &'a P::Id,
        changes: &'a Changes,
        account: &'a OAuthAccount,
    ) -> Answer<'a, Option<User<P>>>;
    fn remove_account<'a>(
        &'a self,
        user: &'a P::Id,
        oauth_name: &'a str,
        account_id: &'a str,
        keep_last: bool,
    ) -> Answer<'a, bool>;
}

#[cfg(feature = "oauth")]
impl<P: Profile, S: OAuthStore<P>> DynOAuthStore<P> for S {
    fn get_by_account<'a>(&'a self, oauth_name: &'a str, account_id: &'a str) -> Answer<'a, Option<User<P>>> {
        Box::pin(OAuthStore::get_by_account(self, oauth_name, account_id))
    }
    fn accounts<'a>(&'a self, user: &'a P::Id) -> Answer<'a, Vec<OAuthAccount>> {
        Box::pin(OAuthStore::accounts(self, user))
    }
    fn insert_with_account<'a>(&'a self, user: NewUser<P>, account: &'a OAuthAccount) -> Answer<'a, User<P>> {
        Box::pin(OAuthStore::insert_with_account(self, user, account))
    }
    fn put_account<'a>(&'a self, user: &'a P::Id, account: &'a OAuthAccount) -> Answer<'a, ()> {
        Box::pin(OAuthStore::put_account(self, user, account))
    }
    fn update_with_only_account<'a>(
        &'a self,
        user: &'a P::Id,
        changes: &'a Changes,
        account: &'a OAuthAccount,
    ) -> Answer<'a, Option<User<P>>> {
        Box::pin(OAuthStore::update_with_only_account(self, user, changes, account))
    }
    fn remove_account<'a>(
        &'a self,
        user: &'a P::Id,
        oauth_name: &'a str,
        account_id: &'a str,
        keep_last: bool,
    ) -> Answer<'a, bool> {
        Box::pin(OAuthStore::remove_account(self, user, oauth_name, account_id, keep_last))
    }
}

pub(crate) trait DynTokenStore<P: Profile>: Send + Sync {
    fn insert<'a>(&'a self, new: NewToken<'a, P>) -> Answer<'a, ()>;
    fn find<'a>(&'a self, token: &'a str, not_before: Option<OffsetDateTime>)
    -> Answer<'a, Option<Found<P>>>;
    fn created_at<'a>(&'a self, token: &'a str) -> Answer<'a, Option<OffsetDateTime>>;
    fn remove<'a>(&'a self, token: &'a str) -> Answer<'a, bool>;
    fn remove_all<'a>(&'a self, user: &'a P::Id) -> Answer<'a, ()>;
    fn remove_expired(&self, now: OffsetDateTime, limit: u32) -> Answer<'_, u64>;
}

impl<P: Profile, S: TokenStore<P>> DynTokenStore<P> for S {
    fn insert<'a>(&'a self, new: NewToken<'a, P>) -> Answer<'a, ()> {
        Box::pin(TokenStore::insert(self, new))
    }
    fn find<'a>(
        &'a self,
        token: &'a str,
        not_before: Option<OffsetDateTime>,
    ) -> Answer<'a, Option<Found<P>>> {
        Box::pin(TokenStore::find(self, token, not_before))
    }
    fn created_at<'a>(&'a self, token: &'a str) -> Answer<'a, Option<OffsetDateTime>> {
        Box::pin(TokenStore::created_at(self, token))
    }
    fn remove<'a>(&'a self, token: &'a str) -> Answer<'a, bool> {
        Box::pin(TokenStore::remove(self, token))
    }
    fn remove_all<'a>(&'a self, user: &'a P::Id) -> Answer<'a, ()> {
        Box::pin(TokenStore::remove_all(self, user))
    }
    fn remove_expired(&self, now: OffsetDateTime, limit: u32) -> Answer<'_, u64> {
        Box::pin(TokenStore::remove_expired(self, now, limit))
    }
}

pub(crate) trait DynLimitStore: Send + Sync {
    fn take<'a>(&'a self, buckets: &'a [Bucket]) -> Answer<'a, Vec<Duration>>;
    fn give_back<'a>(&'a self, buckets: &'a [Bucket]) -> Answer<'a, ()>;
    fn forget<'a>(&'a self, keys: &'a [String]) -> Answer<'a, ()>;
    fn remove_expired(&self, limit: u32) -> Answer<'_, u64>;
}

impl<S: LimitStore> DynLimitStore for S {
    fn take<'a>(&'a self, buckets: &'a [Bucket]) -> Answer<'a, Vec<Duration>> {
        Box::pin(LimitStore::take(self, buckets))
    }
    fn give_back<'a>(&'a self, buckets: &'a [Bucket]) -> Answer<'a, ()> {
        Box::pin(LimitStore::give_back(self, buckets))
    }
    fn forget<'a>(&'a self, keys: &'a [String]) -> Answer<'a, ()> {
        Box::pin(LimitStore::forget(self, keys))
    }
    fn remove_expired(&self, limit: u32) -> Answer<'_, u64> {
        Box::pin(LimitStore::remove_expired(self, limit))
    }
}

pub(crate) trait DynJobStore: Send + Sync {
    fn enqueue_all(&self, jobs: Vec<NewJob>) -> Answer<'_, ()>;
    fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, limit: u32) -> Answer<'_, Vec<LeasedJob>>;
    fn finish_all<'a>(&'a self, jobs: &'a [LeasedJob]) -> Answer<'a, u64>;
    fn retry<'a>(&'a self, job: &'a LeasedJob, due_at: OffsetDateTime) -> Answer<'a, bool>;
    fn bury<'a>(&'a self, job: &'a LeasedJob, now: OffsetDateTime, reason: &'a str) -> Answer<'a, bool>;
    fn dead(&self, limit: u32) -> Answer<'_, Vec<DeadJob>>;
    fn revive(&self, id: Uuid, now: OffsetDateTime) -> Answer<'_, bool>;
    fn remove_dead(&self, before: OffsetDateTime) -> Answer<'_, u64>;
    fn count(&self) -> Answer<'_, JobCounts>;
}

impl<S: JobStore> DynJobStore for S {
    fn enqueue_all(&self, jobs: Vec<NewJob>) -> Answer<'_, ()> {
        Box::pin(JobStore::enqueue_all(self, jobs))
    }
    fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, limit: u32) -> Answer<'_, Vec<LeasedJob>> {
        Box::pin(JobStore::lease(self, now, until, limit))
    }
    fn finish_all<'a>(&'a self, jobs: &'a [LeasedJob]) -> Answer<'a, u64> {
        Box::pin(JobStore::finish_all(self, jobs))
    }
    fn retry<'a>(&'a self, job: &'a LeasedJob, due_at: OffsetDateTime) -> Answer<'a, bool> {
        Box::pin(JobStore::retry(self, job, due_at))
    }
    fn bury<'a>(&'a self, job: &'a LeasedJob, now: OffsetDateTime, reason: &'a str) -> Answer<'a, bool> {
        Box::pin(JobStore::bury(self, job, now, reason))
    }
    fn dead(&self, limit: u32) -> Answer<'_, Vec<DeadJob>> {
        Box::pin(JobStore::dead(self, limit))
    }
    fn revive(&self, id: Uuid, now: OffsetDateTime) -> Answer<'_, bool> {
        Box::pin(JobStore::revive(self, id, now))
    }
    fn remove_dead(&self, before: OffsetDateTime) -> Answer<'_, u64> {
        Box::pin(JobStore::remove_dead(self, before))
    }
    fn count(&self) -> Answer<'_, JobCounts> {
        Box::pin(JobStore::count(self))
    }
}

pub(crate) trait DynAuditStore: Send + Sync {
    fn record<'a>(&'a self, events: &'a [AuditEvent]) -> Answer<'a, ()>;
    fn list<'a>(
        &'a self,
        filter: &'a AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Answer<'a, Vec<AuditEvent>>;
    fn remove_before(&self, time: OffsetDateTime, limit: u32) -> Answer<'_, u64>;
}

impl<S: AuditStore> DynAuditStore for S {
    fn record<'a>(&'a self, events: &'a [AuditEvent]) -> Answer<'a, ()> {
        Box::pin(AuditStore::record(self, events))
    }
    fn list<'a>(
        &'a self,
        filter: &'a AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Answer<'a, Vec<AuditEvent>> {
        Box::pin(AuditStore::list(self, filter, after, limit))
    }
    fn remove_before(&self, time: OffsetDateTime, limit: u32) -> Answer<'_, u64> {
        Box::pin(AuditStore::remove_before(self, time, limit))
    }
}
