use axum_users::OAuthStore;
use serde_json::json;

use super::{ARTHUR, MORDRED, NEW, REVERT, changed, patch, post};
use crate::support::{Browser, KING, Kind, PASSWORD, Social, TestApp, knight, on_every_store};

on_every_store![
    chg_1_the_old_address_takes_the_account_back,
    chg_1_whoever_changes_it_twice_gets_no_way_back,
    a_change_is_taken_back_once,
    an_address_that_another_has_by_now_is_not_taken_away,
];

/// Somebody has the password, and makes the account theirs.
async fn taken_over(app: &TestApp) -> (String, String) {
    app.add_verified(KING).await;
    let session = app.login(KING, PASSWORD).await;
    let revert = changed(app, &session, KING, MORDRED).await.expect("the old address is mailed a way back");
    let session = app.login(MORDRED, PASSWORD).await;
    assert_eq!(patch(app, &session, &json!({"password": NEW})).await.status, 200);
    (revert, app.login(MORDRED, NEW).await)
}

async fn chg_1_the_old_address_takes_the_account_back(kind: Kind) {
    let app = TestApp::new(kind).await;
    let (revert, thief) = taken_over(&app).await;
    let cookie = app.login_by_cookie(MORDRED, NEW).await;
    // Whatever the address is by then.
    changed(&app, &thief, MORDRED, "mordred2@camelot.bt").await;
    let thief = app.login("mordred2@camelot.bt", NEW).await;
    let pending = super::requested(&app, &thief, "mordred3@camelot.bt").await;
    let stolen_reset = app.forgot("mordred2@camelot.bt").await;
    app.hooks.take();

    let answer = post(&app, REVERT, &revert).await;
    assert_eq!((answer.status, &answer.json()["email"]), (200, &json!(KING)), "{}", answer.text());
    assert_eq!(answer.json()["is_verified"], true);
    assert_eq!((app.me(&thief).await.status, app.me_by_cookie(&cookie).await.status), (401, 401));
    for (email, password) in [(MORDRED, NEW), ("mordred2@camelot.bt", NEW), (KING, NEW), (KING, PASSWORD)] {
        let login = app.login_answer("/auth/jwt/login", email, password).await;
        login.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    super::confirm(&app, &pending).await.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
    app.reset(&stolen_reset, NEW).await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");

    let reset = app.hooks.token_for("after_forgot_password", KING).expect("the owner is mailed a reset");
    assert_eq!(app.reset(&reset, "guinevere is queen").await.status, 200);
    app.login(KING, "guinevere is queen").await;
}

/// The address in between must not hold a way back to the account, which would undo what the owner does.
async fn chg_1_whoever_changes_it_twice_gets_no_way_back(kind: Kind) {
    let app = TestApp::new(kind).await;
    let (revert, thief) = taken_over(&app).await;
    assert_eq!(changed(&app, &thief, MORDRED, "mordred2@camelot.bt").await, None);
    let told = app.hooks.events().into_iter().filter(|event| event.hook == "after_email_change");
    assert_eq!(told.map(|event| event.email).collect::<Vec<_>>(), [KING, MORDRED], "it is told without one");
    assert_eq!(post(&app, REVERT, &revert).await.status, 200);
    // From the owner's hands the next change can be taken back as ever.
    let reset = app.hooks.token_for("after_forgot_password", KING).unwrap();
    assert_eq!(app.reset(&reset, PASSWORD).await.status, 200);
    let session = app.login(KING, PASSWORD).await;
    let again = changed(&app, &session, KING, ARTHUR).await.unwrap();
    assert_eq!(post(&app, REVERT, &again).await.status, 200);
}

async fn a_change_is_taken_back_once(kind: Kind) {
    let app = TestApp::new(kind).await;
    let (revert, _) = taken_over(&app).await;
    let asks: Vec<_> =
        (0..10).map(|_| tokio::spawn(app.post(REVERT).json(&json!({ "token": revert })).send())).collect();
    let mut winners = 0;
    for ask in asks {
        let answer = ask.await.unwrap();
        match answer.status {
            200 => winners += 1,
            _ => answer.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN"),
        }
    }
    assert_eq!(winners, 1);
    app.users.shutdown().await;
    let reset = app.hooks.token_for("after_forgot_password", KING).unwrap();
    assert_eq!(app.reset(&reset, NEW).await.status, 200);
    post(&app, REVERT, &revert).await.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
    app.login(KING, NEW).await;
}

async fn an_address_that_another_has_by_now_is_not_taken_away(kind: Kind) {
    let app = TestApp::new(kind).await;
    let (revert, thief) = taken_over(&app).await;
    let squatter = app.add(KING).await;
    let refused = "UPDATE_USER_EMAIL_ALREADY_EXISTS";
    post(&app, REVERT, &revert).await.assert_detail(400, refused);
    assert_eq!(app.me(&thief).await.status, 200, "what is refused does nothing");
    app.users.manager().delete(&squatter, &axum_users::Context::none()).await.unwrap();
    assert_eq!(post(&app, REVERT, &revert).await.status, 200, "the token is as good as before");
}

#[tokio::test]
async fn a_deactivated_or_deleted_account_is_not_given_back() {
    let app = TestApp::new(Kind::Memory).await;
    let (revert, _) = taken_over(&app).await;
    let (user, manager, cx) = (app.user(MORDRED).await, app.users.manager(), axum_users::Context::none());
    let update = axum_users::UpdateUser { is_active: Some(false), ..axum_users::UpdateUser::default() };
    manager.update(&user, update, &cx).await.unwrap();
    post(&app, REVERT, &revert).await.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
    manager.delete(&user, &cx).await.unwrap();
    post(&app, REVERT, &revert).await.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
}

/// A store that fails leaves the owner the token.
#[tokio::test]
async fn f_8_a_change_that_cannot_be_taken_back_now_can_be_later() {
    let app = TestApp::new(Kind::Memory).await;
    let (revert, _) = taken_over(&app).await;
    for verb in ["get_unless_revoked", "get_by_email", "remove_tokens", "revoke"] {
        app.store.fail_on(verb);
        post(&app, REVERT, &revert).await.assert_detail(503, "Service Unavailable");
        app.store.recover();
    }
    assert_eq!(post(&app, REVERT, &revert).await.status, 200);
}

/// REG-9: by an account at a provider the thief would still be in.
#[tokio::test]
async fn chg_1_accounts_at_providers_are_taken_away_with_it() {
    let social = Social::new(Kind::Memory).await;
    let app = &social.app;
    let (revert, thief) = taken_over(app).await;
    social.says(knight("1", "mordred@avalon.bt", true));
    let browser = Browser::with_token(&social, &thief);
    let begun = social.begin(&browser, crate::support::LINK).await;
    assert_eq!(social.come_back(&browser, crate::support::LINK, &begun.state).await.status, 200);
    let user = app.user(MORDRED).await;
    assert_eq!(app.store.accounts(&user.id).await.unwrap().len(), 1);
    app.store.fail_on("accounts");
    post(app, REVERT, &revert).await.assert_detail(503, "Service Unavailable");
    app.store.recover();
    assert_eq!(post(app, REVERT, &revert).await.status, 200);
    assert!(app.store.accounts(&user.id).await.unwrap().is_empty());
}
