//! The accounts of a user: listing, renewing, taking away; and what is kept of their tokens.

use axum_users::{OAuthStore, Policy, UserError};
use axum_users_testkit::FakeAnswer;
use serde_json::json;

use crate::support::{Browser, KING, Kind, LINK, PASSWORD, Social, camelot, knight, on_every_store};

on_every_store![
    oak_4_the_last_way_to_log_in_stays,
    oak_6_tokens_are_shown_by_no_route_and_kept_encrypted,
    tokens_are_renewed,
];

const KEY: &str = "0f8fad5bd9cb469fa16570867728950e";

async fn link(social: &Social, token: &str, path: &str) {
    let browser = Browser::with_token(social, token);
    let begun = social.begin(&browser, path).await;
    let answer = social.come_back(&browser, path, &begun.state).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn oak_4_the_last_way_to_log_in_stays(kind: Kind) {
    let social = Social::new(kind).await;
    social.fake.answer("POST camelot.bt/revoke", FakeAnswer::json(json!({})));
    let token = Social::token(&social.log_in_as("people/1", KING, true).await);
    let browser = Browser::with_token(&social, &token);
    let unlink = async |account: &str| {
        browser.send("DELETE", &format!("/users/me/oauth-accounts/{account}"), &[]).await
    };
    unlink("camelot/people/1").await.assert_detail(400, "OAUTH_LAST_LOGIN_METHOD");
    for nobody in ["camelot/people/2", "avalon/people/1", "camelot/people%2F1%2F", "x/y"] {
        unlink(nobody).await.assert_detail(404, "Not Found");
    }
    social.says_of("avalon", knight("9", "king@avalon.bt", true));
    link(&social, &token, "/auth/associate/avalon").await;
    let listed = browser.get("/users/me/oauth-accounts").await;
    listed.assert(
        200,
        &json!([
            {"oauth_name": "avalon", "account_id": "9", "account_email": "king@avalon.bt"},
            {"oauth_name": "camelot", "account_id": "people/1", "account_email": KING},
        ]),
    );
    // Both at once: one stays.
    let (one, other) = tokio::join!(unlink("camelot/people%2F1"), unlink("avalon/9"));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);

    // With a password the last account may go, too, and the provider is told.
    let reset = social.app.forgot(KING).await;
    assert_eq!(social.app.reset(&reset, "excalibur-in-the-stone").await.status, 200);
    let token = social.app.login(KING, "excalibur-in-the-stone").await;
    let browser = Browser::with_token(&social, &token);
    let left = browser.get("/users/me/oauth-accounts").await.json();
    let path =
        format!("{}/{}", left[0]["oauth_name"].as_str().unwrap(), left[0]["account_id"].as_str().unwrap());
    let answer = browser.send("DELETE", &format!("/users/me/oauth-accounts/{path}"), &[]).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    browser.get("/users/me/oauth-accounts").await.assert(200, &json!([]));
    social.users().shutdown().await;
    let revoked = social.fake.requests_to("POST camelot.bt/revoke");
    assert!(revoked.iter().all(|request| request.form.contains(&("token".into(), "camelot-refresh".into()))));
    assert_eq!(social.fake.requests().iter().filter(|request| request.route.ends_with("/revoke")).count(), 2);
}

async fn oak_6_tokens_are_shown_by_no_route_and_kept_encrypted(kind: Kind) {
    let social = Social::configured(kind, camelot().associate_by_email(true), |builder| {
        builder.policy(Policy::secure()).encrypt_provider_tokens([KEY])
    })
    .await;
    let user = social.app.add_verified(KING).await;
    let answer = social.log_in_as("1", KING, true).await;
    let token = Social::token(&answer);
    social.says(knight("2", "b@camelot.bt", true));
    link(&social, &token, LINK).await;
    let browser = Browser::with_token(&social, &token);
    for path in ["/users/me", "/users/me/oauth-accounts"] {
        let shown = browser.get(path).await;
        assert!(shown.status == 200 && !shown.text().contains("camelot-"), "{}", shown.text());
    }
    let [first, second] = social.app.store.accounts(&user.id).await.unwrap().try_into().unwrap();
    for kept in [&first, &second] {
        let (access, refresh) = (&kept.access_token, kept.refresh_token.as_ref().unwrap());
        assert!(
            !access.contains("camelot-access") && !refresh.contains("camelot-refresh") && access != refresh
        );
    }
    assert_ne!(first.access_token, second.access_token);
    let manager = social.users().manager();
    let opened = manager.oauth_accounts(&user).await.unwrap();
    assert!(opened.iter().all(|account| account.access_token == "camelot-access"));
    // What belongs to one row opens in no other.
    let swapped = axum_users::OAuthAccount { access_token: second.access_token, ..first };
    social.app.store.put_account(&user.id, &swapped).await.unwrap();
    let error = manager.oauth_accounts(&user).await.unwrap_err();
    assert!(matches!(error, UserError::Internal(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("camelot-access"));
}

async fn tokens_are_renewed(kind: Kind) {
    let social = Social::new(kind).await;
    let user = social.user_of(&social.log_in_as("1", KING, true).await).await;
    let manager = social.users().manager();
    let refreshed = json!({ "access_token": "another", "expires_in": 60 });
    social.fake.answer_once("POST camelot.bt/token", FakeAnswer::json(refreshed));
    let account = manager.oauth_refresh(&user, "camelot", "1").await.unwrap();
    let kept = manager.oauth_accounts(&user).await.unwrap();
    assert_eq!(kept, std::slice::from_ref(&account));
    assert_eq!(
        (account.access_token.as_str(), account.refresh_token.as_deref()),
        ("another", Some("camelot-refresh"))
    );
    let asked = social.fake.requests_to("POST camelot.bt/token").pop().unwrap();
    assert!(asked.form.contains(&("grant_type".into(), "refresh_token".into())));
    for (name, id) in [("camelot", "2"), ("avalon", "1")] {
        assert!(matches!(manager.oauth_refresh(&user, name, id).await, Err(UserError::NotFound)));
    }
    social
        .fake
        .answer("POST camelot.bt/token", FakeAnswer::json(json!({"error": "invalid_grant"})).status(400));
    assert!(matches!(manager.oauth_refresh(&user, "camelot", "1").await, Err(UserError::Provider(_))));
    assert_eq!(manager.oauth_accounts(&user).await.unwrap(), kept);
    assert!(social.app.login_answer("/auth/jwt/login", KING, PASSWORD).await.status == 400);
}
