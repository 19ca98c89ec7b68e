//! Users: insert, find, update, delete, list.

use time::{Duration, OffsetDateTime};

use super::{
    Sample, Subject,
    sample::{KING, new_user, nobody},
};
use crate::{
    Changes, NewUser, PasswordHash, StoreError, User, UserId, UserStore, email::fold, value::Fields,
};

type Found<I> = Option<User<Sample<I>>>;

#[track_caller]
pub(super) fn assert_same<I: UserId>(found: Found<I>, expected: &User<Sample<I>>) {
    let found = found.expect("the user is found");
    assert_eq!(found.id, expected.id);
    assert_eq!((&found.email, &found.hashed_password), (&expected.email, &expected.hashed_password));
    assert_eq!(
        (found.is_active, found.is_superuser, found.is_verified),
        (expected.is_active, expected.is_superuser, expected.is_verified)
    );
    assert_eq!(found.profile, expected.profile);
}

fn ids<I: UserId>(users: Vec<User<Sample<I>>>) -> Vec<I> {
    users.into_iter().map(|user| user.id).collect()
}

pub async fn what_is_inserted_is_found<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    assert!(store.get(&nobody()).await.unwrap().is_none());
    assert!(store.get_by_email(KING).await.unwrap().is_none());
    let mut new = new_user("King.Arthur@camelot.bt");
    (new.is_active, new.is_superuser, new.is_verified) = (false, true, true);
    let id = new.id.clone();
    let user = store.insert(new.clone()).await.unwrap();
    assert!(id.is_none_or(|id| id == user.id), "an id that was given is kept");
    let expected = User {
        id: user.id.clone(),
        email: new.email,
        hashed_password: new.hashed_password,
        is_active: false,
        is_superuser: true,
        is_verified: true,
        profile: new.profile,
    };
    assert_same(Some(user), &expected);
    assert_same(store.get(&expected.id).await.unwrap(), &expected);
    for spelling in ["King.Arthur@camelot.bt", KING, "KING.ARTHUR@CAMELOT.BT"] {
        assert_same(store.get_by_email(spelling).await.unwrap(), &expected);
    }
    for other in ["king.arthur@camelot.b", "%", "king_arthur@camelot.bt", "", " ", "' OR 1=1 --"] {
        assert!(store.get_by_email(other).await.unwrap().is_none(), "{other}");
    }
    assert!(store.get(&nobody()).await.unwrap().is_none());
}

pub async fn addresses_are_unique_in_any_case<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    store.insert(new_user(KING)).await.unwrap();
    for twin in [KING, "King.Arthur@camelot.bt", "KING.ARTHUR@CAMELOT.BT"] {
        let refused = store.insert(new_user(twin)).await;
        assert!(matches!(refused, Err(StoreError::Duplicate)), "{twin}");
    }
    assert_eq!(store.list(None, 10).await.unwrap().len(), 1);
    store.insert(new_user("king.arthur@camelot.b")).await.unwrap();
}

/// Work may be done for the sake of the time that it takes, and nothing comes of it.
pub async fn reg_2_a_hidden_insert_leaves_the_owner_as_is<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    let user = store.insert_hidden(new_user("King.Arthur@camelot.bt")).await.unwrap();
    assert_same(store.get(&user.id).await.unwrap(), &user);
    for twin in ["King.Arthur@camelot.bt", KING, "KING.ARTHUR@CAMELOT.BT"] {
        let new = NewUser { hashed_password: PasswordHash::new("another hash"), ..new_user(twin) };
        let refused = store.insert_hidden(new).await;
        assert!(matches!(refused, Err(StoreError::Duplicate)), "{twin}");
        assert_same(store.get(&user.id).await.unwrap(), &user);
    }
    assert_eq!(store.list(None, 10).await.unwrap().len(), 1);
    let other = store.insert_hidden(new_user("merlin@camelot.bt")).await.unwrap();
    assert!(other.id != user.id);
    assert_same(store.get_by_email("merlin@camelot.bt").await.unwrap(), &other);
}

/// Collations take letters for one another that are not the same. A store may refuse such an address as taken, but
/// never gives the account of one to the owner of the other.
pub async fn an_address_finds_no_other_address<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    let addresses = [
        "u@camelot.bt",
        "ü@camelot.bt",
        "u\u{308}@camelot.bt",
        "ｕ@camelot.bt",
        "u\u{200b}@camelot.bt",
        "u\u{ad}@camelot.bt",
        "straße@camelot.bt",
        "strasse@camelot.bt",
        "ı@camelot.bt",
        "i@camelot.bt",
        "u@camelot.bt ",
        "ﬁ@camelot.bt",
        "fi@camelot.bt",
    ];
    for email in addresses {
        match store.insert(new_user(email)).await {
            Ok(user) => assert_eq!(user.email, email),
            Err(error) => assert!(matches!(error, StoreError::Duplicate), "{email:?}: {error}"),
        }
    }
    for email in addresses {
        if let Some(user) = store.get_by_email(email).await.unwrap() {
            assert_eq!(fold(&user.email), fold(email), "somebody else's account");
        }
    }
    let first = store.get_by_email("u@camelot.bt").await.unwrap().unwrap();
    assert_eq!(first.email, "u@camelot.bt");
}

