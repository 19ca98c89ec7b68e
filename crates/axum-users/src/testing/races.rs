//! Many at once: what must happen once happens once, and nothing that was acknowledged is lost.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::{
    Sample, Subject,
    sample::{KING, new_user},
};
use crate::{Changes, PasswordHash, StoreError, UserId, UserStore, value::Fields};

pub(super) const TASKS: usize = 16;

/// Runs the work of all tasks at once and gives their results.
pub(super) async fn at_once<T, F>(work: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..TASKS).map(|number| tokio::spawn(work(number))).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

pub(super) fn count<T>(results: &[T], accepts: impl Fn(&T) -> bool) -> usize {
    results.iter().filter(|result| accepts(result)).count()
}

pub async fn reg_4_parallel_inserts_leave_one_user<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let results = at_once(|number| {
        let store = Arc::clone(&subject.store);
        let email = if number % 2 == 0 { KING.to_owned() } else { KING.to_uppercase() };
        async move { store.insert(new_user(&email)).await.map(|user| user.id) }
    })
    .await;
    assert_eq!(count(&results, Result::is_ok), 1);
    assert_eq!(count(&results, |result| matches!(result, Err(StoreError::Duplicate))), TASKS - 1);
    assert_eq!(subject.store.list(None, 100).await.unwrap().len(), 1);
}

pub async fn parallel_changes_to_one_address_leave_one_owner<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let mut ids = Vec::new();
    for number in 0..TASKS {
        let knight = new_user(&format!("knight{number}@camelot.bt"));
        ids.push(subject.store.insert(knight).await.unwrap().id);
    }
    let results = at_once(|number| {
        let (store, id) = (Arc::clone(&subject.store), ids[number].clone());
        let changes = Changes { email: Some(KING.into()), ..Changes::default() };
        async move { store.update(&id, &changes).await.map(|user| user.is_some()) }
    })
    .await;
    assert_eq!(count(&results, |result| matches!(result, Ok(true))), 1);
    assert_eq!(count(&results, |result| matches!(result, Err(StoreError::Duplicate))), TASKS - 1);
}

pub async fn rst_1_parallel_replacements_of_a_hash_leave_one<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let user = subject.store.insert(new_user(KING)).await.unwrap();
    let results = at_once(|number| {
        let (store, id) = (Arc::clone(&subject.store), user.id.clone());
        let changes = Changes {
            hashed_password: Some(PasswordHash::new(format!("hash {number}"))),
            if_password_is: Some(PasswordHash::new("first hash")),
            end_sessions: true,
            ..Changes::default()
        };
        async move { store.update(&id, &changes).await.unwrap().is_some() }
    })
    .await;
    let winner = results.iter().position(|written| *written).unwrap();
    assert_eq!(count(&results, |written| *written), 1);
    let stored = subject.store.get(&user.id).await.unwrap().unwrap().hashed_password;
    assert_eq!(stored.as_str(), format!("hash {winner}"));
}

pub async fn parallel_updates_of_different_columns_all_count<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let user = subject.store.insert(new_user(KING)).await.unwrap();
    at_once(|number| {
        let (store, id) = (Arc::clone(&subject.store), user.id.clone());
        let mut title = Fields::default();
        title.push("title", "Emperor".to_owned());
        let changes = match number % 5 {
            0 => Changes { is_verified: Some(true), ..Changes::default() },
            1 => Changes { is_superuser: Some(true), ..Changes::default() },
            2 => Changes { email: Some("arthur@camelot.bt".into()), ..Changes::default() },
            3 => Changes { profile: title, ..Changes::default() },
            _ => Changes { is_active: Some(false), ..Changes::default() },
        };
        async move { store.update(&id, &changes).await.unwrap().unwrap() }
    })
    .await;
    let user = subject.store.get(&user.id).await.unwrap().unwrap();
    assert_eq!((user.is_active, user.is_superuser, user.is_verified), (false, true, true));
    assert_eq!((user.email.as_str(), user.hashed_password.as_str()), ("arthur@camelot.bt", "first hash"));
    assert_eq!(user.profile, Sample { title: "Emperor".to_owned(), ..Sample::default() });
}

pub async fn an_update_never_revives_a_deleted_user<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let user = subject.store.insert(new_user(KING)).await.unwrap();
    at_once(|number| {
        let (store, id) = (Arc::clone(&subject.store), user.id.clone());
        async move {
            if number == TASKS / 2 {
                assert!(store.delete(&id).await.unwrap());
            } else {
                let changes = Changes { is_verified: Some(true), end_sessions: true, ..Changes::default() };
                store.update(&id, &changes).await.unwrap();
            }
        }
    })
    .await;
    assert!(subject.store.get(&user.id).await.unwrap().is_none());
    assert!(subject.store.list(None, 10).await.unwrap().is_empty());
}

/// Ending sessions takes more than one statement: nobody waits in a circle, and nobody's update is lost.
pub async fn parallel_changes_of_one_user_all_come_through<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let user = subject.store.insert(new_user(KING)).await.unwrap();
    let results = at_once(|number| {
        let (store, id) = (Arc::clone(&subject.store), user.id.clone());
        let changes =
            Changes { is_verified: Some(number % 2 == 0), end_sessions: true, ..Changes::default() };
        async move { store.update(&id, &changes).await }
    })
    .await;
    assert_eq!(count(&results, |result| matches!(result, Ok(Some(_)))), TASKS, "{results:?}");
}

/// What is used with a digest that is new is used once; whoever revokes another in the meantime is not held up.
pub async fn oal_2_of_many_that_revoke_a_digest_one_is_the_first<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let later = OffsetDateTime::now_utc() + Duration::hours(1);
    for round in 0..4 {
        let over = OffsetDateTime::now_utc() - Duration::hours(1);
        assert!(subject.store.revoke(&format!("expired {round}"), over).await.unwrap());
        let results = at_once(|number| {
            let store = Arc::clone(&subject.store);
            let own = format!("digest {round} {number}");
            async move {
                let is_first = store.revoke(&format!("digest {round}"), later).await;
                (is_first, store.revoke(&own, later).await)
            }
        })
        .await;
        assert_eq!(count(&results, |(is_first, _)| matches!(is_first, Ok(true))), 1, "{results:?}");
        assert_eq!(count(&results, |(is_first, _)| matches!(is_first, Ok(false))), TASKS - 1, "{results:?}");
        assert_eq!(count(&results, |(_, own)| matches!(own, Ok(true))), TASKS, "{results:?}");
    }
}
