use serde::Serialize;
use time::OffsetDateTime;

use super::{Accounts, Strategy, StrategyError};
use crate::{
    BoxError, Policy, Profile, Secret, User, UserId,
    claims::{Algorithm, ClaimRules, TokenKeys, now},
    secret::random_token,
};

/// Signed tokens that the server does not store (JSON Web Tokens, RFC 7519).
///
/// Defaults: HS256, valid for 3600 seconds, audience `fastapi-users:auth`. A token ends with the password it was
/// issued under, with the user, and, unless the policy says otherwise, when its bearer logs out.
#[derive(Clone, Debug)]
pub struct Jwt {
    keys: TokenKeys,
    secret: Option<Secret>,
    lifetime: Option<u64>,
    audience: Vec<String>,
}

#[derive(Serialize)]
struct SessionClaims<'a> {
    sub: String,
    aud: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
    iat: u64,
    /// When the user logged in (OpenID Connect Core 1.0 §2).
    auth_time: u64,
    jti: String,
    /// Fingerprint of the password hash.
    fgp: String,
}

impl Jwt {
    /// HS256 with a shared secret of at least 32 bytes.
    pub fn new(secret: impl Into<Secret>) -> Self {
        Self::symmetric(Algorithm::Hs256, secret)
    }

    fn symmetric(algorithm: Algorithm, secret: impl Into<Secret>) -> Self {
        let secret = secret.into();
        let keys = TokenKeys::symmetric(algorithm, &secret);
        Self {
            keys,
            secret: Some(secret),
            lifetime: Some(3600),
            audience: vec!["fastapi-users:auth".to_owned()],
        }
    }

    /// HS384 with a shared secret.
    pub fn hs384(secret: impl Into<Secret>) -> Self {
        Self::symmetric(Algorithm::Hs384, secret)
    }

    /// HS512 with a shared secret.
    pub fn hs512(secret: impl Into<Secret>) -> Self {
        Self::symmetric(Algorithm::Hs512, secret)
    }

    /// RS256, ES256 or EdDSA: signs with the private key, verifies with the public key, both PEM (the private key
    /// PKCS #8).
    ///
    /// # Errors
    /// When a key cannot be read, the keys do not belong together, or the algorithm takes a shared secret.
    pub fn key_pair(
        algorithm: Algorithm,
        private_key: impl Into<Secret>,
        public_key: impl AsRef<[u8]>,
    ) -> Result<Self, BoxError> {
        let keys = TokenKeys::pair(algorithm, &private_key.into(), public_key.as_ref())?;
        Ok(Self { keys, secret: None, lifetime: Some(3600), audience: vec!["fastapi-users:auth".to_owned()] })
    }

    /// How long a token is valid, in seconds. `None` or 0 is for ever, which the policy must allow.
    #[must_use]
    pub fn lifetime(mut self, seconds: impl Into<Option<u64>>) -> Self {
        self.lifetime = seconds.into().filter(|seconds| *seconds > 0);
        self
    }

    /// Who the tokens are for: all names are written, and one of them must be in a token that is read.
    #[must_use]
    pub fn audience<T: Into<String>>(mut self, audience: impl IntoIterator<Item = T>) -> Self {
        self.audience = audience.into_iter().map(Into::into).collect();
        self
    }

    const fn rules(&self, policy: &Policy) -> ClaimRules<'_> {
        ClaimRules {
            audience: self.audience.as_slice(),
            lenient: policy.share_tokens_with_fastapi_users,
            require_expiry: !policy.unbounded_token_life,
        }
    }
}

impl<P: Profile> Strategy<P> for Jwt {
    async fn write(&self, user: &User<P>, accounts: &Accounts<P>) -> Result<String, StrategyError> {
        let issued_at = now() as u64;
        let claims = SessionClaims {
            sub: user.id.to_string(),
            aud: &self.audience,
            exp: self.lifetime.map(|seconds| issued_at.saturating_add(seconds)),
            iat: issued_at,
            auth_time: issued_at,
            jti: random_token().map_err(BoxError::from)?,
            fgp: accounts.fingerprint(user),
        };
        Ok(self.keys.sign(&claims)?)
    }

    async fn read(&self, token: &str, accounts: &Accounts<P>) -> Result<Option<User<P>>, StrategyError> {
        let policy = accounts.policy();
        let Some(claims) = self.keys.read(token, self.rules(policy)) else { return Ok(None) };
        let parse = if policy.lenient_ids { P::Id::parse_lenient } else { P::Id::parse };
        let Some(id) = claims.text("sub").and_then(parse) else { return Ok(None) };
        let user = match claims.text("jti").filter(|_| policy.revoke_jwt_on_logout) {
            Some(token_id) => accounts.get_unless_revoked(&id, token_id).await?,
            None => accounts.get(&id).await?,
        };
        Ok(user.filter(|user| match claims.text("fgp") {
            Some(_) if !policy.end_sessions_on_password_change => true,
            Some(fingerprint) => fingerprint == accounts.fingerprint(user),
            None => policy.share_tokens_with_fastapi_users,
        }))
    }

    async fn authenticated_at(
        &self,
        token: &str,
        accounts: &Accounts<P>,
    ) -> Result<Option<OffsetDateTime>, StrategyError> {
        let claims = self.keys.read(token, self.rules(accounts.policy()));
        let seconds = claims.and_then(|claims| claims.get("auth_time")?.as_i64());
        Ok(seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()))
    }

    async fn destroy(&self, token: &str, accounts: &Accounts<P>) -> Result<(), StrategyError> {
        let policy = accounts.policy();
        let Some(claims) = self.keys.read(token, self.rules(policy)).filter(|_| policy.revoke_jwt_on_logout)
        else {
            return Ok(());
        };
        let Some(token_id) = claims.text("jti") else { return Ok(()) };
        let expiry = claims.get("exp").and_then(serde_json::Value::as_i64);
        let expires_at = expiry.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        Ok(accounts
            .revoke(token_id, expires_at.unwrap_or(time::macros::datetime!(9999-12-31 23:59:59 UTC)))
            .await?)
    }

    fn check(&self, policy: &Policy) -> Result<(), String> {
        if let Some(Err(weak)) = self.secret.as_ref().map(Secret::check).filter(|_| !policy.weak_secrets) {
            return Err(format!("the secret of the JWT strategy is refused: {weak}"));
        }
        if self.lifetime.is_none() && !policy.unbounded_token_life {
            return Err("a JWT without a lifetime is valid for ever, which the policy forbids".to_owned());
        }
        if self.audience.is_empty() {
            return Err("a JWT needs at least one audience".to_owned());
        }
        Ok(())
    }
}
