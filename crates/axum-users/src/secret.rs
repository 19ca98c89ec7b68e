//! Secrets: newtypes that do not print themselves, random tokens, and the digests kept at rest.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The fewest bytes of a secret under [`Policy::secure`](crate::Policy::secure): those of the SHA-256 output
/// (RFC 7518 §3.2).
pub const SECRET_MIN_BYTES: usize = 32;

/// A signing secret or a private key. `Debug` prints `[redacted]`, the memory is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A secret of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes. Never log or send them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// A key for one purpose, derived from this secret with HMAC-SHA256 over the label.
    pub(crate) fn derive(&self, label: &str) -> Self {
        Self::new(self.mac(&[b"axum-users key", label.as_bytes()]))
    }

    /// HMAC-SHA256 of the parts, each preceded by its length so that no two lists of parts collide.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        // HMAC takes keys of any length: the error type is there for other MACs.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Vec::new() };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().to_vec()
    }

    /// What is wrong with the secret, if anything: too short, one repeated byte, or a sample from documentation.
    ///
    /// # Errors
    /// [`WeakSecret`]; its message never holds the secret.
    pub fn check(&self) -> Result<(), WeakSecret> {
        let bytes = self.expose();
        if bytes.len() < SECRET_MIN_BYTES {
            return Err(WeakSecret::Short(bytes.len()));
        }
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            return Err(WeakSecret::Repeated);
        }
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        let sample =
            ["changeme", "change-me", "change_me", "your-secret", "your_secret", "secretsecret", "example"];
        if sample.iter().any(|sample| text.contains(sample)) {
            return Err(WeakSecret::Sample);
        }
        Ok(())
    }
}

impl<T: Into<Vec<u8>>> From<T> for Secret {
    fn from(bytes: T) -> Self {
        Self::new(bytes)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// Why a secret is refused (security rule CFG-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakSecret {
    /// Fewer than [`SECRET_MIN_BYTES`] bytes.
    #[error(
        "it has {0} bytes, at least {SECRET_MIN_BYTES} are needed; `openssl rand -hex 32` prints a good one"
    )]
    Short(usize),
    /// The same byte over and over.
    #[error("it repeats one character; `openssl rand -hex 32` prints a good one")]
    Repeated,
    /// Looks like a sample from documentation.
    #[error("it looks like a sample from documentation; `openssl rand -hex 32` prints a good one")]
    Sample,
}

/// 32 random bytes of the operating system as 43 base64url characters.
pub(crate) fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored in place of a token: its SHA-256 in base64url, 43 characters as the token itself, so that it fits
/// the column of an existing database. A random token needs no salt and no slow hash (ASVS 7.2.3, 11.2.4).
pub(crate) fn digest(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}

/// The first 128 bits of an HMAC over the parts: changes with any of them and tells nothing about them.
pub(crate) fn fingerprint(key: &Secret, parts: &[&[u8]]) -> String {
    URL_SAFE_NO_PAD.encode(key.mac(parts).get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cfg_1_weak_secrets_are_refused_without_naming_them() {
        assert_eq!(Secret::new("SECRET").check(), Err(WeakSecret::Short(6)));
        assert_eq!(Secret::new("a".repeat(64)).check(), Err(WeakSecret::Repeated));
        assert_eq!(Secret::new("please-changeme-please-changeme-now").check(), Err(WeakSecret::Sample));
        assert_eq!(Secret::new("5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f").check(), Ok(()));
        assert!(!format!("{:?}", Secret::new("hunter2")).contains("hunter2"));
    }

    #[test]
    fn macs_of_different_part_lists_differ() {
        let secret = Secret::new("key");
        assert_ne!(secret.mac(&[b"ab", b"c"]), secret.mac(&[b"a", b"bc"]));
        assert_ne!(secret.derive("reset").expose(), secret.derive("verify").expose());
    }

    #[test]
    fn tokens_and_digests_have_43_characters() {
        let token = random_token().unwrap();
        assert_eq!(token.len(), 43);
        assert_eq!(digest(&token).len(), 43);
        assert_ne!(token, random_token().unwrap());
    }
}