/// Each change is written over a user whom somebody else has changed meanwhile in every other column.
pub async fn an_update_writes_its_columns_and_no_others<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    let user = store.insert(new_user(KING)).await.unwrap();
    let mut title = Fields::default();
    title.push("title", "Emperor".to_owned());
    let mut age = Fields::default();
    age.push("age", None::<i32>);
    let changes = [
        Changes { email: Some("arthur@camelot.bt".into()), ..Changes::default() },
        Changes { hashed_password: Some(PasswordHash::new("second hash")), ..Changes::default() },
        Changes { is_active: Some(false), ..Changes::default() },
        Changes { is_superuser: Some(true), ..Changes::default() },
        Changes { is_verified: Some(true), ..Changes::default() },
        Changes { profile: title, ..Changes::default() },
        Changes { profile: age, ..Changes::default() },
    ];
    let mut expected = user.clone();
    for change in changes {
        change.apply(&mut expected).unwrap();
        assert_same(store.update(&user.id, &change).await.unwrap(), &expected);
        assert_same(store.get(&user.id).await.unwrap(), &expected);
    }
    let nothing = store.update(&user.id, &Changes::default()).await.unwrap();
    assert_same(nothing, &expected);
    assert!(store.update(&nobody(), &Changes::default()).await.unwrap().is_none());
    let code = Changes { email: Some("'; DROP TABLE \"user\"; --".into()), ..Changes::default() };
    assert!(store.update(&user.id, &code).await.unwrap().is_some());
    assert_eq!(store.list(None, 10).await.unwrap().len(), 1);
}

pub async fn an_update_writes_while_its_conditions_hold<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    let user = store.insert(new_user(KING)).await.unwrap();
    let hash = |text: &str| Some(PasswordHash::new(text));
    let verify = || Changes { is_verified: Some(true), ..Changes::default() };
    for wrong in [
        Changes { if_password_is: hash("another hash"), ..verify() },
        Changes { if_password_is: hash("FIRST HASH"), ..verify() },
        Changes { if_password_is: hash("first hash "), ..verify() },
        Changes { if_email_is: Some("merlin@camelot.bt".into()), ..verify() },
        Changes { if_email_is: Some(KING.to_uppercase()), ..verify() },
        Changes { if_email_is: Some(KING.into()), if_password_is: hash(""), ..verify() },
        Changes { if_password_is: hash("another hash"), ..Changes::default() },
    ] {
        assert!(store.update(&user.id, &wrong).await.unwrap().is_none(), "{wrong:?}");
        assert_same(store.get(&user.id).await.unwrap(), &user);
    }
    let both = Changes { if_password_is: hash("first hash"), if_email_is: Some(KING.into()), ..verify() };
    assert!(store.update(&user.id, &both).await.unwrap().unwrap().is_verified);
}

pub async fn an_update_refuses_a_taken_address<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    let king = store.insert(new_user(KING)).await.unwrap();
    store.insert(new_user("Merlin@camelot.bt")).await.unwrap();
    let email = |email: &str| Changes {
        email: Some(email.to_owned()),
        is_verified: Some(true),
        ..Changes::default()
    };
    for taken in ["Merlin@camelot.bt", "merlin@camelot.bt", "MERLIN@CAMELOT.BT"] {
        assert!(matches!(store.update(&king.id, &email(taken)).await, Err(StoreError::Duplicate)), "{taken}");
        assert_same(store.get(&king.id).await.unwrap(), &king);
    }
    let own = store.update(&king.id, &email("KING.Arthur@camelot.bt")).await.unwrap().unwrap();
    assert_eq!(own.email, "KING.Arthur@camelot.bt");
    assert!(store.update(&nobody(), &email("nobody@camelot.bt")).await.unwrap().is_none());
}

pub async fn a_deleted_user_is_gone<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    let king = store.insert(new_user(KING)).await.unwrap();
    let merlin = store.insert(new_user("merlin@camelot.bt")).await.unwrap();
    assert!(store.delete(&king.id).await.unwrap());
    assert!(!store.delete(&king.id).await.unwrap());
    assert!(!store.delete(&nobody()).await.unwrap());
    assert!(store.get(&king.id).await.unwrap().is_none());
    assert!(store.get_by_email(KING).await.unwrap().is_none());
    assert_same(store.get(&merlin.id).await.unwrap(), &merlin);
    assert!(store.delete(&merlin.id).await.unwrap());
    let again = store.insert(new_user(KING)).await.unwrap();
    assert!(again.id != king.id && again.id != merlin.id, "OAK-5: ids are never used again");
}

