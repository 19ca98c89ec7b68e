use axum_users::{Changes, PasswordHash, Profile, StoreError, User, UserStore, value::Fields};

use super::{Sample, conformance, new_user};
use crate::support::{KING, Store};

conformance![
    what_is_inserted_is_found,
    addresses_are_unique_in_any_case,
    texts_of_any_script_survive,
    text_with_nul_is_kept_or_refused,
    an_update_writes_its_columns_and_no_others,
    an_update_writes_while_its_conditions_hold,
    an_update_refuses_a_taken_address,
    a_deleted_user_is_gone,
    pages_follow_the_order_of_ids,
];

#[track_caller]
fn assert_same<P: Sample>(found: Option<User<P>>, expected: &User<P>) {
    let found = found.expect("the user is found");
    assert_eq!(found.id, expected.id);
    assert_eq!((&found.email, &found.hashed_password), (&expected.email, &expected.hashed_password));
    assert_eq!(
        (found.is_active, found.is_superuser, found.is_verified),
        (expected.is_active, expected.is_superuser, expected.is_verified)
    );
    assert_eq!(
        (found.profile.title(), found.profile.age()),
        (expected.profile.title(), expected.profile.age())
    );
}

async fn what_is_inserted_is_found<P: Sample>(store: Store<P>) {
    assert!(store.get(&P::nobody()).await.unwrap().is_none());
    assert!(store.get_by_email(KING).await.unwrap().is_none());
    let mut new = new_user::<P>("King.Arthur@camelot.bt");
    (new.is_active, new.is_superuser, new.is_verified) = (false, true, true);
    let id = new.id.clone();
    let user = UserStore::insert(&store, new).await.unwrap();
    assert!(id.is_none_or(|id| id == user.id), "an id that was given is kept");
    assert_eq!(
        (user.email.as_str(), user.hashed_password.as_str()),
        ("King.Arthur@camelot.bt", "first hash")
    );
    assert_eq!((user.is_active, user.is_superuser, user.is_verified), (false, true, true));
    assert_eq!((user.profile.title(), user.profile.age()), ("King", Some(40)));
    assert_same(store.get(&user.id).await.unwrap(), &user);
    for spelling in ["King.Arthur@camelot.bt", KING, "KING.ARTHUR@CAMELOT.BT"] {
        assert_same(store.get_by_email(spelling).await.unwrap(), &user);
    }
    for other in ["king.arthur@camelot.b", "%", "king_arthur@camelot.bt", "", "' OR 1=1 --"] {
        assert!(store.get_by_email(other).await.unwrap().is_none(), "{other}");
    }
    assert!(store.get(&P::nobody()).await.unwrap().is_none());
}

async fn addresses_are_unique_in_any_case<P: Sample>(store: Store<P>) {
    UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
    for twin in [KING, "King.Arthur@camelot.bt", "KING.ARTHUR@CAMELOT.BT"] {
        let refused = UserStore::insert(&store, new_user::<P>(twin)).await;
        assert!(matches!(refused, Err(StoreError::Duplicate)), "{twin}");
    }
    assert_eq!(store.list(None, 10).await.unwrap().len(), 1);
    UserStore::insert(&store, new_user::<P>("king.arthur@camelot.b")).await.unwrap();
}

async fn texts_of_any_script_survive<P: Sample>(store: Store<P>) {
    for (number, text) in
        ["", "🐉👑", "München", "e\u{301}", "'\"; --", "\u{202e}rtl", "日本語\n\t"].iter().enumerate()
    {
        let mut new = new_user::<P>(&format!("knight{number}@münchen.de"));
        new.profile = P::titled(text);
        new.hashed_password = PasswordHash::new(*text);
        let user = UserStore::insert(&store, new).await.unwrap();
        let found = store.get_by_email(&format!("KNIGHT{number}@münchen.de")).await.unwrap().unwrap();
        assert_eq!((found.profile.title(), found.hashed_password.as_str()), (*text, *text));
        let changes = Changes {
            hashed_password: Some(PasswordHash::new(format!("{text}{text}"))),
            ..Changes::default()
        };
        let updated = store.update(&user.id, &changes).await.unwrap().unwrap();
        assert_eq!(updated.hashed_password.as_str(), format!("{text}{text}"));
    }
}

