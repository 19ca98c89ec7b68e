//! Session tokens, whether or not the store keeps their users too.

use std::sync::Arc;

use time::{Duration, OffsetDateTime, macros::datetime, macros::offset};

use super::{
    Sample, Subject,
    races::{TASKS, at_once, count},
};
use crate::{Found, NewToken, TokenStore, UserId};

const KING: &str = "king.arthur@camelot.bt";
const MERLIN: &str = "merlin@camelot.bt";
const MADE: OffsetDateTime = datetime!(2026-02-28 12:00 UTC);

/// Keeps a token that is not forgotten during the test.
pub(super) async fn add<I: UserId, S: TokenStore<Sample<I>>>(
    store: &S,
    token: &str,
    user: &I,
    created_at: OffsetDateTime,
) {
    let expires_at = Some(OffsetDateTime::now_utc() + Duration::hours(1));
    store.insert(NewToken { token, user, created_at, expires_at }).await.unwrap();
}

/// Whose token this is.
pub(super) async fn owner<I: UserId, S: TokenStore<Sample<I>>>(
    store: &S,
    token: &str,
    not_before: Option<OffsetDateTime>,
) -> Option<I> {
    match store.find(token, not_before).await.unwrap()? {
        Found::User(user) => Some(user.id),
        Found::Id(id) => Some(id),
    }
}

pub async fn tokens_are_found_and_removed_one_by_one<I: UserId, S: TokenStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let (king, merlin) = (subject.owner(KING).await, subject.owner(MERLIN).await);
    let store = subject.store;
    let never = NewToken { token: "never", user: &king, created_at: MADE, expires_at: None };
    store.insert(never).await.unwrap();
    for (token, user) in [("abc", &king), ("abcd", &king), ("xyz", &merlin)] {
        add(&*store, token, user, MADE).await;
    }
    assert_eq!(owner(&*store, "abc", None).await, Some(king.clone()));
    assert_eq!(owner(&*store, "never", None).await, Some(king.clone()));
    assert_eq!(owner(&*store, "xyz", None).await, Some(merlin));
    assert!(store.remove("abc").await.unwrap());
    assert!(!store.remove("abc").await.unwrap());
    assert_eq!(owner(&*store, "abc", None).await, None);
    assert_eq!(owner(&*store, "abcd", None).await, Some(king));
}

pub async fn tokens_are_compared_exactly<I: UserId, S: TokenStore<Sample<I>>>(subject: Subject<I, S>) {
    let king = subject.owner(KING).await;
    let store = subject.store;
    let token = "Abc-_0123456789abcdefghijklmnopqrstuvwxyzABC";
    let token = &token[..43];
    add(&*store, token, &king, MADE).await;
    assert_eq!(owner(&*store, token, None).await, Some(king.clone()));
    let (upper, lower) = (token.to_uppercase(), token.to_lowercase());
    let accented = token.replacen('c', "ç", 1);
    let spaced = format!("{token} ");
    let long = token.repeat(6);
    let others = [
        &upper,
        &lower,
        &accented,
        &spaced,
        &token[..42],
        &long,
        "",
        "%",
        "*",
        "' OR 1=1 --",
        "{\"$gt\": \"\"}",
        "a\r\nb",
    ];
    for other in others {
        assert_eq!(owner(&*store, other, None).await, None, "LOG-19: {other:?}");
        assert!(!store.remove(other).await.unwrap(), "{other:?}");
    }
    assert_eq!(owner(&*store, token, None).await, Some(king));
}

pub async fn a_token_counts_from_the_moment_it_was_made<I: UserId, S: TokenStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let king = subject.owner(KING).await;
    let (store, limits) = (subject.store, subject.limits);
    if !limits.keeps_creation {
        // Then the end decides, to the second.
        let now = OffsetDateTime::now_utc();
        let over = NewToken { token: "over", user: &king, created_at: MADE, expires_at: Some(now) };
        store.insert(over).await.unwrap();
        assert_eq!(owner(&*store, "over", None).await, None);
        let short = Some(now + Duration::seconds(1));
        let short = NewToken { token: "short", user: &king, created_at: now, expires_at: short };
        store.insert(short).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        assert_eq!(owner(&*store, "short", None).await, None);
        return;
    }
    let made = MADE + limits.timestamp;
    add(&*store, "abc", &king, made).await;
    let step = limits.timestamp;
    assert_eq!(owner(&*store, "abc", Some(made - step)).await, Some(king.clone()));
    assert_eq!(owner(&*store, "abc", Some(made)).await, Some(king.clone()));
    assert_eq!(owner(&*store, "abc", Some(made + step)).await, None);
    let elsewhere = made.to_offset(offset!(+9));
    assert_eq!(owner(&*store, "abc", Some(elsewhere)).await, Some(king.clone()));
    assert_eq!(owner(&*store, "abc", Some(elsewhere + step)).await, None);
    add(&*store, "whole", &king, MADE.to_offset(offset!(-8))).await;
    assert_eq!(owner(&*store, "whole", Some(made)).await, None);
    assert_eq!(owner(&*store, "whole", Some(MADE)).await, Some(king.clone()));
    // Finer than it can be kept: a token may look older than it is, but never younger.
    add(&*store, "fine", &king, MADE + step / 2).await;
    assert_eq!(owner(&*store, "fine", Some(MADE + step)).await, None);
    assert_eq!(owner(&*store, "fine", Some(MADE - step)).await, Some(king));
}

