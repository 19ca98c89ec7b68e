//! What a refused login costs, counted: store calls, and hash operations by their class.

use axum_users::{
    Changes, Context, CreateUser, NoProfile, PasswordHash, UserStore,
    password::{Argon2id, HashClass, PasswordHasher},
};

use crate::support::{
    CheapHasher, KING, Kind, NotingHasher, PASSWORD, TestApp, jwt, on_every_store, stored_cookie,
};

on_every_store![
    log_2_every_refusal_costs_the_same_work,
    log_2_unknown_users_are_of_the_classes_of_the_table,
    log_2_inactive_users_get_no_new_hash,
];

/// [`PASSWORD`] by bcrypt of the least cost.
const BCRYPT: &str = "$2b$04$vqmhWjajaF015wfmj6VaD.xpkRpYhMyXBii0WREY/WHQPsiH8PeN.";

fn imported_argon2() -> PasswordHash {
    Argon2id { memory_kib: 128, parallelism: 4, ..NotingHasher::ARGON2 }.hash(PASSWORD).unwrap()
}

fn class(hash: &PasswordHash) -> PasswordHash {
    let HashClass::Like(class) = NotingHasher::ARGON2.class(hash) else { panic!("it has a class") };
    class
}

async fn app(kind: Kind) -> (TestApp, NotingHasher) {
    let hasher = NotingHasher::default();
    let app = TestApp::with(kind, |builder, store| {
        builder.hasher(hasher.clone()).backend(jwt()).backend(stored_cookie(store))
    })
    .await;
    (app, hasher)
}

async fn add(app: &TestApp, email: &str, is_active: bool, hash: &PasswordHash) {
    let user = CreateUser { is_active, ..CreateUser::new(email, PASSWORD, NoProfile {}) };
    let id = app.create(user).await.id;
    let changes = Changes { hashed_password: Some(hash.clone()), ..Changes::default() };
    app.store.update(&id, &changes).await.unwrap().unwrap();
}

async fn log_2_every_refusal_costs_the_same_work(kind: Kind) {
    let own = NotingHasher::ARGON2.hash(PASSWORD).unwrap();
    for population in [own, PasswordHash::new(BCRYPT), imported_argon2()] {
        let (app, hasher) = app(kind).await;
        add(&app, KING, true, &population).await;
        add(&app, "inactive@camelot.bt", false, &population).await;
        for (email, hash) in [
            ("unusable@camelot.bt", PasswordHash::unusable().unwrap()),
            ("none@camelot.bt", PasswordHash::new("")),
            ("corrupt@camelot.bt", PasswordHash::new("$argon2id$v=19$m=64,t=1,p=1$c2FsdA$AAAA")),
            ("costly@camelot.bt", PasswordHash::new(format!("$2b$31${}", "a".repeat(53)))),
            (
                "large@camelot.bt",
                PasswordHash::new(
                    "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
                ),
            ),
        ] {
            add(&app, email, true, &hash).await;
        }
        let long = "x".repeat(100);
        // The first login of all looks at the table and makes a hash of nobody's password.
        app.login_answer("/auth/jwt/login", KING, "wrong password").await;
        app.store.take_calls();
        hasher.take();
        let mut first = None;
        for (email, password) in [
            (KING, "wrong password"),
            (KING, &long),
            ("nobody@camelot.bt", PASSWORD),
            ("nobody@camelot.bt", &long),
            ("no address", PASSWORD),
            ("inactive@camelot.bt", PASSWORD),
            ("inactive@camelot.bt", "wrong password"),
            ("unusable@camelot.bt", PASSWORD),
            ("none@camelot.bt", PASSWORD),
            ("corrupt@camelot.bt", PASSWORD),
            ("costly@camelot.bt", PASSWORD),
            ("large@camelot.bt", &long),
        ] {
            let answer = app.login_answer("/auth/jwt/login", email, password).await;
            answer.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
            assert_eq!(first.get_or_insert_with(|| answer.clone()), &answer, "{email} LOG-1");
            assert_eq!(app.store.take_calls(), ["get_by_email"], "{email}");
            let noted = hasher.take();
            assert!(noted == [class(&population)], "{email} with {} bytes: {}", password.len(), noted.len());
        }
        app.login(KING, PASSWORD).await;
    }
}

async fn log_2_unknown_users_are_of_the_classes_of_the_table(kind: Kind) {
    let (app, hasher) = app(kind).await;
    let (bcrypt, argon2) = (PasswordHash::new(BCRYPT), imported_argon2());
    for number in 0..40 {
        let hash = if number % 4 == 0 { &argon2 } else { &bcrypt };
        add(&app, &format!("knight{number}@camelot.bt"), true, hash).await;
    }
    let manager = app.users.manager();
    let refused = async |email: &str| {
        assert!(manager.authenticate(email, "wrong password", &Context::none()).await.is_err());
        hasher.take().pop().expect("a verification")
    };
    let mut of_bcrypt = 0;
    for number in 0..80 {
        let found = refused(&format!("nobody{number}@camelot.bt")).await;
        assert!(found == class(&bcrypt) || found == class(&argon2));
        assert!(found == refused(&format!("NOBODY{number}@Camelot.bt")).await, "one address, one class");
        of_bcrypt += usize::from(found == class(&bcrypt));
    }
    assert!((45..75).contains(&of_bcrypt), "three of four: {of_bcrypt} of 80");
}

/// It would be written, and cost a second operation: whoever has the password would learn that it is right.
async fn log_2_inactive_users_get_no_new_hash(kind: Kind) {
    let app = TestApp::new(kind).await;
    add(&app, KING, false, &CheapHasher::outdated(PASSWORD)).await;
    app.store.take_calls();
    let before = app.users.password_operations();
    let answer = app.login_answer("/auth/jwt/login", KING, PASSWORD).await;
    answer.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    assert_eq!(app.users.password_operations() - before, 1);
    assert_eq!(app.store.take_calls(), ["get_by_email"]);
}

#[tokio::test]
async fn log_2_a_store_that_gives_no_sample_keeps_nobody_out() {
    let (app, hasher) = app(Kind::Memory).await;
    add(&app, KING, true, &PasswordHash::new(BCRYPT)).await;
    app.store.fail_on("sample_hashes");
    app.login(KING, PASSWORD).await;
    hasher.take();
    app.login_answer("/auth/jwt/login", "nobody@camelot.bt", PASSWORD).await;
    assert!(hasher.take() == [class(&NotingHasher::ARGON2.hash("").unwrap())], "a new hash");
}
