//! The rules without HTTP.

use axum_users::{
    Changes, Context, CreateUser, ErrorCode, NoProfile, PasswordHash, Policy, UpdateUser, UserError,
    UserStore,
};

use crate::support::{KING, Kind, PASSWORD, TestApp, on_every_store};

on_every_store![
    create_honours_flags_and_register_does_not,
    users_are_found_and_listed,
    authenticate_says_nothing_but_yes_or_no,
    updates_of_what_changed_meanwhile_conflict,
    a_new_password_is_compared_with_the_new_address,
    deleting_twice_is_not_found,
];

const MERLIN: &str = "merlin@camelot.bt";

fn king() -> CreateUser {
    CreateUser::new(KING, PASSWORD, NoProfile {})
}

async fn create_honours_flags_and_register_does_not(kind: Kind) {
    let app = TestApp::new(kind).await;
    let (manager, none) = (app.users.manager(), Context::none());
    let flags = || CreateUser { is_active: false, is_superuser: true, is_verified: true, ..king() };
    let user = manager.register(flags(), &none).await.unwrap();
    assert_eq!((user.is_active, user.is_superuser, user.is_verified), (true, false, false));
    manager.delete(&user, &none).await.unwrap();
    let user = manager.create(flags(), &none).await.unwrap();
    assert_eq!((user.is_active, user.is_superuser, user.is_verified), (false, true, true));

    let create = async |email: &str, password: &str| {
        manager.create(CreateUser::new(email, password, NoProfile {}), &none).await.unwrap_err()
    };
    assert!(matches!(create(KING, PASSWORD).await, UserError::AlreadyExists));
    assert!(matches!(create("lancelot", PASSWORD).await, UserError::InvalidEmail(_)));
    assert!(matches!(create(MERLIN, "short").await, UserError::InvalidPassword(_)));
    app.store.break_down();
    assert!(matches!(create(MERLIN, PASSWORD).await, UserError::Store(_)));
}

async fn users_are_found_and_listed(kind: Kind) {
    let app = TestApp::new(kind).await;
    let (manager, user) = (app.users.manager(), app.add("King.Arthur@camelot.bt").await);
    app.add(MERLIN).await;
    assert_eq!(manager.get(&user.id).await.unwrap().email, "King.Arthur@camelot.bt");
    for spelling in [KING, " KING.ARTHUR@CAMELOT.BT ", "king.arthur@ｃamelot.bt"] {
        assert_eq!(manager.get_by_email(spelling).await.unwrap().id, user.id, "{spelling}");
    }
    for unknown in ["nobody@camelot.bt", "", "not an address"] {
        assert!(matches!(manager.get_by_email(unknown).await, Err(UserError::NotFound)), "{unknown}");
    }
    assert!(matches!(manager.get(&uuid::Uuid::from_u128(1)).await, Err(UserError::NotFound)));
    let first = manager.list(None, 1).await.unwrap();
    let second = manager.list(Some(&first[0].id), 1).await.unwrap();
    assert_ne!(first[0].id, second[0].id);
    assert!(manager.list(Some(&second[0].id), 1).await.unwrap().is_empty());
    assert_eq!(manager.parse_id(&user.id.to_string()), Some(user.id));
    assert_eq!(manager.parse_id("urn:uuid:x"), None);
}

/// An address that no policy would accept today, but stands in an adopted database.
#[tokio::test]
async fn addresses_that_no_rule_accepts_are_found_as_they_are() {
    let app = TestApp::under(Policy::fastapi_users(), Kind::Sqlite).await;
    let user = app.add(KING).await;
    let changes = Changes { email: Some("not an address".into()), ..Changes::default() };
    app.store.update(&user.id, &changes).await.unwrap();
    app.login("Not an address", PASSWORD).await;
}

async fn authenticate_says_nothing_but_yes_or_no(kind: Kind) {
    let app = TestApp::new(kind).await;
    let (manager, user) = (app.users.manager(), app.add(KING).await);
    app.add_inactive(MERLIN).await;
    assert_eq!(manager.authenticate(KING, PASSWORD, &Context::none()).await.unwrap().id, user.id);
    for (email, password) in
        [(KING, "wrong"), (KING, ""), (MERLIN, PASSWORD), ("nobody@camelot.bt", PASSWORD), ("", "")]
    {
        assert!(
            matches!(
                manager.authenticate(email, password, &Context::none()).await,
                Err(UserError::BadCredentials)
            ),
            "{email}"
        );
    }
    app.store.break_down();
    assert!(matches!(manager.authenticate(KING, PASSWORD, &Context::none()).await, Err(UserError::Store(_))));
    assert!(matches!(
        manager.authenticate("nobody@camelot.bt", PASSWORD, &Context::none()).await,
        Err(UserError::Store(_))
    ));
}