/// A store may not know when a token was made. One that does never says that it was later: who logged in long ago would have
/// done so recently.
pub async fn a_token_is_never_younger_than_it_is<I: UserId, S: TokenStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let king = subject.owner(KING).await;
    let (store, step) = (subject.store, subject.limits.timestamp);
    add(&*store, "abc", &king, MADE + step / 2).await;
    let made = store.created_at("abc").await.unwrap();
    assert!(made.is_none_or(|made| (MADE..=MADE + step / 2).contains(&made)), "{made:?}");
    assert_eq!(store.created_at("nobody's").await.unwrap(), None);
}

/// Whether or not the second insert fails, the token stays the first user's.
pub async fn a_token_in_use_is_not_given_away<I: UserId, S: TokenStore<Sample<I>>>(subject: Subject<I, S>) {
    let (king, merlin) = (subject.owner(KING).await, subject.owner(MERLIN).await);
    let store = subject.store;
    add(&*store, "token", &king, MADE).await;
    let expires_at = Some(OffsetDateTime::now_utc() + Duration::hours(1));
    let again = NewToken { token: "token", user: &merlin, created_at: MADE, expires_at };
    assert!(store.insert(again).await.is_err());
    assert_eq!(owner(&*store, "token", None).await, Some(king));
}

/// A store that forgets by itself has none to remove, and does not find them either.
pub async fn tokens_that_are_over_are_removed_in_batches<I: UserId, S: TokenStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let king = subject.owner(KING).await;
    let (store, now) = (subject.store, OffsetDateTime::now_utc());
    for number in 0..5 {
        let token = format!("over{number}");
        let expires_at = Some(now - Duration::seconds(1));
        store.insert(NewToken { token: &token, user: &king, created_at: MADE, expires_at }).await.unwrap();
    }
    let never = NewToken { token: "never", user: &king, created_at: MADE, expires_at: None };
    store.insert(never).await.unwrap();
    add(&*store, "live", &king, MADE).await;
    let (first, second, third) = (
        store.remove_expired(now, 3).await.unwrap(),
        store.remove_expired(now, 3).await.unwrap(),
        store.remove_expired(now, 3).await.unwrap(),
    );
    let by_itself = (first, second, third) == (0, 0, 0);
    assert!(by_itself || (first, second, third) == (3, 2, 0), "{first}, {second}, {third}");
    if !by_itself {
        assert_eq!(owner(&*store, "over0", None).await, None);
    }
    assert_eq!(owner(&*store, "never", None).await, Some(king.clone()));
    assert_eq!(owner(&*store, "live", None).await, Some(king));
}

pub async fn all_tokens_of_a_user_end_together<I: UserId, S: TokenStore<Sample<I>>>(subject: Subject<I, S>) {
    let (king, merlin) = (subject.owner(KING).await, subject.owner(MERLIN).await);
    let store = subject.store;
    for (token, user) in [("a", &king), ("b", &king), ("c", &merlin)] {
        add(&*store, token, user, MADE).await;
    }
    store.remove_all(&king).await.unwrap();
    assert_eq!((owner(&*store, "a", None).await, owner(&*store, "b", None).await), (None, None));
    assert_eq!(owner(&*store, "c", None).await, Some(merlin.clone()));
    store.remove_all(&king).await.unwrap();
    store.remove_all(&super::sample::nobody()).await.unwrap();
    add(&*store, "a", &king, MADE).await;
    assert_eq!(owner(&*store, "a", None).await, Some(king), "the next session is a new one");
    assert_eq!(owner(&*store, "c", None).await, Some(merlin));
}

pub async fn a_token_is_removed_once<I: UserId, S: TokenStore<Sample<I>>>(subject: Subject<I, S>) {
    let king = subject.owner(KING).await;
    add(&*subject.store, "token", &king, MADE).await;
    let results = at_once(|_| {
        let store = Arc::clone(&subject.store);
        async move { store.remove("token").await.unwrap() }
    })
    .await;
    assert_eq!(count(&results, |removed| *removed), 1);
}

pub async fn tokens_inserted_at_once_are_all_kept<I: UserId, S: TokenStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let king = subject.owner(KING).await;
    at_once(|number| {
        let (store, king) = (Arc::clone(&subject.store), king.clone());
        async move { add(&*store, &format!("token{number}"), &king, MADE).await }
    })
    .await;
    for number in 0..TASKS {
        assert_eq!(owner(&*subject.store, &format!("token{number}"), None).await, Some(king.clone()));
    }
    subject.store.remove_all(&king).await.unwrap();
    for number in 0..TASKS {
        assert_eq!(owner(&*subject.store, &format!("token{number}"), None).await, None);
    }
}

/// A token that is made while all are removed may live or not; but the next time all are removed it ends.
pub async fn tokens_made_while_all_end_are_found_or_gone_for_good<I: UserId, S: TokenStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let king = subject.owner(KING).await;
    at_once(|number| {
        let (store, king) = (Arc::clone(&subject.store), king.clone());
        async move {
            if number % 4 == 0 {
                store.remove_all(&king).await.unwrap();
            } else {
                add(&*store, &format!("token{number}"), &king, MADE).await;
            }
        }
    })
    .await;
    subject.store.remove_all(&king).await.unwrap();
    for number in 0..TASKS {
        assert_eq!(owner(&*subject.store, &format!("token{number}"), None).await, None);
    }
}
