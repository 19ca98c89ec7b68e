//! A new address: confirmed there, taken back at the old one.

mod confirm;
mod policies;
mod revert;
mod tokens;

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

const ARTHUR: &str = "arthur@camelot.bt";
const MORDRED: &str = "mordred@camelot.bt";
const NEW: &str = "excalibur in the stone";
const CONFIRM: &str = "/auth/change-email";
const REVERT: &str = "/auth/revert-email-change";

async fn patch(app: &TestApp, token: &str, body: &Value) -> Answer {
    let answer = app.ask("PATCH", "/users/me").bearer(token).json(body).send().await;
    app.users.shutdown().await;
    answer
}

/// The token mailed to this address after it was asked for.
async fn requested(app: &TestApp, session: &str, email: &str) -> String {
    let answer = patch(app, session, &json!({ "email": email })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    app.hooks.token_for("after_request_email_change", email).expect("the new address is mailed a token")
}

async fn post(app: &TestApp, path: &str, token: &str) -> Answer {
    let answer = app.post(path).json(&json!({ "token": token })).send().await;
    app.users.shutdown().await;
    answer
}

async fn confirm(app: &TestApp, token: &str) -> Answer {
    post(app, CONFIRM, token).await
}

/// Has the address changed, and gives the token that takes this back.
async fn changed(app: &TestApp, session: &str, old: &str, new: &str) -> Option<String> {
    let token = requested(app, session, new).await;
    assert_eq!(confirm(app, &token).await.status, 200);
    app.hooks.token_for("after_email_change", old)
}
