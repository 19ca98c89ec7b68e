//! JSON Web Tokens: signing, and reading with strict claims (RFC 8725).
//!
//! The signature is checked by `jsonwebtoken`, that of HS256 by `hmac`; what the header and the claims may hold is decided here, because the
//! wire contract accepts more (a running fastapi-users) and our safe default less than any library.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{DecodingKey, EncodingKey, crypto};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;
use time::OffsetDateTime;

use crate::{BoxError, object::Object, secret::Secret};

/// The longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 4096;

/// How far clocks of different nodes may be apart, in seconds (security rule F-14). Never extends a token's life.
const CLOCK_SKEW: f64 = 30.0;

/// The signature algorithms that tokens may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    const fn inner(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Hs384 => jsonwebtoken::Algorithm::HS384,
            Self::Hs512 => jsonwebtoken::Algorithm::HS512,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }

    /// The name in the token's header (RFC 7518 §3.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether one shared secret signs and verifies.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

/// The keys of one kind of token, prepared once. `Debug` prints the algorithm alone.
#[derive(Clone)]
pub(crate) struct TokenKeys {
    algorithm: Algorithm,
    /// That of every token made here, as it stands in them.
    header: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    /// The key of HS256 as it is before the message: the library would prepare it for each token.
    hs256: Option<Hmac<Sha256>>,
}

/// Which claims a token needs to be accepted.
#[derive(Clone, Copy)]
pub(crate) struct ClaimRules<'a> {
    /// One of these must be in `aud`.
    pub(crate) audience: &'a [String],
    /// Whether the claim types of PyJWT are accepted, and tokens without `iat`.
    pub(crate) lenient: bool,
    /// Whether a token must have `exp`.
    pub(crate) require_expiry: bool,
}

impl TokenKeys {
    /// HS256 with a shared secret.
    pub(crate) fn hs256(secret: &Secret) -> Self {
        Self::symmetric(Algorithm::Hs256, secret)
    }

    pub(crate) fn symmetric(algorithm: Algorithm, secret: &Secret) -> Self {
        // With two back ends compiled in by an application, jsonwebtoken wants to be told which one; an application
        // that has chosen already keeps its choice.
        let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let (encoding, decoding) =
            (EncodingKey::from_secret(secret.expose()), DecodingKey::from_secret(secret.expose()));
        let hs256 = Hmac::new_from_slice(secret.expose()).ok().filter(|_| algorithm == Algorithm::Hs256);
        Self { algorithm, header: header_of(algorithm), encoding, decoding, hs256 }
    }

    /// A private key that signs and its public key that verifies, both PEM.
    pub(crate) fn pair(algorithm: Algorithm, private: &Secret, public: &[u8]) -> Result<Self, BoxError> {
        let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let private = private.expose();
        let (encoding, decoding) = match algorithm {
            Algorithm::Rs256 => (EncodingKey::from_rsa_pem(private)?, DecodingKey::from_rsa_pem(public)?),
            Algorithm::Es256 => (EncodingKey::from_ec_pem(private)?, DecodingKey::from_ec_pem(public)?),
            Algorithm::EdDsa => (EncodingKey::from_ed_pem(private)?, DecodingKey::from_ed_pem(public)?),
            other => return Err(format!("{} takes a shared secret, not a pair of keys", other.name()).into()),
        };
        let keys = Self { algorithm, header: header_of(algorithm), encoding, decoding, hs256: None };
        // A pair that does not belong together would refuse every token it makes: say so now.
        let probe = keys.sign(&serde_json::json!({}))?;
        if keys.verified(&probe).is_none() {
            return Err("the public key does not verify what the private key signs".into());
        }
        Ok(keys)
    }

