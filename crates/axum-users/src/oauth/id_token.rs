//! ID tokens: who logged in, said by the provider to this application and nobody else (OpenID Connect Core §3.1.3.7).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::Value;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::{
    ProviderError, ProviderTokens,
    jwks::{self, Signed},
};
use crate::{claims::now, object::Object};

/// The longest token that is looked at, in bytes: those that list a person's groups are long.
const MAX_TOKEN_BYTES: usize = 32 * 1024;

/// How far the provider's clock may be ahead, in seconds. It never extends a token's life.
const CLOCK_SKEW: f64 = 60.0;

/// How long ago a token may have been issued, in seconds. It is the nonce that keeps old ones out; this is for clocks.
const MAX_AGE: f64 = 86_400.0;

/// How long a token may be valid, in seconds.
const MAX_LIFETIME: f64 = 366.0 * 86_400.0;

/// The longest `sub` (§2).
const MAX_SUBJECT_BYTES: usize = 255;

/// A token that is well formed. Nothing of it is true before its signature is verified.
pub(super) struct IdToken<'a> {
    message: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    header: Object,
    claims: Object,
}

impl<'a> IdToken<'a> {
    /// Takes a token apart. What its header says of keys (`jku`, `jwk`, `x5u`, `x5c`) is never used.
    pub(super) fn parse(token: &'a str) -> Result<Self, ProviderError> {
        Self::parsed(token).ok_or(ProviderError::Untrusted("the ID token is malformed"))
    }

    fn parsed(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        URL_SAFE_NO_PAD.decode(signature).ok()?;
        let header = Object::parse(&URL_SAFE_NO_PAD.decode(header).ok()?, false)?;
        let claims = Object::parse(&URL_SAFE_NO_PAD.decode(claims).ok()?, false)?;
        let changes_the_reading = header.names().any(|name| matches!(name, "crit" | "b64" | "zip" | "enc"));
        let is_jwt = |typ: &Value| typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"));
        if changes_the_reading || !header.get("typ").is_none_or(is_jwt) {
            return None;
        }
        if header.get("kid").is_some_and(|kid| !kid.is_string()) {
            return None;
        }
        let algorithm = jwks::algorithm(header.text("alg")?)?;
        Some(Self { message, signature, algorithm, header, claims })
    }

    /// What a key has to have signed.
    pub(super) fn signed(&self) -> Signed<'_> {
        Signed {
            kid: self.header.text("kid"),
            algorithm: self.algorithm,
            message: self.message,
            signature: self.signature,
        }
    }

    /// The claims, when the signature is verified and they are for this application and this login.
    pub(super) fn claims(self, client_id: &str, tokens: &ProviderTokens) -> Result<Object, ProviderError> {
        let claims = self.claims;
        let refuse = |reason| Err(ProviderError::Untrusted(reason));
        if !is_for(&claims, client_id) {
            return refuse("the ID token is for another application");
        }
        if !is_of_now(&claims, now()) {
            return refuse("the ID token is over, of the future, or says nothing of its time");
        }
        if !has_nonce(&claims, tokens.nonce.as_deref()) {
            return refuse("the ID token is of another login");
        }
        if !claims.text("sub").is_some_and(is_subject) {
            return refuse("the ID token names nobody");
        }
        if !fits_access_token(&claims, &tokens.access_token, self.algorithm) {
            return refuse("the ID token is of another access token");
        }
        Ok(claims)
    }

    /// The claims of a signed userinfo (§5.3.2), when the signature is verified and they are for this application. It has
    /// been asked for a moment ago: it needs neither nonce nor times, but has to keep to an end that it states.
    pub(super) fn userinfo(self, client_id: &str) -> Result<Object, ProviderError> {
        let is_over = |expiry: &Value| expiry.as_f64().is_none_or(|expiry| expiry <= now());
        if !is_for(&self.claims, client_id) {
            return Err(ProviderError::Untrusted("the userinfo is for another application"));
        }
        if self.claims.get("exp").is_some_and(is_over) {
            return Err(ProviderError::Untrusted("the userinfo is over"));
        }
        Ok(self.claims)
    }
}

/// `aud` and `azp` (§3.1.3.7 points 3 to 5).
fn is_for(claims: &Object, client_id: &str) -> bool {
    let (in_audience, alone) = match claims.get("aud") {
        Some(Value::String(audience)) => (audience == client_id, true),
        Some(Value::Array(audiences)) => (
            audiences.iter().all(Value::is_string) && audiences.iter().any(|audience| audience == client_id),
            audiences.len() == 1,
        ),
        _ => (false, false),
    };
    let party_is_us = claims.get("azp").map(|party| party == client_id);
    in_audience && party_is_us.unwrap_or(alone)
}

/// `exp`, `iat`, `nbf` (points 9 and 10; RFC 7519 §4.1).
fn is_of_now(claims: &Object, now: f64) -> bool {
    let times = |name| claims.get(name).map(Value::as_f64);
    let (Some(Some(expiry)), Some(Some(issued))) = (times("exp"), times("iat")) else { return false };
    let begun = match times("nbf") {
        None => true,
        Some(begin) => begin.is_some_and(|begin| begin <= now + CLOCK_SKEW),
    };
    begun
        && expiry > now
        && expiry <= now + MAX_LIFETIME
        && issued <= now + CLOCK_SKEW
        && issued >= now - MAX_AGE
}