/// PostgreSQL has no such texts. A store keeps one as it is, or refuses it and writes nothing.
async fn text_with_nul_is_kept_or_refused<P: Sample>(store: Store<P>) {
    let mut new = new_user::<P>(KING);
    new.profile = P::titled("nul\0inside");
    match UserStore::insert(&store, new).await {
        Ok(user) => assert_eq!(store.get(&user.id).await.unwrap().unwrap().profile.title(), "nul\0inside"),
        Err(error) => {
            assert!(matches!(error, StoreError::Backend(_)), "{error}");
            assert!(store.get_by_email(KING).await.unwrap().is_none());
            UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
        }
    }
}

/// Each change is written over a user whom somebody else has changed meanwhile in every other column.
async fn an_update_writes_its_columns_and_no_others<P: Sample>(store: Store<P>) {
    let user = UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
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
    assert_eq!((expected.profile.title(), expected.profile.age()), ("Emperor", None));
    let nothing = store.update(&user.id, &Changes::default()).await.unwrap();
    assert_same(nothing, &expected);
    assert!(store.update(&P::nobody(), &Changes::default()).await.unwrap().is_none());
    let sql = Changes { email: Some("'; DROP TABLE \"user\"; --".into()), ..Changes::default() };
    assert!(store.update(&user.id, &sql).await.unwrap().is_some());
    assert_eq!(store.list(None, 10).await.unwrap().len(), 1);
}

async fn an_update_writes_while_its_conditions_hold<P: Sample>(store: Store<P>) {
    let user = UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
    let hash = |text: &str| Some(PasswordHash::new(text));
    let verify = || Changes { is_verified: Some(true), ..Changes::default() };
    for wrong in [
        Changes { if_password_is: hash("another hash"), ..verify() },
        Changes { if_password_is: hash("FIRST HASH"), ..verify() },
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

async fn an_update_refuses_a_taken_address<P: Sample>(store: Store<P>) {
    let king = UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
    UserStore::insert(&store, new_user::<P>("Merlin@camelot.bt")).await.unwrap();
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
    assert!(store.update(&P::nobody(), &email("nobody@camelot.bt")).await.unwrap().is_none());
}

async fn a_deleted_user_is_gone<P: Sample>(store: Store<P>) {
    let king = UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
    let merlin = UserStore::insert(&store, new_user::<P>("merlin@camelot.bt")).await.unwrap();
    assert!(store.delete(&king.id).await.unwrap());
    assert!(!store.delete(&king.id).await.unwrap());
    assert!(!store.delete(&P::nobody()).await.unwrap());
    assert!(store.get(&king.id).await.unwrap().is_none());
    assert!(store.get_by_email(KING).await.unwrap().is_none());
    assert_same(store.get(&merlin.id).await.unwrap(), &merlin);
    let again = UserStore::insert(&store, new_user::<P>(KING)).await.unwrap();
    assert_ne!(again.id, king.id, "OAK-5: ids are never used again");
}

async fn pages_follow_the_order_of_ids<P: Sample>(store: Store<P>) {
    assert!(store.list(None, 10).await.unwrap().is_empty());
    for number in 0..25 {
        UserStore::insert(&store, new_user::<P>(&format!("knight{number}@camelot.bt"))).await.unwrap();
    }
    let all: Vec<P::Id> = ids(store.list(None, 1000).await.unwrap());
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

fn ids<P: Profile>(users: Vec<User<P>>) -> Vec<P::Id> {
    users.into_iter().map(|user| user.id).collect()
}
