//! A hasher that costs nothing: most tests are not about hashing.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use axum_users::{
    BoxError,
    password::{PasswordHash, PasswordHasher, Verdict},
};

#[derive(Debug, Default)]
pub(crate) struct CheapHasher {
    salt: AtomicU64,
}

impl CheapHasher {
    /// A hash that is hashed anew when its password is right.
    pub(crate) fn outdated(password: &str) -> PasswordHash {
        digest("old", 0, password)
    }
}

impl PasswordHasher for CheapHasher {
    fn hash(&self, password: &str) -> Result<PasswordHash, BoxError> {
        Ok(digest("new", self.salt.fetch_add(1, Relaxed), password))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Verdict {
        let parts: Vec<&str> = hash.as_str().split('$').collect();
        let [_, kind, salt, _] = parts[..] else { return Verdict::Mismatch };
        let Ok(salt) = salt.parse() else { return Verdict::Mismatch };
        match digest(kind, salt, password) == *hash {
            true if kind == "old" => Verdict::MatchButRehash,
            true => Verdict::Match,
            false => Verdict::Mismatch,
        }
    }
}

fn digest(kind: &str, salt: u64, password: &str) -> PasswordHash {
    let mut hasher = DefaultHasher::new();
    (salt, password).hash(&mut hasher);
    PasswordHash::new(format!("${kind}${salt}${:016x}", hasher.finish()))
}