    /// Signs claims as a compact JWT with the header `{"alg":…,"typ":"JWT"}`.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, BoxError> {
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?);
        self.sign_message(format!("{}.{claims}", self.header))
    }

    /// Adds the signature to header and claims, as they are.
    pub(crate) fn sign_message(&self, message: String) -> Result<String, BoxError> {
        let signature = crypto::sign(message.as_bytes(), &self.encoding, self.algorithm.inner())?;
        Ok(message + "." + &signature)
    }

    /// The claims of a token that these keys signed, whose times and audience are right. Anything else is `None`:
    /// why a token is refused is nobody's business.
    pub(crate) fn read(&self, token: &str, rules: ClaimRules<'_>) -> Option<Object> {
        let (claims, is_over) = self.read_even_expired(token, rules)?;
        (!is_over).then_some(claims)
    }

    /// The same for a token whose time may be over, and whether it is: the wire contract tells expired states from forged ones.
    pub(crate) fn read_even_expired(&self, token: &str, rules: ClaimRules<'_>) -> Option<(Object, bool)> {
        let (header, claims) = self.verified(token)?;
        if !self.accepts_header(header, rules.lenient) {
            return None;
        }
        let claims = Object::parse(&claims, rules.lenient)?;
        let now = now();
        let is_over = match claims.get("exp") {
            None if rules.require_expiry => return None,
            None => false,
            Some(expiry) => seconds(expiry, rules.lenient)? <= now.floor(),
        };
        let skew = if rules.lenient { 0.0 } else { CLOCK_SKEW };
        for name in ["nbf", "iat"] {
            match claims.get(name) {
                None if name == "iat" && !rules.lenient => return None,
                Some(time) if seconds(time, rules.lenient)? > now + skew => return None,
                _ => {}
            }
        }
        let jti_is_text = claims.get("jti").is_none_or(Value::is_string);
        (jti_is_text && audience_matches(claims.get("aud")?, rules.audience)).then_some((claims, is_over))
    }

    /// The tokens made here, and those of PyJWT, have the one header that need not be read.
    fn accepts_header(&self, header: &str, lenient: bool) -> bool {
        let read = || Object::parse(&URL_SAFE_NO_PAD.decode(header).ok()?, lenient);
        header == self.header
            || read().is_some_and(|header| header_is_plain(&header, self.algorithm, lenient))
    }

    /// The header as it stands in the token and the decoded claims, if the signature is right.
    fn verified<'a>(&self, token: &'a str) -> Option<(&'a str, Vec<u8>)> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        // Decoding here is stricter than in the verifier: of all spellings of the same bytes only one is accepted.
        let bytes = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let parts = (header, URL_SAFE_NO_PAD.decode(claims).ok()?);
        let right = match &self.hs256 {
            Some(mac) => mac.clone().chain_update(message).verify_slice(&bytes).is_ok(),
            None => crypto::verify(signature, message.as_bytes(), &self.decoding, self.algorithm.inner())
                .unwrap_or(false),
        };
        right.then_some(parts)
    }
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TokenKeys").field(&self.algorithm).finish()
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    OffsetDateTime::now_utc().unix_timestamp_nanos() as f64 / 1e9
}

fn header_of(algorithm: Algorithm) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{}","typ":"JWT"}}"#, algorithm.name()))
}

/// One algorithm per key, whatever the token says of itself; no header that changes how it would be read. Strict
/// reading takes the two members that every token made here has, and no key hints (`kid`, `jku`, `jwk`, `x5u`).
fn header_is_plain(header: &Object, algorithm: Algorithm, lenient: bool) -> bool {
    let known = |name: &str| match name {
        "alg" | "typ" => true,
        "crit" | "b64" | "zip" => false,
        _ => lenient,
    };
    let kid_is_text = header.get("kid").is_none_or(Value::is_string);
    header.get("alg").and_then(Value::as_str) == Some(algorithm.name())
        && kid_is_text
        && header.names().all(known)
}

/// A NumericDate. PyJWT also takes fractions, which it cuts off, and numbers in strings.
fn seconds(value: &Value, lenient: bool) -> Option<f64> {
    if lenient {
        let number =
            value.as_f64().or_else(|| value.as_str()?.trim().parse::<i64>().ok().map(|n| n as f64))?;
        return Some(number.trunc());
    }
    value.as_i64().map(|number| number as f64)
}

