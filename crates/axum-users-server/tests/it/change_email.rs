//! A new address, as an application would change it, and as whoever has stolen the account does.

use axum_users_testkit::{Purpose, postgres_schema};
use serde_json::{Value, json};

use crate::support::{KING, PASSWORD, Running, answer};

const NEW: &str = "arthur@camelot.bt";
const THIEF: &str = "mordred@avalon.bt";

async fn patch(running: &Running, token: &str, body: Value) -> (u16, Value) {
    let (status, body) = answer(running.patch("/users/me").bearer_auth(token).json(&body)).await;
    (status.as_u16(), body)
}

async fn post(running: &Running, path: &str, body: Value) -> (u16, Value) {
    let (status, body) = answer(running.post(path).json(&body)).await;
    (status.as_u16(), body)
}

fn bad_token() -> (u16, Value) {
    (400, json!({"detail": "CHANGE_EMAIL_BAD_TOKEN"}))
}

/// CHG-1, CHG-3, CHG-4, CHG-7 and the way back, on one database.
async fn chg_1_chg_4_addresses_change_hands_only_by_their_mailboxes(database: &str) {
    let settings =
        format!("{database}[policy_overrides]\nrecent_login = 5\n[rate_limits]\nenabled = false\n");
    let running = Running::start(&settings);
    running.register(KING, PASSWORD).await;
    running.register("merlin@camelot.bt", PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let (status, free) = patch(&running, &token, json!({"email": NEW})).await;
    assert_eq!((status, &free["email"]), (200, &json!(KING)));
    assert_eq!(patch(&running, &token, json!({"email": "merlin@camelot.bt"})).await, (200, free.clone()));
    assert_eq!(running.me(&token).await.1, free);
    let pending = running.mailed_token(NEW, Purpose::Confirm).await;

    // CHG-4: a reset ends what was asked for before.
    post(&running, "/auth/forgot-password", json!({"email": KING})).await;
    let reset = json!({"token": running.mailed_token(KING, Purpose::Reset).await, "password": "excalibur1"});
    assert_eq!(post(&running, "/auth/reset-password", reset).await.0, 200);
    assert_eq!(post(&running, "/auth/change-email", json!({ "token": pending })).await, bad_token());

    // CHG-7: an old session is not enough, the password is.
    let token = running.token(KING, "excalibur1").await;
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    let old = patch(&running, &token, json!({"email": THIEF})).await;
    assert_eq!(old, (403, json!({"detail": "REAUTHENTICATION_REQUIRED"})));
    let wrong = patch(&running, &token, json!({"email": THIEF, "current_password": "wrong"})).await;
    assert_eq!(wrong, (400, json!({"detail": "UPDATE_USER_BAD_CURRENT_PASSWORD"})));
    let right = json!({"email": THIEF, "current_password": "excalibur1"});
    assert_eq!(patch(&running, &token, right).await.0, 200);

    // CHG-1: whoever has session and password gets the address, and the owner takes it back.
    let confirm = json!({"token": running.mailed_token(THIEF, Purpose::Confirm).await});
    let (status, user) = post(&running, "/auth/change-email", confirm.clone()).await;
    assert_eq!((status, &user["email"], &user["is_verified"]), (200, &json!(THIEF), &json!(true)));
    assert_eq!(post(&running, "/auth/change-email", confirm).await, bad_token());
    assert_eq!(running.me(&token).await.0, 401);
    let thief = running.token(THIEF, "excalibur1").await;
    let revert = json!({"token": running.mailed_token(KING, Purpose::Revert).await});
    let (status, user) = post(&running, "/auth/revert-email-change", revert.clone()).await;
    assert_eq!((status, &user["email"]), (200, &json!(KING)), "{user}");
    assert_eq!(running.me(&thief).await.0, 401);
    for email in [THIEF, KING] {
        assert_eq!(running.login(email, "excalibur1").await.0, 400, "{email}");
    }
    assert_eq!(post(&running, "/auth/revert-email-change", revert).await, bad_token());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    chg_1_chg_4_addresses_change_hands_only_by_their_mailboxes("").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let url = postgres_schema().await.unwrap();
    chg_1_chg_4_addresses_change_hands_only_by_their_mailboxes(&format!("database_url = {url:?}\n")).await;
}

/// The settings reach the library: at once where the policy says so, and an old session is enough where nothing else is asked.
#[tokio::test]
async fn settings_of_changes_are_those_of_the_policy() {
    let running = Running::start("[policy_overrides]\nemail_change = \"immediate\"\nrecent_login = 0\n");
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let body = json!({"email": NEW, "current_password": 5});
    let (status, user) = patch(&running, &token, body).await;
    assert_eq!((status, &user["email"], &user["is_verified"]), (200, &json!(NEW), &json!(false)));
    let running = Running::start("[email_change]\nlifetime = 1\nrevert_lifetime = 1\n");
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    assert_eq!(patch(&running, &token, json!({"email": NEW})).await.0, 200);
    let confirm = json!({"token": running.mailed_token(NEW, Purpose::Confirm).await});
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(post(&running, "/auth/change-email", confirm).await, bad_token());
}
