use std::time::{Duration, Instant};

use axum_users::oauth::{ClientAuthentication, OAuthProvider, OpenIdConnect, ProviderClient, ProviderError};
use axum_users_testkit::FakeAnswer;
use jsonwebtoken::Algorithm;
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    super::stage::account, CLIENT_ID, CLIENT_SECRET, ISSUER, Idp, SigningKey, assert_untrusted, claims,
    openid, tokens, with,
};

#[tokio::test]
async fn a_provider_is_used_as_its_document_says() {
    let more = json!({
        "revocation_endpoint": format!("{ISSUER}/revoke"),
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
    });
    let idp = Idp::of(ISSUER, &more).await;
    let (client, provider) = (idp.client(), openid());
    let endpoints = provider.endpoints(&client).await.unwrap();
    assert_eq!(endpoints.authorize, format!("{ISSUER}/authorize"));
    assert_eq!(endpoints.authentication, ClientAuthentication::Body);
    assert!(endpoints.pkce && endpoints.nonce && endpoints.refreshes && !endpoints.form_post);
    let refreshed = json!({"access_token": "new", "expires_in": 60});
    idp.fake.answer(&idp.route("POST", "token"), FakeAnswer::json(refreshed));
    assert_eq!(
        provider.refresh(&client, &account(&provider, Some("refresh"))).await.unwrap().access_token,
        "new"
    );
    let [request] = idp.fake.requests_to(&idp.route("POST", "token")).try_into().unwrap();
    assert!(request.form.contains(&("client_secret".to_owned(), CLIENT_SECRET.to_owned())));
    assert_eq!(idp.asked(&idp.discovery()), 1);

    // What a document does not say is as in the specifications: basic, and no refresh tokens.
    let idp = Idp::of(ISSUER, &json!({})).await;
    let provider = openid();
    let endpoints = provider.endpoints(&idp.client()).await.unwrap();
    assert_eq!(endpoints.authentication, ClientAuthentication::Basic);
    assert!(endpoints.nonce && endpoints.revoke.is_none());
    assert!(matches!(
        provider.refresh(&idp.client(), &account(&provider, Some("refresh"))).await,
        Err(ProviderError::Settings(_))
    ));
}

