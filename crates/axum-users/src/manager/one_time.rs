use serde::Serialize;

use crate::{
    BoxError, Profile, Secret, User,
    claims::{ClaimRules, TokenKeys, now},
    object::Object,
    password::PasswordHash,
    secret::random_token,
};

/// Makes and reads one kind of one-time token: an HS256 JWT with an audience of its own (RFC 8725 §3.11-12).
///
/// Single use comes from what the token is bound to: using it changes that, and the store compares and sets.
pub(crate) struct OneTimeTokens {
    keys: TokenKeys,
    fingerprint_key: Secret,
    lifetime: u64,
    audience: [String; 1],
}

/// The claims of the wire contract, and ours where they are safe to add.
#[derive(Serialize)]
struct Claims<'a> {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_fgpt: Option<&'a str>,
    aud: &'a str,
    exp: u64,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fgp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
}

impl OneTimeTokens {
    pub(crate) const fn new(
        keys: TokenKeys,
        fingerprint_key: Secret,
        lifetime: u64,
        audience: String,
    ) -> Self {
        Self { keys, fingerprint_key, lifetime, audience: [audience] }
    }

    /// A token that names its user's address.
    pub(super) fn for_address<P: Profile>(&self, user: &User<P>) -> Result<String, BoxError> {
        let claims = Claims { email: Some(&user.email), ..self.claims(user) };
        self.keys.sign(&claims)
    }

    /// A token that dies with its user's password or address. `shared` is the fingerprint that a running
    /// fastapi-users checks: an Argon2 hash of the stored hash.
    pub(super) fn for_password<P: Profile>(
        &self,
        user: &User<P>,
        shared: Option<&PasswordHash>,
    ) -> Result<String, BoxError> {
        let own = self.fingerprint(user);
        let claims = match shared {
            None => Claims { password_fgpt: Some(&own), ..self.claims(user) },
            Some(hash) => Claims { password_fgpt: Some(hash.as_str()), fgp: Some(&own), ..self.claims(user) },
        };
        self.keys.sign(&claims)
    }

    /// A token that names another address, and dies with its user's password or address.
    pub(super) fn for_new_address<P: Profile>(
        &self,
        user: &User<P>,
        email: &str,
    ) -> Result<String, BoxError> {
        let (own, jti) = (self.fingerprint(user), Some(random_token()?));
        self.keys.sign(&Claims { email: Some(email), fgp: Some(&own), jti, ..self.claims(user) })
    }

    /// A token that names an address which its user had, and outlives whatever becomes of the password and the address.
    pub(super) fn for_old_address<P: Profile>(
        &self,
        user: &User<P>,
        email: &str,
        expires_at: u64,
    ) -> Result<String, BoxError> {
        let jti = Some(random_token()?);
        self.keys.sign(&Claims { email: Some(email), exp: expires_at, jti, ..self.claims(user) })
    }

    /// Seconds that a token lives.
    pub(super) const fn lifetime(&self) -> u64 {
        self.lifetime
    }

    /// The claims of a token that is ours, of this kind, and has not expired.
    pub(super) fn read(&self, token: &str, lenient: bool) -> Option<Object> {
        self.keys.read(token, ClaimRules { audience: &self.audience, lenient, require_expiry: !lenient })
    }

    /// Changes with the user's password and address, and tells nothing about them.
    pub(super) fn fingerprint<P: Profile>(&self, user: &User<P>) -> String {
        crate::secret::fingerprint(
            &self.fingerprint_key,
            &[user.hashed_password.as_str().as_bytes(), user.email.as_bytes()],
        )
    }

    fn claims<P: Profile>(&self, user: &User<P>) -> Claims<'_> {
        let issued_at = now() as u64;
        Claims {
            sub: user.id.to_string(),
            email: None,
            password_fgpt: None,
            aud: self.audience[0].as_str(),
            exp: issued_at.saturating_add(self.lifetime),
            iat: issued_at,
            fgp: None,
            jti: None,
        }
    }
}
