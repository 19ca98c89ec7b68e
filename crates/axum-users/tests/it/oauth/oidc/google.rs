use axum_users::oauth::{Google, OAuthProvider};
use axum_users_testkit::FakeAnswer;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{CLIENT_ID, CLIENT_SECRET, Idp, SigningKey, assert_untrusted, claims, tokens, with};

const GOOGLE: &str = "https://accounts.google.com";

fn google() -> Google {
    Google::new(CLIENT_ID, CLIENT_SECRET)
}

async fn start() -> (Idp, SigningKey) {
    let key = SigningKey::new(Algorithm::RS256, "1");
    let idp = Idp::of(GOOGLE, &json!({})).await;
    idp.publish(&[&key]);
    (idp, key)
}

fn says(key: &SigningKey, changes: &Value) -> axum_users::oauth::ProviderTokens {
    let claims = with(claims(), &json!({"iss": GOOGLE, "sub": "110169484474386276334", "azp": CLIENT_ID}));
    tokens(&key.token(&with(claims, changes)))
}

#[tokio::test]
async fn oal_9_account_ids_are_those_of_the_people_interface() {
    let (idp, key) = start().await;
    for issuer in [GOOGLE, "accounts.google.com"] {
        let given = says(&key, &json!({"iss": issuer, "name": "Arthur"}));
        let found = google().identity(&idp.client(), &given).await.unwrap();
        assert_eq!(found.account_id, "people/110169484474386276334");
        assert_eq!(found.claims["name"], "Arthur");
    }
    let forged = says(&key, &json!({"iss": "http://accounts.google.com"}));
    assert_untrusted(google().identity(&idp.client(), &forged).await, "another issuer", "http");
    assert_eq!((google().name(), google().scopes()), ("google", ["openid", "email", "profile"].as_slice()));
}

#[tokio::test]
async fn oal_6_google_verifies_its_own_addresses() {
    let (idp, key) = start().await;
    let (client, google) = (idp.client(), google());
    assert!(google.email_is_trusted());
    for (changes, verified) in [
        (json!({"email": "king@gmail.com"}), true),
        (json!({"email": "King@GMAIL.com"}), true),
        (json!({"hd": "camelot.bt"}), true),
        (json!({}), false),
        (json!({"hd": ""}), false),
        (json!({"hd": true}), false),
        (json!({"email": "king@gmail.com.camelot.bt"}), false),
        (json!({"email": "gmail.com"}), false),
        (json!({"email": "king@gmail.com", "email_verified": false}), false),
        (json!({"email": "king@gmail.com", "email_verified": "true"}), false),
        (json!({"hd": "camelot.bt", "email_verified": null}), false),
    ] {
        let found = google.identity(&client, &says(&key, &changes)).await.unwrap();
        assert!(found.email.is_some());
        assert_eq!(found.email_verified, verified, "{changes}");
    }
}

#[tokio::test]
async fn accounts_may_be_those_of_one_organization_alone() {
    let (idp, key) = start().await;
    let google = google().hosted_domain("camelot.bt");
    assert!(google.identity(&idp.client(), &says(&key, &json!({"hd": "camelot.bt"}))).await.is_ok());
    for other in [json!({}), json!({"hd": "evil.example"}), json!({"hd": ["camelot.bt"]})] {
        let refused = google.identity(&idp.client(), &says(&key, &other)).await;
        assert_untrusted(refused, "organization", &other.to_string());
    }
}

#[tokio::test]
async fn people_are_sent_to_google_with_its_parameters() {
    assert!(google().authorize_parameters().is_empty());
    let google = google()
        .offline()
        .prompt("none")
        .prompt("consent")
        .login_hint("king@camelot.bt")
        .hosted_domain("a.bt");
    let expected = [
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("login_hint", "king@camelot.bt"),
        ("hd", "a.bt"),
    ];
    let given = google.authorize_parameters();
    assert_eq!(given, expected.map(|(name, value)| (name, value.to_owned())));
    let (idp, _) = start().await;
    idp.fake.answer(&idp.discovery(), FakeAnswer::json(json!({"issuer": "https://evil.example"})));
    assert!(google.endpoints(&idp.client()).await.is_err());
}
