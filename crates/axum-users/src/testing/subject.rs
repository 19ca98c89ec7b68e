use std::{marker::PhantomData, sync::Arc};

use uuid::Uuid;

use super::{
    Limits, Sample,
    sample::{new_user, nobody},
};
use crate::{AuditStore, BoxFuture, JobStore, LimitStore, TokenStore, UserId, UserStore};

type OwnerOf<I, S> = fn(Arc<S>, String) -> BoxFuture<'static, I>;

/// A store under test.
pub struct Subject<I: UserId, S> {
    pub(super) store: Arc<S>,
    pub(super) limits: Limits,
    owner: OwnerOf<I, S>,
    ids: PhantomData<fn() -> I>,
}

impl<I: UserId, S: UserStore<Sample<I>>> Subject<I, S> {
    /// A store of users, and maybe of tokens.
    pub fn of_users(store: S, limits: Limits) -> Self {
        let owner: OwnerOf<I, S> = |store, email| {
            Box::pin(async move { UserStore::insert(&*store, new_user(&email)).await.unwrap().id })
        };
        Self { store: Arc::new(store), limits, owner, ids: PhantomData }
    }
}

impl<I: UserId, S: TokenStore<Sample<I>>> Subject<I, S> {
    /// A store of tokens, to which every id is a user.
    pub fn of_tokens(store: S, limits: Limits) -> Self {
        let owner: OwnerOf<I, S> = |_, email| Box::pin(async move { some_id(&email) });
        Self { store: Arc::new(store), limits, owner, ids: PhantomData }
    }
}

impl<S: JobStore> Subject<Uuid, S> {
    /// A store of jobs, which belong to nobody.
    pub fn of_jobs(store: S, limits: Limits) -> Self {
        let owner: OwnerOf<Uuid, S> = |_, email| Box::pin(async move { some_id(&email) });
        Self { store: Arc::new(store), limits, owner, ids: PhantomData }
    }
}

impl<S: AuditStore> Subject<Uuid, S> {
    /// A store of audit events, whose users it need not know.
    pub fn of_events(store: S, limits: Limits) -> Self {
        let owner: OwnerOf<Uuid, S> = |_, email| Box::pin(async move { some_id(&email) });
        Self { store: Arc::new(store), limits, owner, ids: PhantomData }
    }
}

impl<S: LimitStore> Subject<Uuid, S> {
    /// A store of limits, which belong to nobody.
    pub fn of_limits(store: S, limits: Limits) -> Self {
        let owner: OwnerOf<Uuid, S> = |_, email| Box::pin(async move { some_id(&email) });
        Self { store: Arc::new(store), limits, owner, ids: PhantomData }
    }
}

impl<I: UserId, S> Subject<I, S> {
    /// Whose tokens can be kept.
    pub(super) async fn owner(&self, email: &str) -> I {
        (self.owner)(Arc::clone(&self.store), email.to_owned()).await
    }
}

/// Integers must differ, too.
fn some_id<I: UserId>(email: &str) -> I {
    let digits: u32 = email.bytes().fold(1, |sum, byte| (sum * 31 + u32::from(byte)) % 1_000_000);
    I::parse(&digits.to_string()).unwrap_or_else(nobody)
}
