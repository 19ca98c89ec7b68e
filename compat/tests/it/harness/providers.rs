//! The providers of accounts, which both programs ask through one gateway: what they say of whoever comes is in the code.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum_users_testkit::{FakeAnswer, FakeProvider, FakeRequest};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    jwt::in_seconds,
    settings::{CLIENT_ID, CLIENT_SECRET},
};

/// The issuer of the provider that is found by discovery.
pub(super) const ISSUER: &str = "https://idp.example";

/// Those of other lengths are none.
const CHALLENGE_LENGTH: usize = 43;

/// How long access tokens live, in seconds.
const LIFETIME: i64 = 3600;

pub(crate) struct Providers {
    fake: FakeProvider,
}

/// What has been said of whoever has an access token.
type Said = Arc<Mutex<HashMap<String, Value>>>;

/// A code that stands for what a provider says of somebody: `id`, `email`, `verified`; the `nonce` of the flow, and its
/// `challenge`, which the verifier must fit; what is different in the answer of the token endpoint, `token`, and in the profile, `profile`, where `status` is that of the answer.
pub(crate) fn code(says: &str) -> String {
    URL_SAFE_NO_PAD.encode(says)
}

impl Providers {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let fake = FakeProvider::start().await;
        let (said, keys) = (Said::default(), Arc::new(Ed25519KeyPair::generate()?));
        let token = |route: &str, issuer: Option<&'static str>, basic: bool| {
            let (said, keys) = (Arc::clone(&said), Arc::clone(&keys));
            fake.answer_by(route, move |request| exchange(request, &said, &keys, issuer, basic));
        };
        token("POST github.com/login/oauth/access_token", None, false);
        token("POST discord.com/api/oauth2/token", None, true);
        token("POST www.reddit.com/api/v1/access_token", None, true);
        token("POST oauth2.googleapis.com/token", Some("https://accounts.google.com"), false);
        token("POST idp.example/token", Some(ISSUER), false);

        let profile = |route: &str, profile: fn(&Value) -> Value| {
            let said = Arc::clone(&said);
            fake.answer_by(route, move |request| answer_profile(request, &said, profile));
        };
        profile("GET api.github.com/user", |it| json!({"id": number(it), "login": "arthur", "email": null}));
        profile("GET api.github.com/user/emails", |it| match &it["email"] {
            Value::Null => json!([]),
            email => json!([{"email": email, "primary": true, "verified": it["verified"]}]),
        });
        profile("GET discord.com/api/users/@me", Value::clone);
        profile("GET oauth.reddit.com/api/v1/me", |it| json!({"name": it["id"]}));
        profile(
            "GET idp.example/userinfo",
            |it| json!({"sub": it["id"], "email": it["email"], "email_verified": it["verified"]}),
        );
        profile("GET people.googleapis.com/v1/people/me", |it| {
            let id = it["id"].as_str().unwrap_or_default();
            let email = json!({"metadata": {"primary": true, "verified": true}, "value": it["email"]});
            json!({"resourceName": format!("people/{id}"), "emailAddresses": [email]})
        });

        let documents = [
            ("accounts.google.com", "accounts.google.com/o/oauth2/v2/auth", "oauth2.googleapis.com/token"),
            ("idp.example", "idp.example/authorize", "idp.example/token"),
        ];
        let x = URL_SAFE_NO_PAD.encode(keys.public_key());
        let key = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "1", "x": x});
        for (host, authorize, token) in documents {
            let document = json!({
                "issuer": format!("https://{host}"),
                "authorization_endpoint": format!("https://{authorize}"),
                "token_endpoint": format!("https://{token}"),
                "jwks_uri": format!("https://{host}/keys"),
                "userinfo_endpoint": "https://idp.example/userinfo",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            });
            let route = format!("GET {host}/.well-known/openid-configuration");
            fake.answer(&route, FakeAnswer::json(document));
            fake.answer(&format!("GET {host}/keys"), FakeAnswer::json(json!({"keys": [key]})));
        }
        Ok(Self { fake })
    }

    /// Such as `http://127.0.0.1:40123`.
    pub(super) fn gateway(&self) -> String {
        self.fake.url()
    }
}

