//! Accounts at providers: one owner each, made and taken as one.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{
    Sample, Subject,
    races::{TASKS, at_once, count},
    sample::{KING, new_user, nobody},
    users::assert_same,
};
use crate::{Changes, NewToken, OAuthAccount, OAuthStore, PasswordHash, StoreError, TokenStore, UserId};

const MERLIN: &str = "merlin@camelot.bt";

fn account(oauth_name: &str, account_id: &str) -> OAuthAccount {
    OAuthAccount {
        oauth_name: oauth_name.to_owned(),
        account_id: account_id.to_owned(),
        account_email: "Arthur@provider.example".to_owned(),
        access_token: "first access token".to_owned(),
        expires_at: Some(1_800_000_000),
        refresh_token: Some("first refresh token".to_owned()),
    }
}

pub async fn an_account_finds_its_user_and_no_other<I: UserId, S: OAuthStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    let google = account("google", "people/17");
    let user = store.insert_with_account(new_user(KING), &google).await.unwrap();
    assert_same(store.get_by_account("google", "people/17").await.unwrap(), &user);
    assert_same(store.get_by_email(KING).await.unwrap(), &user);
    store.put_account(&user.id, &account("github", "42")).await.unwrap();
    for (name, id) in [
        ("github", "people/17"),
        ("google", "42"),
        ("google", "People/17"),
        ("Google", "people/17"),
        ("google", "people/17 "),
        ("google", "people/1"),
        ("google", ""),
    ] {
        assert!(store.get_by_account(name, id).await.unwrap().is_none(), "{name} {id}");
    }
    assert_eq!(store.accounts(&user.id).await.unwrap(), [account("github", "42"), google]);
    assert_eq!(store.accounts(&nobody()).await.unwrap(), []);
}

pub async fn a_user_and_the_account_are_made_together_or_not_at_all<I: UserId, S: OAuthStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    let king = store.insert_with_account(new_user(KING), &account("google", "1")).await.unwrap();
    let taken = store.insert_with_account(new_user("KING.ARTHUR@camelot.bt"), &account("google", "2")).await;
    assert!(matches!(taken, Err(StoreError::Duplicate)), "{taken:?}");
    assert!(store.get_by_account("google", "2").await.unwrap().is_none());
    let taken = store.insert_with_account(new_user(MERLIN), &account("google", "1")).await;
    assert!(matches!(taken, Err(StoreError::AccountTaken)), "{taken:?}");
    assert!(store.get_by_email(MERLIN).await.unwrap().is_none());
    store.insert_with_account(new_user(MERLIN), &account("google", "2")).await.unwrap();
    assert_eq!(store.accounts(&king.id).await.unwrap(), [account("google", "1")]);
}

pub async fn an_account_is_renewed_by_its_owner_only<I: UserId, S: OAuthStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    let king = store.insert_with_account(new_user(KING), &account("google", "1")).await.unwrap();
    let merlin = store.insert(new_user(MERLIN)).await.unwrap();
    let renewed = OAuthAccount {
        account_email: "wart@provider.example".to_owned(),
        access_token: "second".to_owned(),
        expires_at: None,
        refresh_token: None,
        ..account("google", "1")
    };
    let stolen = store.put_account(&merlin.id, &renewed).await;
    assert!(matches!(stolen, Err(StoreError::AccountTaken)), "{stolen:?}");
    assert_eq!(store.accounts(&king.id).await.unwrap(), [account("google", "1")]);
    store.put_account(&king.id, &renewed).await.unwrap();
    assert_eq!(store.accounts(&king.id).await.unwrap(), [renewed]);
    assert_eq!(store.accounts(&merlin.id).await.unwrap(), []);
    assert_same(store.get(&king.id).await.unwrap(), &king);
    let nobody = store.put_account(&nobody(), &account("google", "2")).await;
    assert!(matches!(nobody, Err(StoreError::NoSuchUser)), "{nobody:?}");
    assert!(store.get_by_account("google", "2").await.unwrap().is_none());
}

/// Some providers' tokens are whole documents.
pub async fn long_tokens_are_kept<I: UserId, S: OAuthStore<Sample<I>>>(subject: Subject<I, S>) {
    let long = OAuthAccount {
        account_id: "ü".repeat(320),
        access_token: "a".repeat(16_000),
        refresh_token: Some("🐉".repeat(4_000)),
        expires_at: Some(4_102_444_800),
        ..account("google", "")
    };
    let user = subject.store.insert_with_account(new_user(KING), &long).await.unwrap();
    assert_eq!(subject.store.accounts(&user.id).await.unwrap(), [long]);
}

pub async fn the_last_account_stays_if_it_must<I: UserId, S: OAuthStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    let king = store.insert_with_account(new_user(KING), &account("google", "1")).await.unwrap().id;
    store.put_account(&king, &account("github", "1")).await.unwrap();
    store.insert_with_account(new_user(MERLIN), &account("google", "2")).await.unwrap();
    assert!(!store.remove_account(&king, "google", "2", false).await.unwrap(), "it is another's");
    assert!(!store.remove_account(&king, "gitlab", "1", false).await.unwrap());
    assert!(store.remove_account(&king, "google", "1", true).await.unwrap());
    assert!(!store.remove_account(&king, "google", "1", true).await.unwrap());
    assert!(!store.remove_account(&king, "github", "1", true).await.unwrap());
    assert_eq!(store.accounts(&king).await.unwrap(), [account("github", "1")]);
    assert!(store.remove_account(&king, "github", "1", false).await.unwrap());
    assert!(store.get_by_account("github", "1").await.unwrap().is_none());
    assert!(store.get_by_account("google", "2").await.unwrap().is_some());
}

