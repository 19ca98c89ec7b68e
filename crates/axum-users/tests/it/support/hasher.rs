//! A hasher that costs nothing, since most tests are not about hashing, and one that notes what it does.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use axum_users::{
    BoxError,
    password::{Argon2id, HashClass, PasswordHash, PasswordHasher, Verdict},
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

/// Argon2id of little cost, which notes of what class each hash is that it makes or verifies.
#[derive(Clone, Default)]
pub(crate) struct NotingHasher {
    noted: Arc<Mutex<Vec<PasswordHash>>>,
}

impl NotingHasher {
    pub(crate) const ARGON2: Argon2id = Argon2id { memory_kib: 64, iterations: 1, ..Argon2id::secure() };

    /// The classes of the operations since the last time, each as a hash of it.
    pub(crate) fn take(&self) -> Vec<PasswordHash> {
        std::mem::take(&mut self.noted.lock().unwrap())
    }

    fn note(&self, hash: &PasswordHash) {
        let HashClass::Like(class) = Self::ARGON2.class(hash) else { panic!("nobody verifies such a hash") };
        self.noted.lock().unwrap().push(class);
    }
}

impl PasswordHasher for NotingHasher {
    fn hash(&self, password: &str) -> Result<PasswordHash, BoxError> {
        let hash = Self::ARGON2.hash(password)?;
        self.note(&hash);
        Ok(hash)
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Verdict {
        self.note(hash);
        Self::ARGON2.verify(password, hash)
    }

    fn class(&self, hash: &PasswordHash) -> HashClass {
        Self::ARGON2.class(hash)
    }
}