async fn updates_of_what_changed_meanwhile_conflict(kind: Kind) {
    let app = TestApp::new(kind).await;
    let (manager, none) = (app.users.manager(), Context::none());
    let user = app.add(KING).await;
    let password = |password: &str| UpdateUser { password: Some(password.into()), ..UpdateUser::default() };
    manager.update(&user, password("the first of two"), &none).await.unwrap();
    let stale = manager.update(&user, password("the second of two"), &none).await;
    assert!(matches!(stale, Err(UserError::Conflict)));
    // What does not touch the password does not depend on it.
    let verify = UpdateUser { is_verified: Some(true), ..UpdateUser::default() };
    let updated = manager.update(&user, verify.clone(), &none).await.unwrap();
    assert!(updated.is_verified);
    manager.authenticate(KING, "the first of two", &Context::none()).await.unwrap();
    manager.delete(&updated, &none).await.unwrap();
    assert!(matches!(manager.update(&updated, verify, &none).await, Err(UserError::NotFound)));
    assert!(matches!(
        manager.update_safe(&updated, password(PASSWORD), &none).await,
        Err(UserError::NotFound)
    ));
}

/// ASVS 6.2.11, also when both change at once.
async fn a_new_password_is_compared_with_the_new_address(kind: Kind) {
    let app = TestApp::new(kind).await;
    let user = app.add(KING).await;
    let update = |password: &str| UpdateUser {
        email: Some("Gawain@CAMELOT.bt".into()),
        password: Some(password.into()),
        ..UpdateUser::default()
    };
    let manager = app.users.manager();
    let refused = manager.update(&user, update("my gawain@camelot.bt!"), &Context::none()).await;
    assert!(matches!(refused, Err(UserError::InvalidPassword(_))), "{refused:?}");
    assert_eq!(app.user(KING).await.email, KING, "nothing was written");
    let updated = manager.update(&user, update("excalibur in the stone"), &Context::none()).await.unwrap();
    assert_eq!(updated.email, "Gawain@camelot.bt");
}

async fn deleting_twice_is_not_found(kind: Kind) {
    let app = TestApp::new(kind).await;
    let user = app.add(KING).await;
    let manager = app.users.manager();
    manager.delete(&user, &Context::none()).await.unwrap();
    assert!(matches!(manager.delete(&user, &Context::none()).await, Err(UserError::NotFound)));
    assert_eq!(app.hooks.take_names(), ["before_delete", "after_delete", "before_delete"]);
}

/// The user is gone, and with them every token's owner.
#[tokio::test]
async fn tokens_that_cannot_be_removed_revive_nobody() {
    let app = TestApp::new(Kind::Memory).await;
    let user = app.add(KING).await;
    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    app.hooks.take();
    app.store.fail_on("remove_tokens");
    app.users.manager().delete(&user, &Context::none()).await.unwrap();
    assert_eq!(app.hooks.take_names(), ["before_delete", "after_delete"]);
    assert_eq!(app.me_by_cookie(&cookie).await.status, 401);
}

#[tokio::test]
async fn tokens_are_for_active_users_who_need_them() {
    let app = TestApp::new(Kind::Memory).await;
    let (manager, none) = (app.users.manager(), Context::none());
    let inactive = app.add_inactive(KING).await;
    let verified = app.add_verified(MERLIN).await;
    assert!(matches!(manager.forgot_password(&inactive, &none).await, Err(UserError::Inactive)));
    assert!(matches!(manager.request_verify(&inactive, &none).await, Err(UserError::Inactive)));
    assert!(matches!(manager.request_verify(&verified, &none).await, Err(UserError::AlreadyVerified)));
    manager.forgot_password(&verified, &none).await.unwrap();
    assert_eq!(app.hooks.take_names(), ["after_forgot_password"]);
    for token in ["", "x", "a.b.c"] {
        assert!(matches!(manager.verify(token, &none).await, Err(UserError::InvalidToken)));
        let reset = manager.reset_password(token, PASSWORD, &none).await;
        assert!(matches!(reset, Err(UserError::InvalidToken)));
    }
}

#[tokio::test]
async fn a_job_that_fails_harms_nobody() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    app.store.fail_on("get_by_email");
    let (manager, none) = (app.users.manager(), Context::none());
    manager.queue_forgot_password(KING.into(), &none).await.unwrap();
    manager.queue_request_verify(KING.into(), &none).await.unwrap();
    app.users.shutdown().await;
    assert!(app.hooks.take().is_empty());
    app.store.recover();
    manager.queue_forgot_password(KING.into(), &none).await.unwrap();
    app.users.shutdown().await;
    assert_eq!(app.hooks.take_names(), ["after_forgot_password"]);
}

#[test]
fn errors_and_codes_are_words_for_people_and_programs() {
    assert_eq!(ErrorCode::LoginBadCredentials.to_string(), "LOGIN_BAD_CREDENTIALS");
    assert_eq!(UserError::BadCredentials.to_string(), "the credentials are wrong");
    let hash = PasswordHash::new("$argon2id$secret");
    assert!(!format!("{hash:?}").contains("secret"));
}
