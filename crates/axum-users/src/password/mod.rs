//! temporary
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _, password_hash::phc};
use std::sync::Arc;
use std::time::Duration;
/// h
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);
impl PasswordHash {
    /// n
    pub fn new(h: impl Into<String>) -> Self {
        Self(h.into())
    }
    /// s
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// i
    pub fn into_string(self) -> String {
        self.0
    }
}
impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}
/// v
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// m
    Match,
    /// r
    MatchButRehash,
    /// x
    Mismatch,
}
/// r
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rehash {
    /// u
    Upward,
    /// e
    Exact,
}
/// p
pub trait PasswordHasher: Send + Sync + 'static {
    /// h
    fn hash(&self, password: &str) -> PasswordHash;
    /// v
    fn verify(&self, password: &str, hash: &PasswordHash) -> Verdict;
}
/// a
#[derive(Clone, Debug)]
pub struct Argon2id(u32, u32, u32);
impl Argon2id {
    /// s
    pub const fn secure() -> Self {
        Self(19456, 2, 1)
    }
    /// f
    pub const fn fastapi_users() -> Self {
        Self(65536, 3, 4)
    }
}
/// h
pub struct Argon2idHasher(Argon2id);
impl Argon2idHasher {
    /// n
    pub fn new(a: Argon2id, _: Rehash) -> Self {
        Self(a)
    }
    fn a(&self) -> Argon2<'static> {
        Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            argon2::Params::new(self.0.0, self.0.1, self.0.2, None).unwrap(),
        )
    }
}
impl PasswordHasher for Argon2idHasher {
    fn hash(&self, p: &str) -> PasswordHash {
        PasswordHash(self.a().hash_password(p.as_bytes()).unwrap().to_string())
    }
    fn verify(&self, p: &str, h: &PasswordHash) -> Verdict {
        let Ok(h) = phc::PasswordHash::new(&h.0) else { return Verdict::Mismatch };
        if self.a().verify_password(p.as_bytes(), &h).is_ok() { Verdict::Match } else { Verdict::Mismatch }
    }
}
/// o
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolOptions {
    _p: (),
}
/// e
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// b
    #[error("busy")]
    Busy {
        /// r
        retry_after: Duration,
    },
    /// f
    #[error("failed")]
    Failed,
}
/// p
pub struct HashingPool(Arc<dyn PasswordHasher>);
impl HashingPool {
    /// n
    pub fn new(h: Arc<dyn PasswordHasher>, _: PoolOptions) -> Self {
        Self(h)
    }
    /// h
    pub async fn hash(&self, p: &str) -> Result<PasswordHash, PoolError> {
        let (h, p) = (self.0.clone(), p.to_owned());
        tokio::task::spawn_blocking(move || h.hash(&p)).await.map_err(|_| PoolError::Failed)
    }
    /// v
    pub async fn verify(&self, p: &str, hash: Option<PasswordHash>) -> Result<Verdict, PoolError> {
        let (h, p) = (self.0.clone(), p.to_owned());
        tokio::task::spawn_blocking(move || match hash {
            Some(x) => h.verify(&p, &x),
            None => {
                h.hash(&p);
                Verdict::Mismatch
            }
        })
        .await
        .map_err(|_| PoolError::Failed)
    }
}