/// Accepts every code of a client that says who it is as the provider wants it.
fn exchange(
    request: &FakeRequest,
    said: &Said,
    keys: &Ed25519KeyPair,
    issuer: Option<&str>,
    basic: bool,
) -> FakeAnswer {
    let field = |name: &str| {
        let mut fields = request.form.iter().filter(|(found, _)| found == name);
        fields.next().map(|(_, value)| value.as_str())
    };
    let header = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    let known = match basic {
        true => header == Some(&expected) && field("client_secret").is_none(),
        false => field("client_id") == Some(CLIENT_ID) && field("client_secret") == Some(CLIENT_SECRET),
    };
    let sent_back = field("redirect_uri").is_some_and(|url| url.ends_with("/callback"));
    if !known || !sent_back || field("grant_type") != Some("authorization_code") {
        return FakeAnswer::json(json!({"error": "invalid_client"})).status(401);
    }
    let says = field("code").and_then(|code| URL_SAFE_NO_PAD.decode(code).ok());
    let Some(says) = says.and_then(|says| serde_json::from_slice::<Value>(&says).ok()) else {
        return FakeAnswer::json(json!({"error": "invalid_grant"})).status(400);
    };
    let fits = |challenge: &str| {
        field("code_verifier").is_some_and(|it| URL_SAFE_NO_PAD.encode(Sha256::digest(it)) == challenge)
    };
    let challenge = says["challenge"].as_str().filter(|challenge| challenge.len() == CHALLENGE_LENGTH);
    if !challenge.is_none_or(fits) {
        return FakeAnswer::json(json!({"error": "invalid_grant"})).status(400);
    }
    let id = says["id"].as_str().unwrap_or_default();
    let access_token = says["token"]["access_token"].as_str().map_or(format!("access-{id}"), str::to_owned);
    let mut answer = json!({
        "access_token": access_token,
        "refresh_token": format!("refresh-{id}"),
        "token_type": "bearer",
        "expires_in": LIFETIME,
    });
    if let Some(issuer) = issuer {
        let claims = json!({
            "iss": issuer,
            "aud": CLIENT_ID,
            "sub": id,
            "email": says["email"],
            "email_verified": says["verified"],
            "nonce": says["nonce"],
            "iat": in_seconds(0),
            "exp": in_seconds(LIFETIME),
        });
        answer["id_token"] = id_token(keys, &claims).into();
    }
    said.lock().unwrap_or_else(PoisonError::into_inner).insert(access_token, says.clone());
    changed(answer, &says["token"])
}

fn answer_profile(request: &FakeRequest, said: &Said, profile: fn(&Value) -> Value) -> FakeAnswer {
    let header = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|header| header.split_once(' ')).map_or("", |(_, token)| token);
    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
    match said.get(token) {
        Some(says) => changed(profile(says), &says["profile"]),
        None => FakeAnswer::json(json!({"error": "invalid_token"})).status(401),
    }
}

/// With other members, where a null is none, and maybe another status.
fn changed(mut answer: Value, changes: &Value) -> FakeAnswer {
    let mut status = 200;
    for (name, value) in changes.as_object().into_iter().flatten() {
        match (name.as_str(), value, answer.as_object_mut()) {
            ("status", Value::Number(number), _) => {
                status = number.as_u64().and_then(|number| u16::try_from(number).ok()).unwrap_or(500);
            }
            (name, Value::Null, Some(members)) => drop(members.shift_remove(name)),
            (name, value, Some(members)) => drop(members.insert(name.to_owned(), value.clone())),
            _ => {}
        }
    }
    FakeAnswer::json(answer).status(status)
}

fn id_token(keys: &Ed25519KeyPair, claims: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "EdDSA", "typ": "JWT", "kid": "1"}).to_string());
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(keys.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// The ids of some providers are numbers.
fn number(says: &Value) -> u64 {
    let digits: String = says["id"].as_str().unwrap_or_default().matches(char::is_numeric).collect();
    digits.parse().unwrap_or_default()
}
