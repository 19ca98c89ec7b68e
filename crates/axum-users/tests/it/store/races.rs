use axum_users::{Changes, NewToken, PasswordHash, StoreError, TokenStore, UserStore};
use time::OffsetDateTime;

use super::{Sample, conformance, new_user};
use crate::support::{KING, Store};

conformance![
    reg_4_parallel_inserts_leave_one_user,
    parallel_changes_to_one_address_leave_one_owner,
    rst_1_parallel_replacements_of_a_hash_leave_one,
    parallel_updates_of_different_columns_all_count,
    a_token_is_removed_once,
    an_update_never_revives_a_deleted_user,
];

const TASKS: usize = 16;

/// Runs the work of all tasks at once and gives their results.
async fn at_once<T, F>(work: impl Fn(usize) -> F) -> Vec<T>
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

fn count<T>(results: &[T], accepts: impl Fn(&T) -> bool) -> usize {
    results.iter().filter(|result| accepts(result)).count()
}

async fn reg_4_parallel_inserts_leave_one_user<P: Sample>(store: Store<P>) {
    let results = at_once(|number| {
        let store = store.clone();
        let email = if number % 2 == 0 { KING.to_owned() } else { KING.to_uppercase() };
        async move { UserStore::insert(&store, new_user::<P>(&email)).await.map(|user| user.id) }
    })
    .await;
    assert_eq!(count(&results, Result::is_ok), 1);
    assert_eq!(count(&results, |result| matches!(result, Err(StoreError::Duplicate))), TASKS - 1);
    assert_eq!(store.list(None, 100).await.unwrap().len(), 1);
}

async fn parallel_changes_to_one_address_leave_one_owner<P: Sample>(store: Store<P>) {
    let mut ids = Vec::new();
    for number in 0..TASKS {
        let user =
            UserStore::insert(&store, new_user::<P>(&format!("knight{number}@camelot.bt"))).await.unwrap();
        ids.push(user.id);
    }
    let results = at_once(|number| {
        let (store, id) = (store.clone(), ids[number].clone());
        let changes = Changes { email: Some(KING.into()), ..Changes::default() };
        async move { store.update(&id, &changes).await.map(|user| user.is_some()) }
    })
    .await;
    assert_eq!(count(&results, |result| matches!(result, Ok(true))), 1);
    assert_eq!(count(&results, |result| matches!(result, Err(StoreError::Duplicate))), TASKS - 1);
}

async fn rst_1_parallel_replacements_of_a_hash_leave_one<P: Sample>(store: Store<P>) {
    let user = UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
    let results = at_once(|number| {
        let (store, id) = (store.clone(), user.id.clone());
        let changes = Changes {
            hashed_password: Some(PasswordHash::new(format!("hash {number}"))),
            if_password_is: Some(PasswordHash::new("first hash")),
            ..Changes::default()
        };
        async move { store.update(&id, &changes).await.unwrap().is_some() }
    })
    .await;
    let winner = results.iter().position(|written| *written).unwrap();
    assert_eq!(count(&results, |written| *written), 1);
    let stored = store.get(&user.id).await.unwrap().unwrap().hashed_password;
    assert_eq!(stored.as_str(), format!("hash {winner}"));
}

async fn parallel_updates_of_different_columns_all_count<P: Sample>(store: Store<P>) {
    let user = UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
    at_once(|number| {
        let (store, id) = (store.clone(), user.id.clone());
        let changes = match number % 4 {
            0 => Changes { is_verified: Some(true), ..Changes::default() },
            1 => Changes { is_superuser: Some(true), ..Changes::default() },
            2 => Changes { email: Some("arthur@camelot.bt".into()), ..Changes::default() },
            _ => Changes { is_active: Some(false), ..Changes::default() },
        };
        async move { store.update(&id, &changes).await.unwrap().unwrap() }
    })
    .await;
    let user = store.get(&user.id).await.unwrap().unwrap();
    assert_eq!((user.is_active, user.is_superuser, user.is_verified), (false, true, true));
    assert_eq!((user.email.as_str(), user.hashed_password.as_str()), ("arthur@camelot.bt", "first hash"));
}

async fn a_token_is_removed_once<P: Sample>(store: Store<P>) {
    let user = UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
    TokenStore::insert(
        &store,
        NewToken { token: "token", user: &user.id, created_at: OffsetDateTime::now_utc(), expires_at: None },
    )
    .await
    .unwrap();
    let results = at_once(|_| {
        let store = store.clone();
        async move { TokenStore::<P>::remove(&store, "token").await.unwrap() }
    })
    .await;
    assert_eq!(count(&results, |removed| *removed), 1);
}

async fn an_update_never_revives_a_deleted_user<P: Sample>(store: Store<P>) {
    let user = UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
    at_once(|number| {
        let (store, id) = (store.clone(), user.id.clone());
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
    assert!(store.get(&user.id).await.unwrap().is_none());
    assert!(store.list(None, 10).await.unwrap().is_empty());
}
