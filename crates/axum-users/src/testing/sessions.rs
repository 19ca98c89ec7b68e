//! Tokens in the store that keeps their users too.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::{
    Sample, Subject,
    races::{TASKS, at_once},
    sample::{KING, new_user, nobody},
    tokens::{add, owner},
};
use crate::{Changes, NewToken, StoreError, TokenStore, UserId, UserStore};

pub async fn an_update_ends_sessions_if_it_writes<I, S>(subject: Subject<I, S>)
where
    I: UserId,
    S: UserStore<Sample<I>> + TokenStore<Sample<I>>,
{
    let (king, merlin) = (subject.owner(KING).await, subject.owner("merlin@camelot.bt").await);
    let (store, now) = (subject.store, OffsetDateTime::now_utc());
    add(&*store, "a", &king, now).await;
    add(&*store, "b", &merlin, now).await;
    let end = Changes { end_sessions: true, is_verified: Some(true), ..Changes::default() };
    let refused = Changes { if_email_is: Some("another@camelot.bt".to_owned()), ..end.clone() };
    assert!(store.update(&merlin, &refused).await.unwrap().is_none());
    let taken = Changes { email: Some(KING.to_owned()), ..end.clone() };
    assert!(matches!(store.update(&merlin, &taken).await, Err(StoreError::Duplicate)));
    assert_eq!(owner(&*store, "b", None).await, Some(merlin.clone()));
    assert!(store.update(&merlin, &end).await.unwrap().is_some());
    assert_eq!(owner(&*store, "b", None).await, None);
    assert_eq!(owner(&*store, "a", None).await, Some(king.clone()));
    let only_end = Changes { end_sessions: true, ..Changes::default() };
    assert!(store.update(&king, &only_end).await.unwrap().is_some());
    assert_eq!(owner(&*store, "a", None).await, None);
}

pub async fn tokens_of_a_deleted_user_end<I, S>(subject: Subject<I, S>)
where
    I: UserId,
    S: UserStore<Sample<I>> + TokenStore<Sample<I>>,
{
    let (king, merlin) = (subject.owner(KING).await, subject.owner("merlin@camelot.bt").await);
    let (store, now) = (subject.store, OffsetDateTime::now_utc());
    for (token, user) in [("a", &king), ("b", &king), ("c", &merlin)] {
        add(&*store, token, user, now).await;
    }
    store.delete(&king).await.unwrap();
    assert_eq!((owner(&*store, "a", None).await, owner(&*store, "b", None).await), (None, None));
    assert!(!TokenStore::remove(&*store, "a").await.unwrap());
    assert_eq!(owner(&*store, "c", None).await, Some(merlin));
}

/// A session that is made while its user is deleted.
pub async fn tokens_of_nobody_yield_nobody<I, S>(subject: Subject<I, S>)
where
    I: UserId,
    S: UserStore<Sample<I>> + TokenStore<Sample<I>>,
{
    let store = &subject.store;
    let nobody = nobody::<I>();
    let expires_at = Some(OffsetDateTime::now_utc() + Duration::hours(1));
    let created_at = OffsetDateTime::now_utc();
    let token = NewToken { token: "nobody", user: &nobody, created_at, expires_at };
    let refused = TokenStore::insert(&**store, token).await;
    assert!(matches!(refused, Err(StoreError::NoSuchUser)), "{refused:?}");
    assert!(store.find("nobody", None).await.unwrap().is_none());

    let king = UserStore::insert(&**store, new_user(KING)).await.unwrap().id;
    at_once(|number| {
        let (store, king) = (Arc::clone(store), king.clone());
        async move {
            if number == TASKS / 2 {
                assert!(store.delete(&king).await.unwrap());
                return;
            }
            let token = format!("token{number}");
            let token = NewToken { token: &token, user: &king, created_at, expires_at };
            let made = TokenStore::insert(&*store, token).await;
            assert!(matches!(made, Ok(()) | Err(StoreError::NoSuchUser)), "{made:?}");
        }
    })
    .await;
    for number in 0..TASKS {
        assert!(store.find(&format!("token{number}"), None).await.unwrap().is_none());
    }
}
