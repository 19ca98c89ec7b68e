//! Which passwords are accepted; and their hashes: made with Argon2id, verified also when they are bcrypt, off the async
//! runtime.

mod argon2id;
#[cfg(feature = "breach-check")]
mod breach;
mod common;
mod context;
mod decoy;
mod engine;
mod fuse;
mod opaque_string;
mod pool;
mod rules;
mod unusable;

#[cfg(fuzzing)]
pub(crate) use argon2id::try_stored;
pub use argon2id::{Argon2id, Rehash};
#[cfg(feature = "breach-check")]
pub use breach::{BreachCheck, BreachFilter, BreachFilterError, BuiltFilter, build_breach_filter};
pub(crate) use context::ContextWords;
pub(crate) use decoy::Decoys;
pub use engine::Engine;
pub(crate) use opaque_string::opaque_string;
pub use pool::PoolOptions;
pub(crate) use pool::{Compared, HashingPool, PoolError};

use crate::BoxError;

/// A stored password hash. `Debug` prints `[redacted]`, and it is never serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash as it stands in the database: a PHC string, or bcrypt's form.
    pub fn new(hash: impl Into<String>) -> Self {
        Self(hash.into())
    }

    /// The text to store. Never log it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text to store. Never log it.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash([redacted])")
    }
}

/// What comparing a password with a hash says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Match,
    /// It is the password, and it should be hashed anew.
    MatchButRehash,
    /// It is not, or the hash cannot be verified.
    Mismatch,
}

/// What verifying a hash costs: an algorithm and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashClass {
    /// What a new hash of the same hasher costs.
    Own,
    /// What this hash costs, which is nobody's password: it has the parameters of the hash that was asked about, a fixed salt
    /// and a fixed tag, so that all hashes that cost the same give the same one.
    Like(PasswordHash),
    /// The hash cannot be verified, or only at a cost that nobody shall be able to cause.
    Unverifiable,
}

/// Hashes passwords and verifies them. Synchronous: it runs on the hashing pool, never on the async runtime.
///
/// The example keeps an old application's salted SHA-256 readable until each user has logged in once:
///
/// ```
/// use axum_users::{BoxError, password::{Argon2id, HashClass, PasswordHash, PasswordHasher, Verdict}};
/// use sha2::{Digest, Sha256};
///
/// struct Legacy(Argon2id);
///
/// impl PasswordHasher for Legacy {
///     fn hash(&self, password: &str) -> Result<PasswordHash, BoxError> {
///         self.0.hash(password)
///     }
///     fn verify(&self, password: &str, hash: &PasswordHash) -> Verdict {
///         let Some((salt, digest)) = hash.as_str().strip_prefix("sha256$").and_then(|rest| rest.split_once('$'))
///         else {
///             return self.0.verify(password, hash);
///         };
///         let found: String =
///             Sha256::digest(format!("{salt}{password}")).iter().map(|byte| format!("{byte:02x}")).collect();
///         if found == digest { Verdict::MatchButRehash } else { Verdict::Mismatch }
///     }
///     fn class(&self, hash: &PasswordHash) -> HashClass {
///         if hash.as_str().starts_with("sha256$") {
///             return HashClass::Like(PasswordHash::new("sha256$0000$0000"));
///         }
///         self.0.class(hash)
///     }
/// }
/// ```
pub trait PasswordHasher: Send + Sync + 'static {
    /// A new hash, with a salt of its own.
    ///
    /// # Errors
    /// When the operating system gives no random bytes or no memory.
    fn hash(&self, password: &str) -> Result<PasswordHash, BoxError>;

    /// Compares. A hash that is malformed or too costly to verify is a mismatch, and costs as much as any other.
    fn verify(&self, password: &str, hash: &PasswordHash) -> Verdict;

    /// What verifying this hash costs. Where the stored hashes are of several classes, such as those of users who came from
    /// another application, a login of nobody costs what it would cost one of them: the classes are as frequent among those
    /// who do not exist as among those who do (LOG-2). Without it everybody is taken to cost what a new hash does, which is
    /// right for a hasher whose hashes are all alike.
    fn class(&self, _hash: &PasswordHash) -> HashClass {
        HashClass::Own
    }

    /// Bytes that verifying this hash takes, or a new one if `None`: the pool keeps to its
    /// [memory](PoolOptions::memory) by it. Of a hash that cannot be verified, what is done instead takes. Without it nothing, which
    /// is right for a hasher that needs no memory worth counting.
    fn memory(&self, _hash: Option<&PasswordHash>) -> u64 {
        0
    }

    /// Gives back what this thread has kept for later hashes, if anything.
    fn release_memory(&self) {}
}
