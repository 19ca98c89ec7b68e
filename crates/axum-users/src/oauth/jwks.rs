//! The keys with which a provider signs (RFC 7517), fetched anew when one is missing so that keys can change.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;

use super::{ProviderClient, ProviderError, document::Document};

/// More keys than any provider has; each one that fits may be tried.
const MAX_KEYS: usize = 100;

/// The algorithms of RFC 7518 §3.1, RFC 8037 and RFC 9864 for which the provider alone has the key. Never `none`, and
/// none with a shared secret.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" | "Ed25519" => Algorithm::EdDSA,
        _ => return None,
    })
}

/// The key set of a provider.
#[derive(Clone, Debug)]
pub(super) struct Keys(Document<Vec<Arc<Key>>>);

/// A key that verifies signatures.
pub(super) struct Key {
    kid: Option<String>,
    kind: Kind,
    /// The only one that it is for, if it says so.
    algorithm: Option<Algorithm>,
    /// Whose tokens it is for: Microsoft says it.
    pub(super) issuer: Option<String>,
    decoding: DecodingKey,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// A signature, and what it is of.
pub(super) struct Signed<'a> {
    pub(super) kid: Option<&'a str>,
    pub(super) algorithm: Algorithm,
    pub(super) message: &'a str,
    pub(super) signature: &'a str,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self(Document::new())
    }

    /// The key of the set at `url` that made the signature.
    ///
    /// # Errors
    /// [`ProviderError::Untrusted`] when none of them did.
    pub(super) async fn verify(
        &self,
        client: &ProviderClient,
        url: &str,
        signed: &Signed<'_>,
    ) -> Result<Arc<Key>, ProviderError> {
        let fetch = || {
            let (client, url) = (client.clone(), url.to_owned());
            async move { read(&client.get(&url).json().await?) }
        };
        let keys = self.0.get(fetch).await?;
        if let Some(key) = signed.by(&keys) {
            return Ok(key);
        }
        let newer = self.0.newer(&keys, fetch).await?;
        signed.by(&newer).ok_or(ProviderError::Untrusted("no key of the provider made the signature"))
    }
}

impl Signed<'_> {
    /// The key that made the signature. Without a name there must be one alone that can have (OpenID Connect Core
    /// §10.1).
    pub(super) fn by(&self, keys: &[Arc<Key>]) -> Option<Arc<Key>> {
        let mut candidates = keys.iter().filter(|key| {
            key.fits(self.algorithm) && self.kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        });
        if self.kid.is_none() && candidates.clone().count() > 1 {
            return None;
        }
        candidates.find(|key| self.is_by(key)).cloned()
    }

    fn is_by(&self, key: &Key) -> bool {
        crypto::verify(self.signature, self.message.as_bytes(), &key.decoding, self.algorithm)
            .unwrap_or(false)
    }
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let kind_fits = match self.kind {
            Kind::Rsa => matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
            Kind::P256 => algorithm == ES256,
            Kind::P384 => algorithm == ES384,
            Kind::Ed25519 => algorithm == EdDSA,
        };
        kind_fits && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// A key for signatures. Others are passed over, as are those of a kind that is not known (RFC 7517 §5).
    fn read(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk[name].as_str();
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let for_signatures = jwk["use"].is_null() || jwk["use"] == "sig";
        let verifies = |operations: &Vec<Value>| operations.iter().any(|operation| operation == "verify");
        if !for_signatures || !jwk["key_ops"].as_array().is_none_or(verifies) {
            return None;
        }
        let point = |length: usize| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            let point = || DecodingKey::from_ec_components(text("x")?, text("y")?).ok();
            (x.len() == length && y.len() == length).then(point)?
        };
        let (kind, decoding) = match (text("kty")?, text("crv")) {
            ("RSA", _) => (Kind::Rsa, DecodingKey::from_rsa_raw_components(&bytes("n")?, &bytes("e")?)),
            ("EC", Some("P-256")) => (Kind::P256, point(32)?),
            ("EC", Some("P-384")) => (Kind::P384, point(48)?),
            ("OKP", Some("Ed25519")) => (Kind::Ed25519, DecodingKey::from_ed_der(&bytes("x")?)),
            _ => return None,
        };
        let algorithm = match &jwk["alg"] {
            Value::Null => None,
            stated => Some(algorithm(stated.as_str()?)?),
        };
        let owned = |name| text(name).map(str::to_owned);
        Some(Self { kid: owned("kid"), kind, algorithm, issuer: owned("issuer"), decoding })
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).field("kind", &self.kind).finish_non_exhaustive()
    }
}

