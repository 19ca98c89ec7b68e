use axum_users::oauth::{Apple, OAuthProvider, ProviderError};
use axum_users_testkit::FakeAnswer;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::{super::stage::account, CLIENT_ID, Idp, SigningKey, claims, now, tokens, with};

const APPLE: &str = "https://appleid.apple.com";

fn apple(key: &KeyPair) -> Apple {
    Apple::new(CLIENT_ID, "the team", "the key", key.serialize_pem()).unwrap()
}

fn ours() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

async fn start() -> Idp {
    let methods = json!({
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "revocation_endpoint": format!("{APPLE}/revoke"),
    });
    Idp::of(APPLE, &methods).await
}

#[tokio::test]
async fn the_client_secret_is_a_token_that_apple_verifies() {
    let (key, idp) = (ours(), start().await);
    let answer = json!({"access_token": "new", "expires_in": 3600});
    idp.fake.answer(&idp.route("POST", "token"), FakeAnswer::json(answer));
    let provider = apple(&key);
    provider.refresh(&idp.client(), &account(&provider, Some("refresh"))).await.unwrap();
    let [request] = idp.fake.requests_to(&idp.route("POST", "token")).try_into().unwrap();
    let field = |name: &str| request.form.iter().find(|(field, _)| field == name).unwrap().1.clone();
    assert_eq!((field("client_id").as_str(), field("grant_type").as_str()), (CLIENT_ID, "refresh_token"));

    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[APPLE]);
    validation.set_issuer(&["the team"]);
    let public = DecodingKey::from_ec_pem(key.public_key_pem().as_bytes()).unwrap();
    let secret = decode::<Value>(&field("client_secret"), &public, &validation).unwrap();
    assert_eq!(secret.header.kid.as_deref(), Some("the key"));
    assert_eq!(secret.claims["sub"], CLIENT_ID);
    let (issued, end) = (secret.claims["iat"].as_i64().unwrap(), secret.claims["exp"].as_i64().unwrap());
    assert!((now() - 5..=now()).contains(&issued) && end - issued == 300);
}

#[tokio::test]
async fn oal_6_apple_writes_its_truths_as_texts_too() {
    let (key, idp) = (SigningKey::new(Algorithm::RS256, "1"), start().await);
    idp.publish(&[&key]);
    let (client, apple) = (idp.client(), apple(&ours()));
    assert!(apple.email_is_trusted());
    for (word, verified) in [
        (json!(true), true),
        (json!("true"), true),
        (json!("false"), false),
        (json!(false), false),
        (json!(null), false),
        (json!(1), false),
        (json!("True"), false),
    ] {
        let claims = with(claims(), &json!({"iss": APPLE, "sub": "001234.abc.0123", "email_verified": word}));
        let found = apple.identity(&client, &tokens(&key.token(&claims))).await.unwrap();
        assert_eq!(
            (found.account_id.as_str(), found.email_verified),
            ("001234.abc.0123", verified),
            "{word}"
        );
    }
}

#[tokio::test]
async fn the_browser_brings_the_code_by_post() {
    let idp = start().await;
    let apple = apple(&ours());
    let endpoints = apple.endpoints(&idp.client()).await.unwrap();
    assert!(endpoints.form_post && endpoints.refreshes && endpoints.nonce && !endpoints.pkce);
    assert_eq!(apple.name(), "apple");
}

#[test]
fn lgs_1_the_private_key_is_checked_at_once_and_not_shown() {
    let pem = ours().serialize_pem();
    let apple = Apple::new(CLIENT_ID, "the team", "the key", pem.clone()).unwrap();
    let shown = format!("{apple:?}");
    assert!(pem.lines().filter(|line| !line.starts_with('-')).all(|line| !shown.contains(line)), "{shown}");
    let wrong_curve = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
    for no_key in [String::new(), "key".to_owned(), wrong_curve, ours().public_key_pem()] {
        let refused = Apple::new(CLIENT_ID, "the team", "the key", no_key.clone());
        assert!(matches!(refused, Err(ProviderError::Settings(_))), "{no_key}");
    }
}
