#[cfg(feature = "oauth")]
use crate::Policy;
use crate::Secret;

/// Key, lifetime and audience of one kind of one-time token.
#[derive(Clone, Debug)]
pub struct TokenOptions {
    /// The HS256 key; derived from the builder's secret when `None`.
    pub secret: Option<Secret>,
    /// Seconds until it expires, at least 1. Default 3600.
    pub lifetime: u64,
    /// Its `aud` claim, which keeps one kind of token from being used as another.
    pub audience: String,
}

impl TokenOptions {
    /// Tokens that reset a password: audience `fastapi-users:reset`.
    pub fn reset() -> Self {
        Self { secret: None, lifetime: 3600, audience: "fastapi-users:reset".to_owned() }
    }

    /// Tokens that verify an address: audience `fastapi-users:verify`.
    pub fn verification() -> Self {
        Self { secret: None, lifetime: 3600, audience: "fastapi-users:verify".to_owned() }
    }

    /// Tokens that confirm a new address: audience `fastapi-users:change-email`.
    pub fn email_change() -> Self {
        Self { secret: None, lifetime: 3600, audience: "fastapi-users:change-email".to_owned() }
    }

    /// Tokens that take the change of an address back: audience `fastapi-users:revert-email`, seven days.
    pub fn email_revert() -> Self {
        Self { secret: None, lifetime: 7 * 24 * 3600, audience: "fastapi-users:revert-email".to_owned() }
    }

    /// States of OAuth flows: audience `fastapi-users:oauth-state`, 600 seconds, or 3600 where the policy has the contract's
    /// cookie.
    #[cfg(feature = "oauth")]
    pub fn oauth_state(policy: &Policy) -> Self {
        let lifetime = if policy.oauth_shared_cookie { 3600 } else { 600 };
        Self { secret: None, lifetime, audience: "fastapi-users:oauth-state".to_owned() }
    }
}