pub async fn pages_follow_the_order_of_ids<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    assert!(store.list(None, 10).await.unwrap().is_empty());
    for number in 0..25 {
        store.insert(new_user(&format!("knight{number}@camelot.bt"))).await.unwrap();
    }
    let all = ids(store.list(None, 1000).await.unwrap());
    assert_eq!(all.len(), 25);
    let mut sorted = all.clone();
    sorted.sort_by_key(|id| (id.to_string().len(), id.to_string()));
    assert_eq!(all, sorted);
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = ids(store.list(after.as_ref(), 7).await.unwrap());
        let Some(last) = page.last().cloned() else { break };
        assert!(page.len() == 7 || paged.len() == 21);
        paged.extend(page);
        after = Some(last);
    }
    assert_eq!(paged, all);
    // A page begins after an id, whether or not its user is still there.
    store.delete(&all[3]).await.unwrap();
    assert_eq!(ids(store.list(Some(&all[3]), 2).await.unwrap()), all[4..6]);
    assert!(store.list(None, 0).await.unwrap().is_empty());
    assert_eq!(store.list(None, u32::MAX).await.unwrap().len(), 24);
}

/// What fits into no column is the id of nobody, and no failure of the database.
pub async fn ids_out_of_range_are_nobodys<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    store.insert(new_user(KING)).await.unwrap();
    let forms =
        ["0", "2147483647", "2147483648", "9223372036854775807", "ffffffff-ffff-ffff-ffff-ffffffffffff"];
    let changes = Changes { is_verified: Some(true), ..Changes::default() };
    for id in forms.into_iter().filter_map(I::parse) {
        assert!(store.get(&id).await.unwrap().is_none(), "{id}");
        assert!(store.get_unless_revoked(&id, "digest").await.unwrap().is_none(), "{id}");
        assert!(store.update(&id, &changes).await.unwrap().is_none(), "{id}");
        assert!(store.update(&id, &Changes::default()).await.unwrap().is_none(), "{id}");
        assert!(!store.delete(&id).await.unwrap(), "{id}");
        assert!(store.list(Some(&id), 10).await.unwrap().len() <= 1, "{id}");
    }
}

pub async fn revoked_tokens_yield_no_user<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    let king = store.insert(new_user(KING)).await.unwrap().id;
    let later = OffsetDateTime::now_utc() + Duration::hours(1);
    assert!(store.get_unless_revoked(&king, "digest").await.unwrap().is_some());
    assert!(store.get_unless_revoked(&nobody(), "digest").await.unwrap().is_none());
    for is_first in [true, false, false] {
        assert_eq!(store.revoke("digest", later).await.unwrap(), is_first);
    }
    assert!(store.get_unless_revoked(&king, "digest").await.unwrap().is_none());
    assert!(store.get_unless_revoked(&king, "DIGEST").await.unwrap().is_some());
    assert!(store.get(&king).await.unwrap().is_some());
    // Revoking another may forget what has expired, and nothing else.
    assert!(store.revoke("expired", OffsetDateTime::now_utc() - Duration::hours(1)).await.unwrap());
    assert!(store.revoke("another", later).await.unwrap());
    assert!(!store.revoke("digest", later + Duration::hours(1)).await.unwrap());
    assert!(store.revoke("DIGEST", later).await.unwrap());
    assert!(store.get_unless_revoked(&king, "digest").await.unwrap().is_none());
    assert!(store.get_unless_revoked(&king, "another").await.unwrap().is_none());
}

/// How evenly is up to the store.
pub async fn log_2_samples_are_bounded_and_hold_what_is_stored<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    assert!(store.sample_hashes(10).await.unwrap().is_empty());
    for number in 0..25 {
        let hashed_password = PasswordHash::new(format!("hash {number}"));
        let user = new_user(&format!("knight{number}@camelot.bt"));
        store.insert(NewUser { hashed_password, ..user }).await.unwrap();
    }
    for limit in [0, 1, 10, 25, 1000] {
        let sample = store.sample_hashes(limit).await.unwrap();
        assert_eq!(sample.is_empty(), limit == 0, "{limit}");
        assert!(sample.len() <= limit as usize, "{limit}");
        let mut numbers: Vec<&str> =
            sample.iter().map(|hash| hash.as_str().strip_prefix("hash ").expect("a stored hash")).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), sample.len(), "no user is there twice");
    }
}
