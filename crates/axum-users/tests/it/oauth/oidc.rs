//! OpenID Connect, by a provider that is played: `https://idp.camelot.bt`, or any other.

mod apple;
mod discovery;
mod forged;
mod google;
mod identity;
mod keys;
mod microsoft;
mod others;

use std::sync::LazyLock;

use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair, RsaPublicKeyComponents};
use axum_users::oauth::{OpenIdConnect, ProviderClient, ProviderError, ProviderTokens};
use axum_users_testkit::{FakeAnswer, FakeProvider};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};
use time::OffsetDateTime;

const ISSUER: &str = "https://idp.camelot.bt";
const CLIENT_ID: &str = "camelot";
const CLIENT_SECRET: &str = "the client secret of camelot, 43 characters";
const NONCE: &str = "n-0S6_WzA2Mj";
const ACCESS_TOKEN: &str = "the access token";

/// Slow to make, so there is one.
static RSA: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap());

/// A key of a provider's, for one algorithm.
struct SigningKey {
    kid: &'static str,
    algorithm: Algorithm,
    pair: KeyPair,
    encoding: EncodingKey,
}

impl SigningKey {
    fn new(algorithm: Algorithm, kid: &'static str) -> Self {
        let pair = match algorithm {
            Algorithm::ES256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(),
            Algorithm::ES384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
            Algorithm::EdDSA => KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
            _ => KeyPair::from_pem(&RSA.serialize_pem()).unwrap(),
        };
        Self::of(algorithm, kid, pair)
    }

    /// RS256 with a key that is no other's.
    fn other(kid: &'static str) -> Self {
        let pair = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        Self::of(Algorithm::RS256, kid, pair)
    }

    fn of(algorithm: Algorithm, kid: &'static str, pair: KeyPair) -> Self {
        let pem = pair.serialize_pem();
        let encoding = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem.as_bytes()),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
        };
        Self { kid, algorithm, pair, encoding: encoding.unwrap() }
    }

    fn name(&self) -> String {
        format!("{:?}", self.algorithm)
    }

    /// As the provider publishes it.
    fn jwk(&self) -> Value {
        let mut jwk = match self.algorithm {
            Algorithm::ES256 | Algorithm::ES384 => {
                let (x, y) = self.pair.der_bytes()[1..].split_at(self.pair.der_bytes().len() / 2);
                let curve = if self.algorithm == Algorithm::ES256 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Algorithm::EdDSA => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(self.pair.der_bytes())}),
            _ => {
                let pair = RsaKeyPair::from_pkcs8(&self.pair.serialize_der()).unwrap();
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": encode(public.n), "e": encode(public.e)})
            }
        };
        jwk["kid"] = self.kid.into();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.name().into();
        jwk
    }

    fn header(&self) -> Value {
        json!({"alg": self.name(), "typ": "JWT", "kid": self.kid})
    }

    /// A token with these claims.
    fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), &claims.to_string())
    }

    /// A token with this header, and anything for its claims.
    fn sign(&self, header: &Value, claims: &str) -> String {
        let message = message(header, claims);
        let signature = crypto::sign(message.as_bytes(), &self.encoding, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn message(header: &Value, claims: &str) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims))
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// What a provider says of the king, to this application and now.
fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "sub": "248289761001",
        "aud": CLIENT_ID,
        "nonce": NONCE,
        "iat": now(),
        "exp": now() + 300,
        "email": "king@camelot.bt",
        "email_verified": true,
    })
}

/// `claims` with others, or without those that are now `null`.
fn with(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// What the flow has after the code was exchanged.
fn tokens(id_token: &str) -> ProviderTokens {
    let answer = json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer"});
    let mut tokens = ProviderTokens::read(answer).unwrap();
    tokens.id_token = Some(id_token.to_owned());
    tokens.nonce = Some(NONCE.to_owned());
    tokens
}

fn openid() -> OpenIdConnect {
    OpenIdConnect::new("openid", ISSUER, CLIENT_ID, CLIENT_SECRET)
}

/// A provider that is played, with its documents.
struct Idp {
    fake: FakeProvider,
    host: String,
}

impl Idp {
    /// The provider of [`ISSUER`] with these keys.
    async fn start(keys: &[&SigningKey]) -> Self {
        let idp = Self::of(ISSUER, &json!({})).await;
        idp.publish(keys);
        idp
    }

    /// The provider of an issuer; its discovery document has these members too.
    async fn of(issuer: &str, more: &Value) -> Self {
        let base = issuer.trim_end_matches('/');
        let idp =
            Self { fake: FakeProvider::start().await, host: base.trim_start_matches("https://").to_owned() };
        let document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/keys"),
        });
        idp.fake.answer(&idp.discovery(), FakeAnswer::json(with(document, more)));
        idp
    }

    fn discovery(&self) -> String {
        format!("GET {}/.well-known/openid-configuration", self.host)
    }

    fn route(&self, method: &str, path: &str) -> String {
        format!("{method} {}/{path}", self.host)
    }

    fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        self.publish_set(&json!({ "keys": keys }));
    }

    fn publish_set(&self, set: &Value) {
        self.fake.answer(&self.route("GET", "keys"), FakeAnswer::json(set.clone()));
    }

    fn client(&self) -> ProviderClient {
        ProviderClient::through(&self.fake.url()).unwrap()
    }

    /// How often a document was asked for.
    fn asked(&self, route: &str) -> usize {
        self.fake.requests_to(route).len()
    }

    fn asked_for_keys(&self) -> usize {
        self.asked(&self.route("GET", "keys"))
    }
}

fn assert_untrusted<T: std::fmt::Debug>(result: Result<T, ProviderError>, reason: &str, what: &str) {
    match result {
        Err(ProviderError::Untrusted(said)) => assert!(said.contains(reason), "{what}: {said}"),
        other => panic!("{what}: {other:?}"),
    }
}
