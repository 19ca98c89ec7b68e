use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::{Accounts, Strategy, StrategyError};
use crate::{
    BoxError, Policy, Profile, StoredTokens, User,
    secret::{digest, random_token},
    store::{DynTokenStore, Found, NewToken, TokenStore},
};

/// The longest token that is looked up, in bytes; ours have 43.
const MAX_TOKEN_BYTES: usize = 255;

/// Random tokens in a token store: 256 bits as 43 base64url characters, of which only the SHA-256 is kept.
///
/// Default lifetime: 14 days. Logging out removes the token, a new password all tokens of the user.
#[derive(Clone)]
pub struct Opaque<P: Profile> {
    tokens: Arc<dyn DynTokenStore<P>>,
    lifetime: Option<u64>,
}

impl<P: Profile> Opaque<P> {
    /// Keeps the tokens in this store.
    pub fn new(tokens: impl TokenStore<P>) -> Self {
        Self { tokens: Arc::new(tokens), lifetime: Some(14 * 24 * 3600) }
    }

    /// How long a token is valid, in seconds. `None` or 0 is for ever, which the policy must allow.
    #[must_use]
    pub fn lifetime(mut self, seconds: impl Into<Option<u64>>) -> Self {
        self.lifetime = seconds.into().filter(|seconds| *seconds > 0);
        self
    }

    fn not_before(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::now_utc().checked_sub(self.duration()?)
    }

    fn duration(&self) -> Option<Duration> {
        Some(Duration::seconds(i64::try_from(self.lifetime?).ok()?))
    }
}

impl<P: Profile> std::fmt::Debug for Opaque<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opaque").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

fn stored_form(token: &str, policy: &Policy) -> String {
    match policy.stored_tokens {
        StoredTokens::Digest => digest(token),
        StoredTokens::Clear => token.to_owned(),
    }
}

impl<P: Profile> Strategy<P> for Opaque<P> {
    async fn write(&self, user: &User<P>, accounts: &Accounts<P>) -> Result<String, StrategyError> {
        let token = random_token().map_err(BoxError::from)?;
        let stored = stored_form(&token, accounts.policy());
        let created_at = OffsetDateTime::now_utc();
        let expires_at = self.duration().and_then(|lifetime| created_at.checked_add(lifetime));
        self.tokens.insert(NewToken { token: &stored, user: &user.id, created_at, expires_at }).await?;
        Ok(token)
    }

    async fn read(&self, token: &str, accounts: &Accounts<P>) -> Result<Option<User<P>>, StrategyError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Ok(None);
        }
        let found = self.tokens.find(&stored_form(token, accounts.policy()), self.not_before()).await?;
        Ok(match found {
            Some(Found::User(user)) => Some(*user),
            Some(Found::Id(id)) => accounts.get(&id).await?,
            None => None,
        })
    }

    async fn authenticated_at(
        &self,
        token: &str,
        accounts: &Accounts<P>,
    ) -> Result<Option<OffsetDateTime>, StrategyError> {
        Ok(self.tokens.created_at(&stored_form(token, accounts.policy())).await?)
    }

    async fn destroy(&self, token: &str, accounts: &Accounts<P>) -> Result<(), StrategyError> {
        self.tokens.remove(&stored_form(token, accounts.policy())).await?;
        Ok(())
    }

    async fn destroy_all(&self, user: &P::Id) -> Result<(), StrategyError> {
        Ok(self.tokens.remove_all(user).await?)
    }

    async fn remove_expired(&self, limit: u32) -> Result<u64, StrategyError> {
        Ok(self.tokens.remove_expired(OffsetDateTime::now_utc(), limit).await?)
    }

    fn check(&self, policy: &Policy) -> Result<(), String> {
        if self.lifetime.is_none() && !policy.unbounded_token_life {
            return Err(
                "a stored token without a lifetime is valid for ever, which the policy forbids".to_owned()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryStore, NoProfile};

    fn opaque() -> Opaque<NoProfile> {
        Opaque::new(MemoryStore::new())
    }

    #[test]
    fn a_token_lives_as_long_as_it_is_said_or_the_policy_allows() {
        let (secure, shared) = (Policy::secure(), Policy::fastapi_users());
        assert!(opaque().check(&secure).is_ok());
        for for_ever in [opaque().lifetime(None), opaque().lifetime(0)] {
            assert!(for_ever.check(&secure).is_err() && for_ever.check(&shared).is_ok());
            assert_eq!(for_ever.not_before(), None);
        }
        let oldest = opaque().lifetime(60).not_before().unwrap();
        let age = OffsetDateTime::now_utc() - oldest;
        assert!((60..70).contains(&age.whole_seconds()), "{age}");
        assert_eq!(opaque().lifetime(u64::MAX).not_before(), None, "longer than time is for ever");
    }

    #[test]
    fn log_22_what_is_stored_opens_nothing() {
        let token = random_token().unwrap();
        let stored = stored_form(&token, &Policy::secure());
        assert_ne!(stored, token);
        assert_ne!(stored_form(&stored, &Policy::secure()), stored);
        assert_eq!(stored_form(&token, &Policy::fastapi_users()), token);
    }
}
