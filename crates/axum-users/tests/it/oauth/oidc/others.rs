//! Providers that are found and asked as any other, by their own names.

use axum_users::oauth::{GitLab, OAuthProvider, Okta, Slack};
use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{CLIENT_ID, CLIENT_SECRET, Idp, SigningKey, assert_untrusted, claims, tokens, with};

/// Logs in with a provider that is at this issuer and has this name.
async fn logs_in(provider: impl OAuthProvider, issuer: &str, name: &str, trusted: bool) {
    let key = SigningKey::new(Algorithm::RS256, "1");
    let idp = Idp::of(issuer, &json!({})).await;
    idp.publish(&[&key]);
    let client = idp.client();
    let found = provider
        .identity(&client, &tokens(&key.token(&with(claims(), &json!({"iss": issuer})))))
        .await
        .unwrap();
    assert_eq!((found.account_id.as_str(), found.email_verified), ("248289761001", true), "{name}");
    assert_eq!((provider.name(), provider.scopes()), (name, ["openid", "email"].as_slice()));
    assert_eq!(provider.email_is_trusted(), trusted, "{name}");
    assert_eq!(provider.credentials().client_id, CLIENT_ID);
    let forged = tokens(&key.token(&claims()));
    assert_untrusted(provider.identity(&client, &forged).await, "another issuer", name);
    let endpoints = provider.endpoints(&client).await.unwrap();
    assert_eq!((endpoints.pkce, endpoints.nonce), (name != "slack", true), "{name}");
}

#[tokio::test]
async fn okta_is_found_by_its_domain() {
    let okta = |domain| Okta::new(domain, CLIENT_ID, CLIENT_SECRET);
    logs_in(okta("camelot.okta.com"), "https://camelot.okta.com", "okta", false).await;
    let custom = "camelot.okta.com/oauth2/default";
    logs_in(okta(custom), "https://camelot.okta.com/oauth2/default", "okta", false).await;
}

#[tokio::test]
async fn oal_6_gitlab_com_is_trusted_and_other_instances_are_not() {
    logs_in(GitLab::new(CLIENT_ID, CLIENT_SECRET), "https://gitlab.com", "gitlab", true).await;
    let own = GitLab::self_hosted("https://git.camelot.bt/", CLIENT_ID, CLIENT_SECRET);
    logs_in(own, "https://git.camelot.bt", "gitlab", false).await;
}

#[tokio::test]
async fn slack_is_found() {
    logs_in(Slack::new(CLIENT_ID, CLIENT_SECRET), "https://slack.com", "slack", false).await;
}