pub async fn oak_5_accounts_of_a_deleted_user_are_free<I: UserId, S: OAuthStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    let first = store.insert_with_account(new_user(KING), &account("google", "1")).await.unwrap().id;
    assert!(store.delete(&first).await.unwrap());
    assert!(store.get_by_account("google", "1").await.unwrap().is_none());
    assert_eq!(store.accounts(&first).await.unwrap(), []);
    let second = store.insert_with_account(new_user(KING), &account("google", "1")).await.unwrap().id;
    assert_ne!(first, second);
}

pub async fn oal_7_who_takes_over_keeps_nothing_of_who_was_there<
    I: UserId,
    S: OAuthStore<Sample<I>> + TokenStore<Sample<I>>,
>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    let king = store.insert_with_account(new_user(KING), &account("evil", "1")).await.unwrap();
    store.put_account(&king.id, &account("google", "old")).await.unwrap();
    let (created_at, expires_at) = (OffsetDateTime::now_utc(), None);
    let token = NewToken { token: "theirs", user: &king.id, created_at, expires_at };
    TokenStore::insert(&*store, token).await.unwrap();
    let changes = Changes {
        hashed_password: Some(PasswordHash::new("none")),
        is_verified: Some(true),
        if_password_is: Some(PasswordHash::new("another")),
        end_sessions: true,
        ..Changes::default()
    };
    let refused = store.update_with_only_account(&king.id, &changes, &account("google", "1")).await.unwrap();
    assert!(refused.is_none());
    assert_eq!(store.accounts(&king.id).await.unwrap().len(), 2);
    assert!(store.find("theirs", None).await.unwrap().is_some());

    let changes = Changes { if_password_is: Some(PasswordHash::new("first hash")), ..changes };
    let taken = store.update_with_only_account(&king.id, &changes, &account("google", "1")).await.unwrap();
    let taken = taken.unwrap();
    assert_eq!((taken.hashed_password.as_str(), taken.is_verified), ("none", true));
    assert_eq!(store.accounts(&king.id).await.unwrap(), [account("google", "1")]);
    assert!(store.find("theirs", None).await.unwrap().is_none());

    store.insert_with_account(new_user(MERLIN), &account("google", "2")).await.unwrap();
    let changes = Changes { is_superuser: Some(true), ..Changes::default() };
    let stolen = store.update_with_only_account(&king.id, &changes, &account("google", "2")).await;
    assert!(matches!(stolen, Err(StoreError::AccountTaken)), "{stolen:?}");
    assert!(!store.get(&king.id).await.unwrap().unwrap().is_superuser, "all or nothing");
    assert_eq!(store.accounts(&king.id).await.unwrap(), [account("google", "1")]);
}

pub async fn oal_11_first_logins_at_once_make_one_user<I: UserId, S: OAuthStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let results = at_once(|number| {
        let store = Arc::clone(&subject.store);
        let new = new_user(&format!("knight{number}@camelot.bt"));
        async move { store.insert_with_account(new, &account("google", "1")).await }
    })
    .await;
    assert_eq!(count(&results, Result::is_ok), 1);
    assert_eq!(count(&results, |result| matches!(result, Err(StoreError::AccountTaken))), TASKS - 1);
    let users = subject.store.list(None, 100).await.unwrap();
    assert_eq!(users.len(), 1, "who came too late left no user behind");
    assert_same(subject.store.get_by_account("google", "1").await.unwrap(), &users[0]);
}

pub async fn an_account_that_many_want_has_one_owner<I: UserId, S: OAuthStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let mut ids = Vec::new();
    for number in 0..TASKS {
        let knight = new_user(&format!("knight{number}@camelot.bt"));
        ids.push(subject.store.insert(knight).await.unwrap().id);
    }
    let results = at_once(|number| {
        let (store, id) = (Arc::clone(&subject.store), ids[number].clone());
        async move { store.put_account(&id, &account("google", "1")).await }
    })
    .await;
    assert_eq!(count(&results, Result::is_ok), 1, "{results:?}");
    assert_eq!(count(&results, |result| matches!(result, Err(StoreError::AccountTaken))), TASKS - 1);
}

pub async fn parallel_logins_renew_one_account<I: UserId, S: OAuthStore<Sample<I>>>(subject: Subject<I, S>) {
    let king = subject.store.insert(new_user(KING)).await.unwrap().id;
    let results = at_once(|number| {
        let (store, king) = (Arc::clone(&subject.store), king.clone());
        let account = OAuthAccount { access_token: format!("token {number}"), ..account("google", "1") };
        async move { store.put_account(&king, &account).await }
    })
    .await;
    assert_eq!(count(&results, Result::is_ok), TASKS, "{results:?}");
    assert_eq!(subject.store.accounts(&king).await.unwrap().len(), 1);
}

pub async fn oak_4_of_accounts_removed_at_once_one_stays<I: UserId, S: OAuthStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let king = subject.store.insert(new_user(KING)).await.unwrap().id;
    for number in 0..TASKS {
        subject.store.put_account(&king, &account("google", &number.to_string())).await.unwrap();
    }
    let results = at_once(|number| {
        let (store, king) = (Arc::clone(&subject.store), king.clone());
        async move { store.remove_account(&king, "google", &number.to_string(), true).await.unwrap() }
    })
    .await;
    assert_eq!(count(&results, |removed| *removed), TASKS - 1);
    assert_eq!(subject.store.accounts(&king).await.unwrap().len(), 1);
}
