//! Which passwords are accepted, on each of the three ways by which one is set.

#[cfg(feature = "breach-check")]
mod breach;

use axum_users::{
    Backend, Bearer, Changes, Context, Jwt, PasswordRules, Policy, UserStore, password::PasswordHasher,
};
use serde_json::json;

use crate::support::{Answer, CheapHasher, KING, Kind, PASSWORD, SECRET, TestApp};

const COMMON: &str = "Password should not be one of the most common ones";
const CONTEXT: &str = "Password should be more than the e-mail address or the name of the application";
const EMAIL: &str = "Password should not contain e-mail";

/// An application that is called Round Table, and belongs to Merlin & Daughters.
async fn round_table(password: PasswordRules) -> TestApp {
    let policy = Policy { password, ..Policy::secure() };
    TestApp::with(Kind::Memory, |builder, _| {
        builder
            .policy(policy)
            .password_words(["Round Table"])
            .password_words(["Merlin & Daughters".to_owned()])
            .backend(Backend::new("jwt", Bearer, Jwt::new(SECRET)))
    })
    .await
}

/// The answers to a password of a new account, of one's own account, and after having forgotten it.
async fn set(app: &TestApp, email: &str, password: &str) -> [(&'static str, Answer); 3] {
    let user = app.add(&format!("other.{email}")).await;
    let token = app.login(&user.email, PASSWORD).await;
    let update =
        app.ask("PATCH", "/users/me").bearer(&token).json(&json!({"email": email, "password": password}));
    let updated = update.send().await;
    app.users.manager().delete(&user, &none()).await.unwrap();
    let registered = app.register(email, password).await;
    if registered.status != 201 {
        app.add(email).await;
    }
    let reset = app.reset(&app.forgot(email).await, password).await;
    app.users.manager().delete(&app.user(email).await, &none()).await.unwrap();
    [("UPDATE_USER", updated), ("REGISTER", registered), ("RESET_PASSWORD", reset)]
}

fn none() -> Context {
    Context::none()
}

async fn assert_refused(app: &TestApp, email: &str, password: &str, reason: &str) {
    for (code, answer) in set(app, email, password).await {
        let detail = json!({"code": format!("{code}_INVALID_PASSWORD"), "reason": reason});
        answer.assert_detail(400, detail);
    }
}

async fn assert_accepted(app: &TestApp, email: &str, password: &str) {
    let statuses = set(app, email, password).await.map(|(_, answer)| answer.status);
    assert_eq!(statuses, [200, 201, 200], "{password}");
}

#[tokio::test]
async fn reg_8_common_passwords_are_refused() {
    let app = round_table(PasswordRules::secure()).await;
    for password in
        ["password1", "PassWord1", " password1 ", "12345678", "qwertyuiop", "iloveyou", "1q2w3e4r5t"]
    {
        assert_refused(&app, KING, password, COMMON).await;
    }
}

#[tokio::test]
async fn reg_8_blank_and_short_ones_are_refused() {
    let app = round_table(PasswordRules::secure()).await;
    assert_refused(&app, KING, "", "Password should be at least 8 characters").await;
    assert_refused(&app, KING, "        ", "Password should not be blank").await;
    // The length comes first: it is what helps most.
    assert_refused(&app, KING, "monkey", "Password should be at least 8 characters").await;
}

#[tokio::test]
async fn reg_8_words_of_address_and_application_are_refused() {
    let app = round_table(PasswordRules::secure()).await;
    assert_refused(&app, KING, KING, EMAIL).await;
    for password in
        ["king-arthur", "ArthurKing1", "camelot2026!", "RoundTable", "round+camelot=1", "merlin 1337"]
    {
        assert_refused(&app, KING, password, CONTEXT).await;
    }
    // The new address counts, not the old one.
    assert_refused(&app, "galahad@corbenic.bt", "Galahad2026", CONTEXT).await;
}

#[tokio::test]
async fn reg_8_everything_else_is_accepted() {
    let app = round_table(PasswordRules::secure()).await;
    let long = "x1".repeat(32);
    for password in [
        long.as_str(),
        "🗡️ in the 🪨🪨🪨",
        "arthur and the round table",
        "all lower case it is",
        "camelotx7",
        "    spaces    ",
        "8305 1177 2946",
        "kvmprwqz",
    ] {
        assert_accepted(&app, KING, password).await;
    }
    // Words of another's address are as good as any.
    assert_accepted(&app, "galahad@corbenic.bt", "Lancelot of the lake").await;
    assert_accepted(&app, "galahad@corbenic.bt", "king-arthur").await;
}

#[tokio::test]
async fn each_rule_is_a_switch() {
    let rules = PasswordRules::secure();
    assert_accepted(&round_table(PasswordRules { reject_common: false, ..rules }).await, KING, "password1")
        .await;
    let lax = PasswordRules { reject_context_words: false, ..rules };
    assert_accepted(&round_table(lax).await, KING, "RoundTable").await;
    // Short ones are refused too where the policy lets them be short.
    let short = round_table(PasswordRules { min_length: 4, ..rules }).await;
    assert_refused(&short, KING, "monkey", COMMON).await;
    assert_accepted(&short, KING, "kvmprw").await;
}

#[tokio::test]
async fn the_policy_of_fastapi_users_takes_them_all() {
    let app = round_table(PasswordRules::fastapi_users()).await;
    for password in ["", "password1", KING, "RoundTable"] {
        assert_accepted(&app, KING, password).await;
    }
    let default = TestApp::under(Policy::fastapi_users(), Kind::Memory).await;
    assert_eq!(default.register(KING, "guinevere").await.status, 201, "as its documentation has it");
}

/// Whoever has a common password from earlier logs in as ever.
#[tokio::test]
async fn who_has_a_common_one_is_not_locked_out() {
    let before = round_table(PasswordRules::fastapi_users()).await;
    assert_eq!(before.register(KING, "password1").await.status, 201);
    let now = axum_users::Users::<axum_users::NoProfile>::builder(before.store.clone(), SECRET)
        .hasher(CheapHasher::default())
        .build()
        .unwrap();
    assert!(now.manager().authenticate(KING, "password1", &Context::none()).await.is_ok());
}

/// One person types it on two keyboards: composed with a plain space, and decomposed with one that does not break.
#[tokio::test]
async fn a_password_is_the_same_however_a_keyboard_writes_it() {
    let (composed, decomposed) =
        ("gu\u{e9}ni\u{e8}vre of camelot", "gue\u{301}nie\u{300}vre\u{a0}of camelot");
    for (policy, status) in [(Policy::secure(), 200), (Policy::fastapi_users(), 400)] {
        let app = TestApp::under(policy, Kind::Memory).await;
        for (email, set, typed) in
            [("a@camelot.bt", composed, decomposed), ("b@camelot.bt", decomposed, composed)]
        {
            assert_eq!(app.register(email, set).await.status, 201);
            assert_eq!(app.login_answer("/auth/jwt/login", email, set).await.status, 200);
            assert_eq!(app.login_answer("/auth/jwt/login", email, typed).await.status, status, "{email}");
        }
    }
}

/// LOG-12: the hash was made elsewhere, of what was typed.
#[tokio::test]
async fn a_hash_of_another_form_lets_in_and_is_made_anew() {
    let app = TestApp::new(Kind::Memory).await;
    let (composed, decomposed) = ("gu\u{e9}nievre of camelot", "gue\u{301}nievre of camelot");
    app.add(KING).await;
    let foreign = CheapHasher::default().hash(decomposed).unwrap();
    let user = app.user(KING).await;
    let changes = Changes { hashed_password: Some(foreign), ..Changes::default() };
    app.store.update(&user.id, &changes).await.unwrap();
    let login = async |password: &str| app.login_answer("/auth/jwt/login", KING, password).await.status;
    assert_eq!(login(composed).await, 400);
    assert_eq!(login(decomposed).await, 200);
    assert_eq!(login(composed).await, 200, "hashed anew");
    assert_eq!(login("another").await, 400);
}

/// LOG-2: what is done depends on what was typed, and on nobody.
#[tokio::test]
async fn log_2_both_forms_are_compared_whoever_it_is() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    app.add_inactive("inactive@camelot.bt").await;
    let mut costs = Vec::new();
    for email in [KING, "inactive@camelot.bt", "nobody@camelot.bt"] {
        for password in ["wrong", "wro\u{308}ng"] {
            let before = app.users.password_operations();
            app.login_answer("/auth/jwt/login", email, password)
                .await
                .assert_detail(400, "LOGIN_BAD_CREDENTIALS");
            costs.push(app.users.password_operations() - before);
        }
    }
    assert_eq!(costs, [1, 2, 1, 2, 1, 2]);
}
