//! FranceConnect: OpenID Connect with a signed userinfo.

use axum_users::{
    Algorithm,
    oauth::{FranceConnect, Identity, OAuthProvider, ProviderError, ProviderTokens},
};
use axum_users_testkit::FakeAnswer;
use base64::{Engine, engine::general_purpose};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::stage::{ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, Stage, without_echo};
use crate::support::{Pair, forge};

const ISSUER: &str = "https://oidc.franceconnect.gouv.fr/api/v2";
const USERINFO: &str = "GET oidc.franceconnect.gouv.fr/api/v2/userinfo";
const NONCE: &str = "7db9b35458f2288bade947791f1c8fa2d02954f8eb7d9909dc68784f7c4aea29";
const SUBJECT: &str = "b6048e95bb134ec5b1d1e1fa69f287172e91722b9354d637a1bcf2ebb0fd2ef5v1";

struct Keys(Pair);

impl Keys {
    fn new() -> Self {
        Self(Pair::generate(Algorithm::Es256))
    }

    /// As the key set shows it: the point that the public key ends with.
    fn public(&self) -> Value {
        let lines: String = self.0.public.lines().filter(|line| !line.starts_with('-')).collect();
        let der = general_purpose::STANDARD.decode(lines).unwrap();
        let [x, y] = [64, 32].map(|end| &der[der.len() - end..][..32]);
        let [x, y] = [x, y].map(|part| general_purpose::URL_SAFE_NO_PAD.encode(part));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1", "x": x, "y": y}]})
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some("1".to_owned()), ..Header::new(jsonwebtoken::Algorithm::ES256) };
        let key = EncodingKey::from_ec_pem(self.0.private.as_bytes()).unwrap();
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    }
}

/// A provider that has given an ID token and answers this as the userinfo.
async fn identity(keys: &Keys, userinfo: FakeAnswer) -> Result<Identity, ProviderError> {
    let stage = Stage::new().await;
    plays(&stage, keys);
    stage.fake.answer(USERINFO, userinfo);
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let id_token = keys.sign(&json!({
        "sub": SUBJECT, "auth_time": now, "acr": "eidas1", "nonce": NONCE, "aud": CLIENT_ID, "exp": now + 60,
        "iat": now, "iss": ISSUER,
    }));
    let answer =
        json!({"access_token": ACCESS_TOKEN, "expires_in": 60, "id_token": id_token, "token_type": "Bearer"});
    let mut tokens = ProviderTokens::read(answer).unwrap();
    tokens.nonce = Some(NONCE.to_owned());
    let provider = FranceConnect::new(CLIENT_ID, CLIENT_SECRET);
    let identity = provider.identity(&stage.client, &tokens).await.map_err(without_echo);
    let [request] = stage.fake.requests_to(USERINFO).try_into().unwrap();
    assert_eq!(request.headers["authorization"], format!("Bearer {ACCESS_TOKEN}"));
    identity
}

/// <https://oidc.franceconnect.gouv.fr/api/v2/.well-known/openid-configuration>, what is used of it.
fn plays(stage: &Stage, keys: &Keys) {
    stage.plays(
        "GET oidc.franceconnect.gouv.fr/api/v2/.well-known/openid-configuration",
        &json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"),
            "userinfo_endpoint": format!("{ISSUER}/userinfo"),
            "jwks_uri": format!("{ISSUER}/jwks"),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "authorization_response_iss_parameter_supported": true,
        }),
    );
    stage.plays("GET oidc.franceconnect.gouv.fr/api/v2/jwks", &keys.public());
}

/// The userinfo with other claims.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "sub": SUBJECT, "given_name": "Angela Claire Louise", "family_name": "DUBOIS", "email": "king@camelot.bt",
        "email_verified": true, "aud": CLIENT_ID, "iss": ISSUER,
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims
}

fn jwt(token: &str) -> FakeAnswer {
    FakeAnswer::text("application/jwt; charset=utf-8", token)
}

#[tokio::test]
async fn oal_6_the_address_is_one_to_write_to() {
    let keys = Keys::new();
    let person = identity(&keys, jwt(&keys.sign(&claims(&json!({}))))).await.unwrap();
    assert_eq!((person.account_id.as_str(), person.email.as_deref()), (SUBJECT, Some("king@camelot.bt")));
    assert!(!person.email_verified);
    assert_eq!(person.claims["family_name"], "DUBOIS");
    let without = identity(&keys, jwt(&keys.sign(&claims(&json!({"email": null}))))).await.unwrap();
    assert_eq!(without.email, None);
}

#[tokio::test]
async fn oal_5_a_userinfo_counts_only_if_it_is_signed_for_this_login() {
    let keys = Keys::new();
    let mine = claims(&json!({}));
    let signed = keys.sign(&mine);
    let encode = |json: Value| general_purpose::URL_SAFE_NO_PAD.encode(json.to_string());
    let unsigned = format!("{}.{}.", encode(json!({"alg": "none"})), encode(mine.clone()));
    let other_claims = encode(claims(&json!({"email": "merlin@camelot.bt"})));
    let [header, _, signature] = signed.split('.').collect::<Vec<_>>().try_into().unwrap();
    let forged = [
        unsigned,
        format!("{header}.{other_claims}.{signature}"),
        Keys::new().sign(&mine),
        forge(&mine, CLIENT_SECRET),
        keys.sign(&claims(&json!({"aud": "another"}))),
        keys.sign(&claims(&json!({"aud": null}))),
        keys.sign(&claims(&json!({"iss": "https://fcp-low.integ01.dev-franceconnect.fr/api/v2"}))),
        keys.sign(&claims(&json!({"sub": "another"}))),
        keys.sign(&claims(&json!({"exp": 1_700_000_000}))),
        keys.sign(&claims(&json!({"exp": "never"}))),
        mine.to_string(),
        String::new(),
    ];
    for token in forged {
        let refused = identity(&keys, jwt(&token)).await;
        assert!(matches!(refused, Err(ProviderError::Untrusted(_))), "{refused:?} {token}");
    }
    let latin1 = identity(&keys, FakeAnswer::bytes("application/jwt", vec![0xe9])).await;
    assert!(matches!(latin1, Err(ProviderError::Answer(_))), "{latin1:?}");
    let refused = identity(&keys, jwt(&signed).status(401)).await;
    assert!(matches!(refused, Err(ProviderError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn it_is_asked_for_the_level_that_there_is_and_not_by_pkce() {
    let stage = Stage::new().await;
    plays(&stage, &Keys::new());
    let provider = FranceConnect::new(CLIENT_ID, CLIENT_SECRET);
    let endpoints = provider.endpoints(&stage.client).await.unwrap();
    assert_eq!(endpoints.authorize, format!("{ISSUER}/authorize"));
    assert!(endpoints.nonce && !endpoints.pkce && endpoints.always_names_issuer);
    assert_eq!((provider.name(), provider.scopes()), ("franceconnect", &["openid", "email"][..]));
    assert_eq!(provider.authorize_parameters(), [("acr_values", "eidas1".to_owned())]);
    let integration = FranceConnect::integration(CLIENT_ID, CLIENT_SECRET);
    integration.endpoints(&stage.client).await.unwrap_err();
    let asked = "GET fcp-low.integ01.dev-franceconnect.fr/api/v2/.well-known/openid-configuration";
    assert_eq!(stage.fake.requests_to(asked).len(), 1);
}
