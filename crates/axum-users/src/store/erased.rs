//! The private object-safe mirrors of the store traits.

use time::OffsetDateTime;

use super::{Found, NewToken, StoreError, TokenStore, UserStore};
use crate::{
    BoxFuture, Profile,
    user::{Changes, NewUser, User},
};

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

pub(crate) trait DynUserStore<P: Profile>: Send + Sync {
    fn get<'a>(&'a self, id: &'a P::Id) -> Answer<'a, Option<User<P>>>;
    fn get_by_email<'a>(&'a self, email: &'a str) -> Answer<'a, Option<User<P>>>;
    fn list<'a>(&'a self, after: Option<&'a P::Id>, limit: u32) -> Answer<'a, Vec<User<P>>>;
    fn insert(&self, user: NewUser<P>) -> Answer<'_, User<P>>;
    fn update<'a>(&'a self, id: &'a P::Id, changes: &'a Changes) -> Answer<'a, Option<User<P>>>;
    fn delete<'a>(&'a self, id: &'a P::Id) -> Answer<'a, bool>;
    fn revoke<'a>(&'a self, digest: &'a str, expires_at: OffsetDateTime) -> Answer<'a, bool>;
    fn get_unless_revoked<'a>(&'a self, id: &'a P::Id, digest: &'a str) -> Answer<'a, Option<User<P>>>;
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
}

pub(crate) trait DynTokenStore<P: Profile>: Send + Sync {
    fn insert<'a>(&'a self, new: NewToken<'a, P>) -> Answer<'a, ()>;
    fn find<'a>(&'a self, token: &'a str, not_before: Option<OffsetDateTime>)
    -> Answer<'a, Option<Found<P>>>;
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