pub(super) fn read(set: &Value) -> Result<Vec<Arc<Key>>, ProviderError> {
    // See `TokenKeys`: with two back ends compiled in, jsonwebtoken wants to be told which one.
    let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let keys = set["keys"].as_array().ok_or(ProviderError::Answer("its key set has no keys"))?;
    if keys.len() > MAX_KEYS {
        return Err(ProviderError::Answer("its key set has too many keys"));
    }
    Ok(keys.iter().filter_map(Key::read).map(Arc::new).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa(changes: &Value) -> Value {
        let mut key = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "1"});
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    }

    #[test]
    fn oal_5_only_public_keys_for_signatures_are_used() {
        let uses = |key: &Value| Key::read(key).is_some();
        for used in [
            json!({}),
            json!({"use": "sig", "alg": "RS256"}),
            json!({"key_ops": ["verify"], "alg": "PS512"}),
            json!({"kid": null}),
        ] {
            assert!(uses(&rsa(&used)), "{used}");
        }
        for passed_over in [
            json!({"use": "enc"}),
            json!({"use": 1}),
            json!({"key_ops": ["encrypt"]}),
            json!({"alg": "RSA-OAEP"}),
            json!({"alg": "HS256"}),
            json!({"alg": "none"}),
            json!({"alg": 1}),
            json!({"kty": "oct", "k": "AQAB"}),
            json!({"kty": "EC"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB"}),
            json!({"kty": "EC", "crv": "secp256k1", "x": "AQAB", "y": "AQAB"}),
            json!({"kty": "OKP", "crv": "X25519", "x": "AQAB"}),
            json!({"n": "not base64!"}),
            json!({"n": null}),
            json!({"kty": null}),
        ] {
            assert!(!uses(&rsa(&passed_over)), "{passed_over}");
        }
        assert!(!uses(&json!(null)) && !uses(&json!("RSA")));
    }

    #[test]
    fn oal_5_an_algorithm_fits_the_kind_of_the_key_and_what_it_is_for() {
        let fits = |key: &Value, name: &str| Key::read(key).unwrap().fits(algorithm(name).unwrap());
        let any = rsa(&json!({}));
        assert!(fits(&any, "RS256") && fits(&any, "PS512"));
        assert!(!fits(&any, "ES256") && !fits(&any, "EdDSA"));
        let only = rsa(&json!({"alg": "PS256"}));
        assert!(fits(&only, "PS256") && !fits(&only, "RS256"));
        let coordinate = |length| URL_SAFE_NO_PAD.encode(vec![1_u8; length]);
        let p256 = json!({"kty": "EC", "crv": "P-256", "x": coordinate(32), "y": coordinate(32)});
        assert!(fits(&p256, "ES256") && !fits(&p256, "ES384") && !fits(&p256, "RS256"));
        for never in
            ["none", "None", "nOnE", "NONE", "", "HS256", "HS384", "HS512", "rs256", "ES512", "ES256K"]
        {
            assert!(algorithm(never).is_none(), "{never}");
        }
    }

    #[test]
    fn oal_10_key_sets_are_bounded_and_have_keys() {
        let set = |count: usize| read(&json!({"keys": vec![rsa(&json!({})); count]}));
        assert_eq!(set(MAX_KEYS).unwrap().len(), MAX_KEYS);
        assert!(matches!(set(MAX_KEYS + 1), Err(ProviderError::Answer(_))));
        assert!(read(&json!({"keys": [1, null, {}]})).unwrap().is_empty());
        for none in [json!(null), json!([]), json!({"keys": {}})] {
            assert!(matches!(read(&none), Err(ProviderError::Answer(_))), "{none}");
        }
    }
}
