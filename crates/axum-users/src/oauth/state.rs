//! What connects the way to a provider with the way back: a signed state, and a cookie that only the browser that went has.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use crate::{
    BoxError, Cookie, Policy, Secret, Transport,
    claims::{ClaimRules, TokenKeys, now},
    object::Object,
    secret::{digest, random_token},
};

/// How many characters of a flow's name are in the name of its cookie.
const NAME_IN_COOKIE: usize = 8;

/// How much longer than it is valid a state is remembered as used: the clocks of nodes differ.
pub(super) const REMEMBERED_LONGER: time::Duration = time::Duration::minutes(1);

/// Makes and reads states: JWTs in the contract's shape, bound to the browser by a cookie whose digest they carry, to the
/// flow by its path, and each used once (RFC 9700 §4.7, security rules OAL-1 to OAL-3).
///
/// The verifier of PKCE and the nonce are derived from the cookie: nothing is kept, and a stolen state tells neither.
pub(crate) struct States {
    keys: TokenKeys,
    binding: Secret,
    audience: [String; 1],
    lifetime: u64,
    cookie: Cookie,
    shared: bool,
    lenient: bool,
}

/// Where a flow begins, and what for.
#[derive(Clone, Copy)]
pub(crate) struct Flow<'a> {
    /// The path of its routes: no other's states are taken.
    pub(crate) path: &'a str,
    /// Whose account it becomes; `None` to log in.
    pub(crate) user: Option<&'a str>,
    /// Where the browser goes in the end.
    pub(crate) return_to: Option<&'a str>,
}

/// A flow that has begun.
pub(crate) struct Begun {
    pub(crate) state: String,
    pub(crate) cookie: HeaderValue,
    /// Of PKCE, by S256.
    pub(crate) challenge: String,
    pub(crate) nonce: String,
}

/// A flow that comes back to the browser that began it.
pub(crate) struct Returned {
    /// To be used once.
    pub(crate) digest: String,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) user: Option<String>,
    pub(crate) return_to: Option<String>,
    /// `None` for a state of a running fastapi-users, which knows no PKCE.
    pub(crate) verifier: Option<String>,
    pub(crate) nonce: Option<String>,
    /// Takes the cookie away.
    pub(crate) removal: Option<HeaderValue>,
}

/// Why a state is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateError {
    /// Missing, forged, or no state at all.
    Undecodable,
    /// Its time is over.
    Expired,
    /// Of another browser, provider or flow.
    Foreign,
}

#[derive(Serialize)]
struct Claims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    csrftoken: &'a str,
    aud: &'a str,
    exp: u64,
    iat: u64,
    jti: &'a str,
    flow: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_to: Option<&'a str>,
}

impl States {
    /// `cookie` has the attributes, and the name to which prefix and flow are added.
    pub(crate) fn new(
        key: &Secret,
        audience: String,
        lifetime: u64,
        cookie: Cookie,
        policy: &Policy,
    ) -> Self {
        Self {
            keys: TokenKeys::hs256(key),
            binding: key.derive("oauth flow"),
            audience: [audience],
            lifetime,
            cookie,
            shared: policy.oauth_shared_cookie,
            lenient: policy.share_tokens_with_fastapi_users,
        }
    }

    pub(crate) fn begin(&self, flow: Flow<'_>) -> Result<Begun, BoxError> {
        let (secret, name) = (random_token()?, random_token()?);
        let issued_at = now() as u64;
        let digest = digest(&secret);
        let claims = Claims {
            sub: flow.user,
            csrftoken: if self.shared { &secret } else { &digest },
            aud: &self.audience[0],
            exp: issued_at.saturating_add(self.lifetime),
            iat: issued_at,
            jti: &name,
            flow: flow.path,
            return_to: flow.return_to,
        };
        let cookie = self.cookie(&name).header_value(&secret, Some(self.lifetime));
        let challenge = Sha256::digest(self.derive("verifier", &secret, &name));
        Ok(Begun {
            state: self.keys.sign(&claims)?,
            cookie: cookie.ok_or("the OAuth cookie has settings that no header can hold")?,
            challenge: URL_SAFE_NO_PAD.encode(challenge),
            nonce: self.derive("nonce", &secret, &name),
        })
    }

    /// Reads a state that came back to `path`.
    pub(crate) fn read(
        &self,
        state: &str,
        path: &str,
        headers: &HeaderMap,
        policy: &Policy,
    ) -> Result<Returned, StateError> {
        let rules =
            ClaimRules { audience: &self.audience, lenient: self.lenient, require_expiry: !self.lenient };
        let (claims, is_over) = self.keys.read_even_expired(state, rules).ok_or(StateError::Undecodable)?;
        if is_over {
            return Err(StateError::Expired);
        }
        // One of a running fastapi-users has no name, and is bound to no flow.
        let name = claims.text("jti").filter(|name| name.is_char_boundary(NAME_IN_COOKIE));
        let bound = match claims.text("flow") {
            Some(flow) => flow == path && name.is_some(),
            None => self.lenient && self.shared,
        };
        let cookie = self.cookie(name.unwrap_or_default());
        let secret = cookie.read(headers, policy).ok_or(StateError::Foreign)?;
        let expected = if self.shared { secret.clone() } else { digest(&secret) };
        let stated = claims.text("csrftoken").unwrap_or_default();
        if !bound || stated.is_empty() || !bool::from(stated.as_bytes().ct_eq(expected.as_bytes())) {
            return Err(StateError::Foreign);
        }
        Ok(Returned {
            digest: digest(state),
            expires_at: expiry(&claims).unwrap_or_else(OffsetDateTime::now_utc) + REMEMBERED_LONGER,
            user: claims.text("sub").map(str::to_owned),
            return_to: claims.text("return_to").map(str::to_owned),
            verifier: name.map(|name| self.derive("verifier", &secret, name)),
            nonce: name.map(|name| self.derive("nonce", &secret, name)),
            removal: cookie.removal(),
        })
    }

    /// A cookie for each flow, so that two tabs do not disturb each other (OAL-16), or the contract's for all of them.
    fn cookie(&self, name: &str) -> Cookie {
        let mut cookie = self.cookie.clone();
        if !self.shared {
            let host = cookie.secure && cookie.path == "/" && cookie.domain.is_none();
            let prefix = if host { "__Host-" } else { "" };
            let name = name.get(..NAME_IN_COOKIE).unwrap_or_default();
            cookie.name = format!("{prefix}{}-{name}", cookie.name);
        }
        cookie
    }

    /// 43 characters that only who has the key and the cookie can make.
    fn derive(&self, purpose: &str, secret: &str, name: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.binding.mac(&[purpose.as_bytes(), secret.as_bytes(), name.as_bytes()]))
    }
}

fn expiry(claims: &Object) -> Option<OffsetDateTime> {
    let seconds = claims.get("exp")?.as_f64()?;
    OffsetDateTime::from_unix_timestamp(seconds as i64).ok()
}
