//! One-time codes: what a browser brings from a provider to a page that wants a bearer token.

use serde::Serialize;
use time::OffsetDateTime;

use super::state::REMEMBERED_LONGER;
use crate::{
    BoxError, Profile, Secret, User,
    claims::{ClaimRules, TokenKeys, now},
    object::Object,
    secret::random_token,
    strategy::Accounts,
};

/// Seconds that a page has to exchange a code.
const LIFETIME: u64 = 60;

/// Makes and reads codes that log a user in: JWTs that are used once, within a minute, at the path they were made for.
pub(crate) struct LoginCodes {
    keys: TokenKeys,
    audience: [String; 1],
}

/// A code that was made here.
pub(crate) struct LoginCode {
    claims: Object,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: String,
    aud: &'a str,
    exp: u64,
    iat: u64,
    jti: String,
    flow: &'a str,
    /// Fingerprint of the password hash.
    fgp: String,
}

impl LoginCodes {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self {
            keys: TokenKeys::hs256(&secret.derive("oauth code")),
            audience: ["axum-users:oauth-code".to_owned()],
        }
    }

    pub(crate) fn write<P: Profile>(
        &self,
        user: &User<P>,
        path: &str,
        accounts: &Accounts<P>,
    ) -> Result<String, BoxError> {
        let issued_at = now() as u64;
        self.keys.sign(&Claims {
            sub: user.id.to_string(),
            aud: &self.audience[0],
            exp: issued_at.saturating_add(LIFETIME),
            iat: issued_at,
            jti: random_token()?,
            flow: path,
            fgp: accounts.fingerprint(user),
        })
    }

    pub(crate) fn read(&self, code: &str, path: &str) -> Option<LoginCode> {
        let rules = ClaimRules { audience: &self.audience, lenient: false, require_expiry: true };
        let claims = self.keys.read(code, rules)?;
        (claims.text("flow") == Some(path)).then_some(LoginCode { claims })
    }
}

impl LoginCode {
    /// The user's id.
    pub(crate) fn user(&self) -> &str {
        self.claims.text("sub").unwrap_or_default()
    }

    /// Whether the user's password is still the one of when the code was made.
    pub(crate) fn is_for<P: Profile>(&self, user: &User<P>, accounts: &Accounts<P>) -> bool {
        self.claims.text("fgp") == Some(&accounts.fingerprint(user))
    }

    /// From when on it need not be remembered.
    pub(crate) fn expires_at(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + time::Duration::seconds(LIFETIME as i64) + REMEMBERED_LONGER
    }
}