/// `nonce` (point 11), always sent and always required.
fn has_nonce(claims: &Object, expected: Option<&str>) -> bool {
    let (Some(nonce), Some(expected)) = (claims.text("nonce"), expected) else { return false };
    !expected.is_empty() && nonce.as_bytes().ct_eq(expected.as_bytes()).into()
}

/// No control characters: some databases cannot hold them.
fn is_subject(subject: &str) -> bool {
    (1..=MAX_SUBJECT_BYTES).contains(&subject.len()) && !subject.chars().any(char::is_control)
}

/// `at_hash` (§3.1.3.6), if there is one: the first half of the access token's digest.
fn fits_access_token(claims: &Object, access_token: &str, algorithm: Algorithm) -> bool {
    let Some(hash) = claims.get("at_hash") else { return true };
    let digest = match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 => Sha256::digest(access_token).to_vec(),
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => Sha384::digest(access_token).to_vec(),
        _ => Sha512::digest(access_token).to_vec(),
    };
    let half = digest.get(..digest.len() / 2).unwrap_or_default();
    hash.as_str() == Some(&URL_SAFE_NO_PAD.encode(half))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(claims: &Value) -> Object {
        Object::parse(claims.to_string().as_bytes(), false).unwrap()
    }

    #[test]
    fn oal_5_the_audience_is_this_application() {
        let accepts = |claims: Value| is_for(&object(&claims), "us");
        assert!(accepts(json!({"aud": "us"})));
        assert!(accepts(json!({"aud": ["us"]})));
        assert!(accepts(json!({"aud": "us", "azp": "us"})));
        assert!(accepts(json!({"aud": ["them", "us"], "azp": "us"})));
        for refused in [
            json!({}),
            json!({"aud": "them"}),
            json!({"aud": "US"}),
            json!({"aud": []}),
            json!({"aud": ["them"]}),
            json!({"aud": ["them", "us"]}),
            json!({"aud": ["us", "us"]}),
            json!({"aud": ["us", 1], "azp": "us"}),
            json!({"aud": ["us", "them"], "azp": "them"}),
            json!({"aud": "us", "azp": "them"}),
            json!({"aud": "us", "azp": null}),
            json!({"aud": {"us": "us"}}),
            json!({"azp": "us"}),
        ] {
            assert!(!accepts(refused.clone()), "{refused}");
        }
    }

    #[test]
    fn oal_5_times_are_numbers_and_of_now() {
        let accepts = |claims: Value| is_of_now(&object(&claims), 1_000_000_000.0);
        let now = 1_000_000_000_i64;
        assert!(accepts(json!({"exp": now + 1, "iat": now})));
        assert!(accepts(json!({"exp": now as f64 + 0.5, "iat": now as f64 - 0.5})));
        assert!(accepts(json!({"exp": now + 300, "iat": now + 60, "nbf": now + 60})));
        for refused in [
            json!({"iat": now}),
            json!({"exp": now + 300}),
            json!({"exp": now, "iat": now}),
            json!({"exp": now + 300, "iat": now + 61}),
            json!({"exp": now + 300, "iat": now - 86_401}),
            json!({"exp": now + 300, "iat": now, "nbf": now + 61}),
            json!({"exp": now + 300, "iat": now, "nbf": "now"}),
            json!({"exp": (now + 300).to_string(), "iat": now}),
            json!({"exp": true, "iat": now}),
            json!({"exp": 1.0e300, "iat": now}),
            json!({"exp": i64::MAX, "iat": now}),
            json!({"exp": u64::MAX, "iat": now}),
            json!({"exp": now + 300, "iat": -1}),
            json!({"exp": now + 300, "iat": [now]}),
        ] {
            assert!(!accepts(refused.clone()), "{refused}");
        }
    }

    #[test]
    fn oal_5_the_nonce_is_that_of_the_login() {
        let accepts = |claims: Value, expected| has_nonce(&object(&claims), expected);
        assert!(accepts(json!({"nonce": "n"}), Some("n")));
        assert!(!accepts(json!({"nonce": "N"}), Some("n")));
        assert!(!accepts(json!({"nonce": "n"}), None));
        assert!(!accepts(json!({"nonce": ""}), Some("")));
        assert!(!accepts(json!({"nonce": 1}), Some("1")));
        assert!(!accepts(json!({}), Some("n")));
    }

    #[test]
    fn oal_9_subjects_are_texts_that_every_database_holds() {
        assert!(is_subject("1") && is_subject(&"a".repeat(255)) && is_subject("f:1:ärthur"));
        for refused in [String::new(), "a".repeat(256), "a\0b".to_owned(), "a\n".to_owned()] {
            assert!(!is_subject(&refused), "{refused:?}");
        }
    }

    /// The example of OpenID Connect Core §A.3.
    #[test]
    fn the_hash_of_an_access_token_is_that_of_the_specification() {
        let claims = object(&json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}));
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert!(fits_access_token(&claims, token, Algorithm::RS256));
        assert!(!fits_access_token(&claims, token, Algorithm::RS384));
        assert!(!fits_access_token(&claims, "another", Algorithm::RS256));
        assert!(!fits_access_token(&object(&json!({"at_hash": null})), token, Algorithm::RS256));
        assert!(fits_access_token(&object(&json!({})), token, Algorithm::RS256));
    }
}