fn audience_matches(claim: &Value, accepted: &[String]) -> bool {
    let is_accepted =
        |value: &Value| value.as_str().is_some_and(|text| accepted.iter().any(|name| name == text));
    match claim {
        Value::String(_) => is_accepted(claim),
        Value::Array(values) => values.iter().all(Value::is_string) && values.iter().any(is_accepted),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SECRET: &str = "6f1c2c5e9f6b4f1c8b1a2a3b4c5d6e7f";

    fn read(token: &str, lenient: bool) -> bool {
        let audience = ["a".to_owned()];
        let rules = ClaimRules { audience: &audience, lenient, require_expiry: !lenient };
        TokenKeys::hs256(&Secret::new(SECRET)).read(token, rules).is_some()
    }

    fn accepts(claims: &Value, lenient: bool) -> bool {
        read(&TokenKeys::hs256(&Secret::new(SECRET)).sign(claims).unwrap(), lenient)
    }

    fn with_header(header: &str) -> String {
        let claims = json!({"aud": ["a"], "exp": now() as i64 + 60, "iat": now() as i64});
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let signature = crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    }

    #[test]
    fn log_16_headers_that_change_the_reading_are_refused() {
        assert!(read(&with_header(r#"{"alg":"HS256","typ":"JWT"}"#), false));
        assert!(read(&with_header(r#"{"typ": "JWT", "alg": "HS256"}"#), false), "none of ours, and as good");
        for header in [
            r#"{"alg":"none","typ":"JWT"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"HS384"}"#,
            r#"{"alg":"HS256","crit":["x"],"x":1}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","zip":"DEF"}"#,
            r#"{"alg":"HS256","alg":"none"}"#,
            r#"{"alg":"HS256","kid":"../../dev/null"}"#,
            r#"{"alg":"HS256","jku":"http://127.0.0.1/"}"#,
            r#"[]"#,
        ] {
            assert!(!read(&with_header(header), false), "{header}");
        }
    }

    #[test]
    fn log_17_claim_types_are_strict() {
        let now = now() as i64;
        let good = || json!({"sub": "x", "aud": ["a"], "exp": now + 60, "iat": now});
        assert!(accepts(&good(), false));
        for (name, value) in [
            ("exp", json!(now)),
            ("exp", json!(now as f64 + 60.5)),
            ("exp", json!((now + 60).to_string())),
            ("exp", json!(-1)),
            ("exp", json!(null)),
            ("exp", json!(1.0e300)),
            ("nbf", json!("tomorrow")),
            ("nbf", json!(now + 3600)),
            ("iat", json!(now + 3600)),
            ("aud", json!("b")),
            ("aud", json!([])),
            ("aud", json!(["a", 1])),
            ("aud", json!(null)),
            ("jti", json!(1)),
        ] {
            let mut claims = good();
            claims[name] = value;
            assert!(!accepts(&claims, false), "{claims}");
        }
        for missing in ["aud", "exp", "iat"] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(missing);
            assert!(!accepts(&claims, false), "{missing}");
        }
    }

    #[test]
    fn lenient_reading_accepts_what_pyjwt_does() {
        let later = now() as i64 + 60;
        for claims in [
            json!({"aud": "a"}),
            json!({"aud": ["b", "a"], "exp": later as f64 + 0.5, "iss": 1}),
            json!({"aud": ["a"], "exp": later.to_string()}),
        ] {
            assert!(accepts(&claims, true), "{claims}");
        }
        for claims in [json!({"aud": ["a"], "exp": null}), json!({"aud": ["a"], "nbf": later}), json!({})] {
            assert!(!accepts(&claims, true), "{claims}");
        }
    }

    #[test]
    fn log_19_every_mutation_of_a_token_is_refused() {
        let token = with_header(r#"{"alg":"HS256","typ":"JWT"}"#);
        for end in 0..token.len() {
            assert!(!read(&token[..end], false), "prefix of {end}");
        }
        for suffix in ["A", "=", ".", " ", "\n"] {
            assert!(!read(&format!("{token}{suffix}"), false), "{suffix:?}");
        }
        let (rest, last) = token.split_at(token.len() - 1);
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
            assert_eq!(read(&format!("{rest}{other}"), false), last == other.to_string());
        }
    }

    proptest! {
        #[test]
        fn log_19_nothing_is_read_but_what_was_signed(
            text in "[A-Za-z0-9_.-]{0,120}|\\PC*", at in any::<prop::sample::Index>(), other in any::<char>(),
        ) {
            prop_assert!(!read(&text, false) && !read(&text, true));
            let token = with_header(r#"{"alg":"HS256","typ":"JWT"}"#);
            let at = at.index(token.len());
            let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            prop_assert_eq!(read(&changed, false), changed == token, "{}", changed);
            let longer = format!("{}{other}{}", &token[..at], &token[at..]);
            prop_assert!(!read(&longer, false), "{}", longer);
        }
    }

    #[test]
    fn log_20_huge_tokens_are_not_looked_at() {
        assert!(!read(&"a.".repeat(10_000), false));
        assert!(!read(&"a".repeat(1_000_000), false));
    }

    #[test]
    fn a_pair_of_keys_that_do_not_belong_together_is_refused() {
        assert!(TokenKeys::pair(Algorithm::Hs256, &Secret::new(SECRET), b"").is_err());
        assert!(TokenKeys::pair(Algorithm::EdDsa, &Secret::new("no key"), b"no key").is_err());
    }
}
