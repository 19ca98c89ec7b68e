//! Tokens that the library did not make, and keys to make them with.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::KeySize,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use axum_users::Algorithm;
use base64::{Engine, engine::general_purpose};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// A signing key and its public key, both PEM.
pub(crate) struct Pair {
    pub(crate) private: String,
    pub(crate) public: String,
}

impl Pair {
    pub(crate) fn generate(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 => {
                let keys = signature::RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
                let public = AsDer::<PublicKeyX509Der<'_>>::as_der(keys.public_key()).unwrap();
                Self::new(AsDer::<Pkcs8V1Der<'_>>::as_der(&keys).unwrap().as_ref(), public.as_ref())
            }
            Algorithm::Es256 => {
                let keys = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
                let public = AsDer::<PublicKeyX509Der<'_>>::as_der(keys.public_key()).unwrap();
                Self::new(keys.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
            }
            _ => {
                let keys = Ed25519KeyPair::generate().unwrap();
                let public = AsDer::<PublicKeyX509Der<'_>>::as_der(keys.public_key()).unwrap();
                Self::new(keys.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
            }
        }
    }

    fn new(private: &[u8], public: &[u8]) -> Self {
        Self { private: pem("PRIVATE KEY", private), public: pem("PUBLIC KEY", public) }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// An HS256 token with these claims.
pub(crate) fn forge(claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::default(), claims, &key).unwrap()
}

/// The claims of a token, unverified.
pub(crate) fn read_claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// `sub` and `aud`, issued now and expiring after so many seconds.
pub(crate) fn claims(subject: &(impl ToString + ?Sized), audience: &str, lifetime: i64) -> Value {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    json!({"sub": subject.to_string(), "aud": [audience], "iat": now, "exp": now + lifetime, "jti": "forged"})
}

/// The header of a token, as it was written.
pub(crate) fn read_header(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    String::from_utf8(general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}