#[tokio::test]
async fn the_secret_is_sent_as_the_application_is_registered() {
    let both =
        json!({"token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]});
    let idp = Idp::of(ISSUER, &both).await;
    let authentication =
        async |provider: OpenIdConnect| provider.endpoints(&idp.client()).await.unwrap().authentication;
    assert_eq!(authentication(openid()).await, ClientAuthentication::Basic);
    let registered = openid().authentication(ClientAuthentication::Body);
    assert_eq!(authentication(registered).await, ClientAuthentication::Body);
}

#[tokio::test]
async fn oal_3_a_document_is_of_exactly_the_issuer_that_is_configured() {
    for stated in
        ["https://evil.example", "https://idp.camelot.bt/", "http://idp.camelot.bt", "https://IDP.camelot.bt"]
    {
        let idp = Idp::of(ISSUER, &json!({"issuer": stated})).await;
        assert_untrusted(openid().endpoints(&idp.client()).await, "another issuer", stated);
    }
    // Auth0's has a slash at its end, which the document's address has not twice.
    let idp = Idp::of("https://camelot.eu.auth0.com/", &json!({})).await;
    let auth0 = OpenIdConnect::auth0("camelot.eu.auth0.com", CLIENT_ID, CLIENT_SECRET);
    assert!(auth0.endpoints(&idp.client()).await.is_ok());
    let idp = Idp::of("https://sso.camelot.bt/realms/knights", &json!({})).await;
    let keycloak = OpenIdConnect::keycloak("https://sso.camelot.bt/", "knights", CLIENT_ID, CLIENT_SECRET);
    assert_eq!((keycloak.name(), auth0.name()), ("keycloak", "auth0"));
    assert!(keycloak.endpoints(&idp.client()).await.is_ok());
}

#[tokio::test]
async fn oal_3_the_issuer_of_answers_is_known() {
    for (more, always) in
        [(json!({}), false), (json!({"authorization_response_iss_parameter_supported": true}), true)]
    {
        let idp = Idp::of(ISSUER, &more).await;
        let endpoints = openid().endpoints(&idp.client()).await.unwrap();
        assert_eq!((endpoints.issuer.as_deref(), endpoints.always_names_issuer), (Some(ISSUER), always));
    }
}

#[tokio::test]
async fn oal_3_a_token_of_one_provider_is_none_of_another() {
    let key = SigningKey::new(Algorithm::ES256, "1");
    // Two issuers with one set of keys, as the tenants of some providers are.
    let idp = Idp::start(&[&key]).await;
    let other = Idp::of("https://other.camelot.bt", &json!({})).await;
    other.publish(&[&key]);
    let provider = OpenIdConnect::new("other", "https://other.camelot.bt", CLIENT_ID, CLIENT_SECRET);
    let given = tokens(&key.token(&claims()));
    assert!(openid().identity(&idp.client(), &given).await.is_ok());
    assert_untrusted(provider.identity(&other.client(), &given).await, "another issuer", "mixed up");
    let theirs = tokens(&key.token(&with(claims(), &json!({"iss": "https://other.camelot.bt"}))));
    assert!(provider.identity(&other.client(), &theirs).await.is_ok());
}

#[tokio::test]
async fn oal_10_an_issuer_in_a_private_network_is_not_asked() {
    let idp = Idp::start(&[]).await;
    let public = ProviderClient::new().unwrap();
    let port = idp.fake.url().rsplit_once(':').unwrap().1.to_owned();
    for issuer in [
        format!("http://127.0.0.1:{port}/idp.camelot.bt"),
        format!("https://127.0.0.1:{port}/idp.camelot.bt"),
        format!("https://[::ffff:127.0.0.1]:{port}/idp.camelot.bt"),
        "https://169.254.169.254/latest".to_owned(),
        "file:///etc".to_owned(),
        "idp.camelot.bt".to_owned(),
    ] {
        let provider = OpenIdConnect::new("openid", &issuer, CLIENT_ID, CLIENT_SECRET);
        let refused = provider.endpoints(&public).await;
        assert!(matches!(refused, Err(ProviderError::Settings(_))), "{issuer}: {refused:?}");
    }
    assert_eq!(idp.fake.connections(), 0);
}

#[tokio::test]
async fn oal_10_endpoints_are_of_the_web() {
    for url in [
        "javascript:alert(1)//",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://idp.camelot.bt/",
        "/authorize",
    ] {
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
            let idp = Idp::of(ISSUER, &json!({ name: url })).await;
            let refused = openid().endpoints(&idp.client()).await;
            assert!(matches!(refused, Err(ProviderError::Settings(_))), "{name} {url}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn oal_10_hostile_documents_end_in_an_error_in_time() {
    let mut tasks = JoinSet::new();
    for (what, answer) in [
        ("stalls", FakeAnswer::stalls(Duration::from_secs(60))),
        ("drips", FakeAnswer::drips(Duration::from_millis(100))),
        ("endless", FakeAnswer::endless()),
        ("elsewhere", FakeAnswer::redirect("https://idp.camelot.bt/elsewhere")),
        ("html", FakeAnswer::text("text/html", "<html><script>alert(1)</script>")),
        ("deep", FakeAnswer::text("application/json", &"[".repeat(100_000))),
        ("no utf-8", FakeAnswer::bytes("application/json", b"{\"issuer\":\"\xff\"}".to_vec())),
        ("empty", FakeAnswer::text("application/json", "")),
        ("none", FakeAnswer::json(json!({})).status(404)),
        ("down", FakeAnswer::json(json!({})).status(500)),
    ] {
        tasks.spawn(async move {
            let idp = Idp::of(ISSUER, &json!({})).await;
            idp.fake.answer(&idp.discovery(), answer);
            let (begin, client, provider) = (Instant::now(), idp.client(), openid());
            let error = provider.endpoints(&client).await.unwrap_err();
            assert!(begin.elapsed() < Duration::from_secs(10), "{what}");
            let text = format!("{error} {error:?}");
            assert!(!text.contains("script") && !text.contains("elsewhere"), "{what}: {text}");
            for _ in 0..10 {
                assert!(provider.endpoints(&client).await.is_err(), "{what}");
            }
            assert_eq!(idp.fake.requests().len(), 1, "{what}");
        });
    }
    tasks.join_all().await;
}
