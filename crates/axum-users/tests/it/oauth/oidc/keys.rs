use std::sync::Arc;

use axum_users::oauth::{OAuthProvider, ProviderError};
use axum_users_testkit::FakeAnswer;
use jsonwebtoken::Algorithm;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Idp, SigningKey, assert_untrusted, claims, openid, tokens, with};

#[tokio::test]
async fn oal_5_a_provider_may_change_its_keys() {
    let (old, new) = (SigningKey::new(Algorithm::ES256, "old"), SigningKey::new(Algorithm::EdDSA, "new"));
    let idp = Idp::start(&[&old]).await;
    let (client, provider) = (idp.client(), openid());
    let (by_old, by_new) = (tokens(&old.token(&claims())), tokens(&new.token(&claims())));
    assert!(provider.identity(&client, &by_old).await.is_ok());
    idp.publish(&[&old, &new]);
    for given in [&by_new, &by_old, &by_new] {
        assert!(provider.identity(&client, given).await.is_ok());
    }
    assert_eq!(idp.asked_for_keys(), 2);
}

#[tokio::test]
async fn oal_5_a_key_that_is_withdrawn_is_refused_with_the_next_set() {
    let (old, new) = (SigningKey::new(Algorithm::ES256, "old"), SigningKey::new(Algorithm::ES256, "new"));
    let idp = Idp::start(&[&old]).await;
    let (client, provider) = (idp.client(), openid());
    let by_old = tokens(&old.token(&claims()));
    assert!(provider.identity(&client, &by_old).await.is_ok());
    idp.publish(&[&new]);
    assert!(provider.identity(&client, &tokens(&new.token(&claims()))).await.is_ok());
    assert_untrusted(provider.identity(&client, &by_old).await, "no key", "withdrawn");
}

#[tokio::test]
async fn oal_5_keys_without_names_may_change_too() {
    let (old, new) = (SigningKey::new(Algorithm::ES256, "1"), SigningKey::new(Algorithm::ES256, "1"));
    let unnamed = |key: &SigningKey| json!({"keys": [with(key.jwk(), &json!({"kid": null, "alg": null}))]});
    let token = |key: &SigningKey| tokens(&key.sign(&json!({"alg": "ES256"}), &claims().to_string()));
    let idp = Idp::start(&[]).await;
    idp.publish_set(&unnamed(&old));
    let (client, provider) = (idp.client(), openid());
    assert!(provider.identity(&client, &token(&old)).await.is_ok());
    idp.publish_set(&unnamed(&new));
    assert!(provider.identity(&client, &token(&new)).await.is_ok());
    // Which one it is, a token has to say when there are several.
    let idp = Idp::start(&[&old, &SigningKey::new(Algorithm::ES256, "2")]).await;
    assert_untrusted(openid().identity(&idp.client(), &token(&old)).await, "no key", "several");
}

#[tokio::test]
async fn oal_5_tokens_with_unknown_keys_do_not_flood_the_provider() {
    let key = SigningKey::new(Algorithm::ES256, "1");
    let idp = Arc::new(Idp::start(&[&key]).await);
    let provider = openid();
    let genuine = tokens(&key.token(&claims()));
    let all_at_once = async |given: Vec<_>| {
        let mut tasks = JoinSet::new();
        for given in given {
            let (client, provider) = (idp.client(), provider.clone());
            tasks.spawn(async move { provider.identity(&client, &given).await });
        }
        tasks.join_all().await
    };
    let first = all_at_once(vec![genuine.clone(); 100]).await;
    assert!(first.iter().all(Result::is_ok));
    assert_eq!((idp.asked(&idp.discovery()), idp.asked_for_keys()), (1, 1));

    // Those that come together share one look at the keys, and those that come later get none for a while.
    for wave in 0..3 {
        let forged = (0..100).map(|count| {
            let header = json!({"alg": "ES256", "kid": format!("unknown {wave} {count}")});
            tokens(&key.sign(&header, &claims().to_string()))
        });
        for (count, refused) in all_at_once(forged.collect()).await.into_iter().enumerate() {
            assert_untrusted(refused, "no key", &count.to_string());
        }
        assert_eq!((idp.asked(&idp.discovery()), idp.asked_for_keys()), (1, 2));
    }
    assert!(provider.identity(&idp.client(), &genuine).await.is_ok());
    assert_eq!(idp.asked_for_keys(), 2);
}

#[tokio::test]
async fn oal_10_a_provider_without_usable_keys_is_not_asked_again_and_again() {
    let key = SigningKey::new(Algorithm::ES256, "1");
    let given = tokens(&key.token(&claims()));
    let many = json!({"keys": vec![key.jwk(); 10_000]});
    for (answer, is_down) in [
        (FakeAnswer::json(json!(null)).status(503), true),
        (FakeAnswer::json(json!({"keys": "none"})), false),
        (FakeAnswer::json(many), false),
        (FakeAnswer::text("text/html", "<h1>keys</h1>"), false),
        (FakeAnswer::bytes("application/json", vec![0xff; 100]), false),
        (FakeAnswer::redirect("https://idp.camelot.bt/other"), false),
        (FakeAnswer::endless(), false),
    ] {
        let idp = Idp::start(&[]).await;
        idp.fake.answer(&idp.route("GET", "keys"), answer.clone());
        let (client, provider) = (idp.client(), openid());
        for _ in 0..10 {
            match provider.identity(&client, &given).await.unwrap_err() {
                ProviderError::Unavailable(_) => assert!(is_down, "{answer:?}"),
                ProviderError::Answer(_) => assert!(!is_down, "{answer:?}"),
                other => panic!("{answer:?}: {other}"),
            }
        }
        assert_eq!(idp.asked_for_keys(), 1, "{answer:?}");
    }
}
