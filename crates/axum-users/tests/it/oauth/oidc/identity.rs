use axum_users::oauth::{Identity, OAuthProvider, ProviderError};
use axum_users_testkit::FakeAnswer;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{ACCESS_TOKEN, ISSUER, Idp, SigningKey, assert_untrusted, claims, openid, tokens, with};

/// Who the ID token with these changes is of, when the userinfo endpoint says this.
async fn identity(changes: Value, userinfo: FakeAnswer) -> (Result<Identity, ProviderError>, Idp) {
    let key = SigningKey::new(Algorithm::ES256, "1");
    let idp = Idp::of(ISSUER, &json!({"userinfo_endpoint": format!("{ISSUER}/userinfo")})).await;
    idp.publish(&[&key]);
    idp.fake.answer(&idp.route("GET", "userinfo"), userinfo);
    let given = tokens(&key.token(&with(claims(), &changes)));
    (openid().identity(&idp.client(), &given).await, idp)
}

fn no_userinfo() -> FakeAnswer {
    FakeAnswer::json(json!(null)).status(403)
}

#[tokio::test]
async fn oal_6_only_the_word_true_makes_an_address_verified() {
    assert!(identity(json!({}), no_userinfo()).await.0.unwrap().email_verified);
    for word in [json!(false), json!(null), json!("true"), json!(1), json!("false"), json!([true]), json!("")]
    {
        let (found, idp) = identity(json!({"email_verified": word}), no_userinfo()).await;
        let found = found.unwrap();
        assert_eq!(found.email.as_deref(), Some("king@camelot.bt"));
        assert!(!found.email_verified, "{word}");
        assert_eq!(idp.asked(&idp.route("GET", "userinfo")), 0);
        let userinfo = json!({"sub": "248289761001", "email": "king@camelot.bt", "email_verified": word});
        let changes = json!({"email": null, "email_verified": null});
        assert!(!identity(changes, FakeAnswer::json(userinfo)).await.0.unwrap().email_verified, "{word}");
    }
    assert!(!openid().email_is_trusted());
}

#[tokio::test]
async fn oal_9_an_account_is_its_subject_whatever_its_address() {
    let (found, _) = identity(json!({"email": "arthur@camelot.bt"}), no_userinfo()).await;
    assert_eq!(found.unwrap().account_id, "248289761001");
    let (found, _) = identity(json!({"sub": "mordred"}), no_userinfo()).await;
    assert_eq!(found.unwrap().account_id, "mordred");
    let (found, _) = identity(json!({"preferred_username": "king", "name": "Arthur"}), no_userinfo()).await;
    let found = found.unwrap();
    assert_eq!((found.account_id.as_str(), &found.claims["name"]), ("248289761001", &json!("Arthur")));
}

#[tokio::test]
async fn an_address_that_is_not_in_the_token_is_asked_for() {
    let userinfo = json!({
        "sub": "248289761001", "iss": "https://evil.example", "email": "king@camelot.bt",
        "email_verified": true, "name": "Arthur",
    });
    let none = json!({"email": null, "email_verified": null});
    let (found, idp) = identity(none, FakeAnswer::json(userinfo)).await;
    let found = found.unwrap();
    assert_eq!((found.email.as_deref(), found.email_verified), (Some("king@camelot.bt"), true));
    // What the token says itself nothing else replaces.
    assert_eq!((&found.claims["name"], &found.claims["iss"]), (&json!("Arthur"), &json!(ISSUER)));
    let [request] = idp.fake.requests_to(&idp.route("GET", "userinfo")).try_into().unwrap();
    assert_eq!(request.headers["authorization"], format!("Bearer {ACCESS_TOKEN}"));
    assert!(request.query.is_empty());
}

#[tokio::test]
async fn oal_6_a_token_verifies_no_address_that_it_does_not_hold() {
    let userinfo = json!({"sub": "248289761001", "email": "merlin@camelot.bt"});
    let (found, _) = identity(json!({"email": null}), FakeAnswer::json(userinfo)).await;
    let found = found.unwrap();
    assert_eq!((found.email.as_deref(), found.email_verified), (Some("merlin@camelot.bt"), false));
}

#[tokio::test]
async fn oal_5_userinfo_of_another_person_is_refused() {
    for subject in [json!("mordred"), json!(null), json!(248_289_761_001_i64), json!(["248289761001"])] {
        let userinfo = json!({"sub": subject, "email": "mordred@camelot.bt", "email_verified": true});
        let (refused, _) = identity(json!({"email": null}), FakeAnswer::json(userinfo)).await;
        assert_untrusted(refused, "another person", &subject.to_string());
    }
    for userinfo in [json!(null), json!([]), json!("king@camelot.bt")] {
        let (refused, _) = identity(json!({"email": null}), FakeAnswer::json(userinfo.clone())).await;
        assert_untrusted(refused, "another person", &userinfo.to_string());
    }
    let (refused, _) = identity(json!({"email": null}), no_userinfo()).await;
    assert!(matches!(refused, Err(ProviderError::Refused(_))));
}

#[tokio::test]
async fn oal_14_a_provider_may_know_no_address() {
    let (found, _) = identity(json!({"email": null}), FakeAnswer::json(json!({"sub": "248289761001"}))).await;
    let found = found.unwrap();
    assert_eq!((found.email, found.email_verified), (None, false));
    for no_address in [json!(1), json!(["king@camelot.bt"]), json!({})] {
        let userinfo = json!({"sub": "248289761001", "email": no_address, "email_verified": true});
        let (found, _) = identity(json!({"email": no_address}), FakeAnswer::json(userinfo)).await;
        assert_eq!(found.unwrap().email, None);
    }
    let key = SigningKey::new(Algorithm::ES256, "1");
    let idp = Idp::start(&[&key]).await;
    let given = tokens(&key.token(&with(claims(), &json!({"email": null}))));
    assert_eq!(openid().identity(&idp.client(), &given).await.unwrap().email, None);
}
