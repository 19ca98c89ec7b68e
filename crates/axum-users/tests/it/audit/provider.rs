//! Logging in by accounts at providers, and what becomes of them.

use axum_users::{AuditOptions, MemoryStore, NoProfile, UpdateUser};
use axum_users_testkit::FakeAnswer;
use serde_json::json;

use super::Audience;
use crate::support::{Browser, KING, Kind, LINK, LOGIN, PASSWORD, Social, camelot, knight};

const MERLIN: &str = "merlin@camelot.bt";

async fn social() -> Social {
    let options = camelot().associate_by_email(true);
    Social::configured(Kind::Memory, options, |builder| {
        builder.audit(MemoryStore::<NoProfile>::new(), AuditOptions::new())
    })
    .await
}

#[tokio::test]
async fn lgs_4_each_login_by_an_account_is_one_event() {
    let social = social().await;
    let mut audience = Audience::new(social.users());
    social.log_in_as("1", KING, true).await;
    audience.knows(&social.app.user(KING).await.id, "king");
    let expected = ["registered of king via camelot hash", "login of king via camelot"];
    audience.hears("a new user", &expected).await;
    social.log_in_as("1", KING, true).await;
    audience.hears("again", &["login of king via camelot"]).await;

    let merlin = social.app.add_verified(MERLIN).await;
    audience.knows(&merlin.id, "merlin");
    audience.events().await;
    social.log_in_as("2", MERLIN, false).await;
    audience.hears("an address that nobody verified", &["login_failed address_taken via camelot"]).await;
    social.log_in_as("2", MERLIN, true).await;
    let expected = ["account_linked of merlin via camelot", "login of merlin via camelot"];
    audience.hears("linked by the address", &expected).await;

    let galahad = social.app.add("galahad@camelot.bt").await;
    audience.knows(&galahad.id, "galahad");
    audience.events().await;
    social.log_in_as("3", "galahad@camelot.bt", true).await;
    let expected = ["account_taken_over of galahad via camelot", "login of galahad via camelot"];
    audience.hears("the owner comes", &expected).await;

    let locked = UpdateUser { is_active: Some(false), ..UpdateUser::default() };
    let cx = axum_users::Context::none();
    social.users().manager().update(&merlin, locked, &cx).await.unwrap();
    audience.events().await;
    social.log_in_as("2", MERLIN, true).await;
    audience.hears("locked out", &["login_failed inactive of merlin via camelot"]).await;
}

#[tokio::test]
async fn lgs_4_a_login_that_does_not_come_back_as_it_should_is_one_event() {
    let social = social().await;
    let mut audience = Audience::new(social.users());
    social.says(knight("1", KING, true));
    let browser = Browser::new(&social);
    for _ in 0..2 {
        assert_eq!(social.come_back(&browser, LOGIN, "forged").await.status, 400);
    }
    let invalid = "login_failed invalid_state via camelot";
    audience.hears("twice in a minute", &[invalid]).await;
    let refusal = FakeAnswer::json(json!({"error": "invalid_grant"})).status(400);
    social.fake.answer_once("POST camelot.bt/token", refusal);
    assert_eq!(social.log_in(&browser).await.status, 400);
    audience.hears("the code is none", &["login_failed provider_refused via camelot"]).await;
    social.fake.answer_once("POST camelot.bt/token", FakeAnswer::json(json!({})).status(500));
    assert_eq!(social.log_in(&browser).await.status, 502);
    audience.hears("the provider is away", &[]).await;
    let code = json!({"code": "forged"});
    assert_eq!(social.app.post(&format!("{LOGIN}/token")).json(&code).send().await.status, 400);
    audience.hears("a forged code", &["login_failed bad_credentials via camelot"]).await;
}

#[tokio::test]
async fn lgs_4_an_account_more_or_less_is_one_event() {
    let social = social().await;
    let mut audience = Audience::new(social.users());
    let king = social.app.add(KING).await;
    audience.knows(&king.id, "king");
    let token = social.app.login(KING, PASSWORD).await;
    social.log_in_as("9", MERLIN, true).await;
    audience.events().await;
    let browser = Browser::with_token(&social, &token);

    social.says(knight("1", "other@camelot.bt", true));
    let begun = social.begin(&browser, LINK).await;
    assert_eq!(social.come_back(&browser, LINK, &begun.state).await.status, 200);
    audience.hears("linked", &["account_linked of king via camelot"]).await;
    social.says(knight("9", MERLIN, true));
    let begun = social.begin(&browser, LINK).await;
    social.come_back(&browser, LINK, &begun.state).await.assert_detail(400, "OAUTH_ACCOUNT_ALREADY_LINKED");
    audience.hears("another's", &["account_link_failed account_taken of king via camelot"]).await;
    let unlink = social.app.ask("DELETE", "/users/me/oauth-accounts/camelot/1").bearer(&token);
    assert_eq!(unlink.send().await.status, 204);
    audience.hears("unlinked", &["account_unlinked of king via camelot"]).await;
}
