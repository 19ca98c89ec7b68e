//! The whole way, with a certified provider of OpenID Connect that is not ours.

use axum_users::{
    OAuthAccount,
    oauth::{EmailTrust, OAuth, OAuthProvider, OpenIdConnect, ProviderClient, ProviderError},
};
use axum_users_testkit::{FakeProvider, OidcProvider};
use serde_json::{Value, json};

use crate::support::{Answer, Browser, Kind, Social, TestApp, jwt};

const LOGIN: &str = "/auth/openid";
const CALLBACK: &str = "https://app.example/auth/openid/callback";

/// An application, and the provider at which its users have accounts.
struct Certified {
    provider: OidcProvider,
    social: Social,
}

impl Certified {
    /// The provider's word counts.
    async fn start(algorithm: &str, claims_in_id_token: bool) -> Self {
        Self::with(algorithm, claims_in_id_token, |openid| openid.trust_email(EmailTrust::Stated)).await
    }

    async fn with(algorithm: &str, claims_in_id_token: bool, configure: impl FnOnce(OAuth) -> OAuth) -> Self {
        let provider = OidcProvider::start(&[CALLBACK], algorithm, claims_in_id_token).unwrap();
        let app = TestApp::with(Kind::Memory, |builder, _| {
            builder
                .backend(jwt())
                .provider_client(ProviderClient::private().unwrap())
                .public_url("https://app.example".parse().unwrap())
                .oauth(configure(OAuth::new(openid(&provider))))
        });
        let social = Social { app: app.await, fake: FakeProvider::start().await };
        Self { provider, social }
    }

    /// Logs in as `sub`; the provider's answer comes back with these changes.
    async fn log_in(&self, sub: &str, change: impl FnOnce(String) -> String) -> Answer {
        let browser = Browser::new(&self.social);
        let begun = self.social.begin(&browser, LOGIN).await;
        let back = self.provider.log_in(&begun.url, sub).await.unwrap();
        browser.get(&change(back.replace("https://app.example", ""))).await
    }

    async fn account(&self, answer: &Answer) -> OAuthAccount {
        let user = self.social.user_of(answer).await;
        self.social.users().manager().oauth_accounts(&user).await.unwrap().remove(0)
    }
}

fn openid(provider: &OidcProvider) -> OpenIdConnect {
    let (id, secret) = (OidcProvider::CLIENT_ID, OidcProvider::CLIENT_SECRET);
    OpenIdConnect::new("openid", provider.issuer(), id, secret)
}

fn king() -> Value {
    json!({"email": "king@camelot.bt", "email_verified": true})
}

#[tokio::test]
async fn people_log_in_with_every_kind_of_key() {
    for (algorithm, claims_in_id_token) in
        [("RS256", true), ("PS256", false), ("ES256", true), ("EdDSA", false)]
    {
        let certified = Certified::start(algorithm, claims_in_id_token).await;
        certified.provider.account("arthur", king()).await.unwrap();
        let answer = certified.log_in("arthur", |url| url).await;
        let user = certified.social.user_of(&answer).await;
        assert_eq!((user.email.as_str(), user.is_verified), ("king@camelot.bt", true), "{algorithm}");
        let again = certified.social.user_of(&certified.log_in("arthur", |url| url).await).await;
        assert_eq!(again.id, user.id);
        let account = certified.account(&answer).await;
        assert_eq!((account.oauth_name.as_str(), account.account_id.as_str()), ("openid", "arthur"));
    }
}

#[tokio::test]
async fn oal_6_oal_14_what_the_provider_knows_of_an_address_counts() {
    let certified = Certified::with("ES256", false, |openid| openid).await;
    certified.log_in("nobody", |url| url).await.assert_detail(400, "OAUTH_NOT_AVAILABLE_EMAIL");
    // That it has verified an address, anybody's provider can say.
    certified.provider.account("arthur", king()).await.unwrap();
    assert!(!certified.social.user_of(&certified.log_in("arthur", |url| url).await).await.is_verified);
    // One that is trusted says it by `true` and by nothing else.
    let certified = Certified::start("ES256", false).await;
    let claims = json!({"email": "merlin@camelot.bt", "email_verified": "true"});
    certified.provider.account("merlin", claims).await.unwrap();
    assert!(!certified.social.user_of(&certified.log_in("merlin", |url| url).await).await.is_verified);
}

#[tokio::test]
async fn oal_5_people_log_in_when_the_provider_has_changed_its_key() {
    let certified = Certified::start("RS256", true).await;
    certified.provider.account("arthur", king()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(certified.log_in("arthur", |url| url).await.status, 200);
        certified.provider.rotate().await.unwrap();
    }
}

#[tokio::test]
async fn oal_3_an_answer_of_another_provider_is_refused() {
    let certified = Certified::start("ES256", true).await;
    certified.provider.account("arthur", king()).await.unwrap();
    let issuer = certified.provider.issuer();
    let encoded: String = form_urlencoded::byte_serialize(issuer.as_bytes()).collect();
    for other in ["https%3A%2F%2Fevil.example", ""] {
        let refused = certified.log_in("arthur", |url| {
            assert!(url.contains(&encoded), "{url}");
            url.replace(&encoded, other)
        });
        refused.await.assert_detail(400, "OAUTH_INVALID_STATE");
    }
    let without = |url: String| url.replace(&format!("&iss={encoded}"), "");
    certified.log_in("arthur", without).await.assert_detail(400, "OAUTH_INVALID_STATE");
    assert_eq!(certified.social.app.count().await, 0);
    assert_eq!(certified.log_in("arthur", |url| url).await.status, 200);
}

#[tokio::test]
async fn tokens_are_refreshed_and_revoked() {
    let certified = Certified::start("ES256", true).await;
    certified.provider.account("arthur", king()).await.unwrap();
    let account = certified.account(&certified.log_in("arthur", |url| url).await).await;
    let (client, provider) = (ProviderClient::private().unwrap(), openid(&certified.provider));
    let userinfo = async |token: &str| {
        client.get(&format!("{}/me", certified.provider.issuer())).bearer(token).json().await
    };
    let tokens = provider.refresh(&client, &account).await.unwrap();
    assert_eq!(userinfo(&tokens.access_token).await.unwrap()["email"], "king@camelot.bt");
    let refreshed = OAuthAccount {
        access_token: tokens.access_token.clone(),
        refresh_token: tokens.refresh_token.clone().or(account.refresh_token.clone()),
        ..account
    };
    assert!(provider.revoke(&client, &refreshed).await.unwrap());
    let used = provider.refresh(&client, &refreshed).await;
    assert!(matches!(used, Err(ProviderError::Refused(_))), "{used:?}");
    assert!(matches!(userinfo(&tokens.access_token).await, Err(ProviderError::Refused(_))));
}
