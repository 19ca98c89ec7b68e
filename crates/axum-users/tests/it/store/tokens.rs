use axum_users::{Changes, Found, NewToken, TokenStore, User, UserStore};
use time::{Duration, OffsetDateTime, macros::datetime};

use super::{Sample, conformance, new_user};
use crate::support::{KING, Store};

conformance![
    tokens_are_found_and_removed_one_by_one,
    a_token_counts_from_the_moment_it_was_made,
    a_users_tokens_end_together,
    tokens_of_a_deleted_user_end,
    revoked_tokens_yield_no_user,
];

const MADE: OffsetDateTime = datetime!(2026-02-28 12:00:00.000_001 UTC);

async fn add<P: Sample>(store: &Store<P>, email: &str, tokens: &[&str]) -> User<P> {
    let user = UserStore::insert(store, new_user::<P>(email)).await.unwrap();
    for token in tokens {
        TokenStore::insert(
            store,
            NewToken { token: token, user: &user.id, created_at: MADE, expires_at: None },
        )
        .await
        .unwrap();
    }
    user
}

/// Whose token this is.
async fn owner<P: Sample>(
    store: &Store<P>,
    token: &str,
    not_before: Option<OffsetDateTime>,
) -> Option<P::Id> {
    match store.find(token, not_before).await.unwrap()? {
        Found::User(user) => Some(user.id),
        Found::Id(id) => Some(id),
    }
}

async fn tokens_are_found_and_removed_one_by_one<P: Sample>(store: Store<P>) {
    let king = add(&store, KING, &["abc", "abcd"]).await;
    let merlin = add(&store, "merlin@camelot.bt", &["xyz"]).await;
    assert_eq!(owner(&store, "abc", None).await, Some(king.id.clone()));
    assert_eq!(owner(&store, "xyz", None).await, Some(merlin.id));
    for other in ["ABC", "ab", "abc ", "", "%", "' OR 1=1 --"] {
        assert_eq!(owner(&store, other, None).await, None, "LOG-19: {other:?}");
    }
    assert!(TokenStore::<P>::remove(&store, "abc").await.unwrap());
    assert!(!TokenStore::<P>::remove(&store, "abc").await.unwrap());
    assert_eq!(owner(&store, "abc", None).await, None);
    assert_eq!(owner(&store, "abcd", None).await, Some(king.id));
}

async fn a_token_counts_from_the_moment_it_was_made<P: Sample>(store: Store<P>) {
    let king = add(&store, KING, &["abc"]).await;
    let microsecond = Duration::microseconds(1);
    assert_eq!(owner(&store, "abc", Some(MADE - microsecond)).await, Some(king.id.clone()));
    assert_eq!(owner(&store, "abc", Some(MADE)).await, Some(king.id.clone()));
    assert_eq!(owner(&store, "abc", Some(MADE + microsecond)).await, None);
    // The same moment in another time zone.
    let elsewhere = MADE.to_offset(time::macros::offset!(+9));
    assert_eq!(owner(&store, "abc", Some(elsewhere)).await, Some(king.id.clone()));
    assert_eq!(owner(&store, "abc", Some(elsewhere + microsecond)).await, None);
    TokenStore::insert(
        &store,
        NewToken {
            token: "whole",
            user: &king.id,
            created_at: datetime!(2026-02-28 12:00 UTC),
            expires_at: None,
        },
    )
    .await
    .unwrap();
    assert_eq!(owner(&store, "whole", Some(MADE)).await, None);
    assert_eq!(owner(&store, "whole", Some(datetime!(2026-02-28 12:00 UTC))).await, Some(king.id));
}

async fn a_users_tokens_end_together<P: Sample>(store: Store<P>) {
    let king = add(&store, KING, &["a", "b"]).await;
    let merlin = add(&store, "merlin@camelot.bt", &["c"]).await;
    store.remove_all(&king.id).await.unwrap();
    assert_eq!((owner(&store, "a", None).await, owner(&store, "b", None).await), (None, None));
    store.remove_all(&P::nobody()).await.unwrap();
    assert_eq!(owner(&store, "c", None).await, Some(merlin.id.clone()));

    // An update that ends sessions does so only if it writes.
    let end = Changes { end_sessions: true, is_verified: Some(true), ..Changes::default() };
    let condition = Some("another@camelot.bt".to_owned());
    let refused = Changes { if_email_is: condition, ..end.clone() };
    assert!(store.update(&merlin.id, &refused).await.unwrap().is_none());
    assert_eq!(owner(&store, "c", None).await, Some(merlin.id.clone()));
    TokenStore::insert(&store, NewToken { token: "a", user: &king.id, created_at: MADE, expires_at: None })
        .await
        .unwrap();
    assert!(store.update(&merlin.id, &end).await.unwrap().is_some());
    assert_eq!(owner(&store, "c", None).await, None);
    assert_eq!(owner(&store, "a", None).await, Some(king.id.clone()));
    let only_end = Changes { end_sessions: true, ..Changes::default() };
    assert!(store.update(&king.id, &only_end).await.unwrap().is_some());
    assert_eq!(owner(&store, "a", None).await, None);
}

async fn tokens_of_a_deleted_user_end<P: Sample>(store: Store<P>) {
    let king = add(&store, KING, &["a", "b"]).await;
    let merlin = add(&store, "merlin@camelot.bt", &["c"]).await;
    store.delete(&king.id).await.unwrap();
    assert_eq!((owner(&store, "a", None).await, owner(&store, "b", None).await), (None, None));
    assert!(!TokenStore::<P>::remove(&store, "a").await.unwrap());
    assert_eq!(owner(&store, "c", None).await, Some(merlin.id));
}

async fn revoked_tokens_yield_no_user<P: Sample>(store: Store<P>) {
    let king = add(&store, KING, &[]).await;
    let later = OffsetDateTime::now_utc() + Duration::hours(1);
    assert!(store.get_unless_revoked(&king.id, "digest").await.unwrap().is_some());
    assert!(store.get_unless_revoked(&P::nobody(), "digest").await.unwrap().is_none());
    for _ in 0..2 {
        UserStore::<P>::revoke(&store, "digest", later).await.unwrap();
    }
    assert!(store.get_unless_revoked(&king.id, "digest").await.unwrap().is_none());
    assert!(store.get_unless_revoked(&king.id, "DIGEST").await.unwrap().is_some());
    assert!(store.get(&king.id).await.unwrap().is_some());
    // Revoking another forgets what has expired, and nothing else.
    UserStore::<P>::revoke(&store, "expired", OffsetDateTime::now_utc() - Duration::hours(1)).await.unwrap();
    UserStore::<P>::revoke(&store, "another", later).await.unwrap();
    assert!(store.get_unless_revoked(&king.id, "digest").await.unwrap().is_none());
    assert!(store.get_unless_revoked(&king.id, "another").await.unwrap().is_none());
    assert!(store.get_unless_revoked(&king.id, "expired").await.unwrap().is_some(), "forgotten");
}
