//! What browsers and providers bring back. See [`crate::fuzzing`].

#![allow(clippy::expect_used, clippy::panic, reason = "panics are what it is for")]

use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use super::{
    ProviderTokens,
    discovery::Metadata,
    id_token::IdToken,
    jwks,
    state::{Flow, States},
};
use crate::{
    Cookie, Policy,
    claims::TokenKeys,
    fuzzing::{secret, signed, with_text},
};

/// The first line is the cookie, the rest the state or what is signed as one. Only a state of this flow, with its cookie, is
/// accepted.
pub(crate) fn state(data: &[u8]) {
    with_text(data, |text| {
        let (cookie, state) = text.split_once('\n').unwrap_or((text, ""));
        let headers =
            HeaderValue::from_str(cookie).map(|cookie| HeaderMap::from_iter([(header::COOKIE, cookie)]));
        let headers = headers.unwrap_or_default();
        let token = signed(state, &TokenKeys::hs256(&secret()));
        for policy in [Policy::secure(), Policy::fastapi_users()] {
            let audience = "fastapi-users:oauth-state".to_owned();
            let states = States::new(&secret(), audience, 600, Cookie::default(), &policy);
            for state in [state, &token] {
                if let Ok(returned) = states.read(state, "/auth/x/callback", &headers, &policy) {
                    assert!(!returned.digest.is_empty() && !cookie.is_empty());
                }
            }
            let flow = Flow { path: "/auth/x/callback", user: None, return_to: None };
            let begun = states.begin(flow).expect("random bytes");
            let read = |state: &str, path: &str, headers: &HeaderMap| {
                states.read(state, path, headers, &policy).is_ok()
            };
            assert!(!read(&begun.state, "/auth/x/callback", &headers), "with another cookie");
            let set = begun.cookie.to_str().ok().and_then(|set| set.split(';').next()).expect("a cookie");
            let own = HeaderMap::from_iter([(header::COOKIE, set.parse().expect("a header"))]);
            assert!(read(&begun.state, "/auth/x/callback", &own));
            assert!(!read(&begun.state, text, &own) || text == "/auth/x/callback");
            assert!(!read(state, "/auth/x/callback", &own), "another state");
        }
    });
}

/// ID tokens as they come, and with the header and claims of the input.
pub(crate) fn id_token(data: &[u8]) {
    with_text(data, |text| {
        let tokens = ProviderTokens {
            access_token: "token".to_owned(),
            expires_at: None,
            refresh_token: None,
            id_token: None,
            nonce: Some("nonce".to_owned()),
            answer: Value::Null,
        };
        let token = signed(text, &TokenKeys::hs256(&secret()));
        for token in [text, &token] {
            let Ok(parsed) = IdToken::parse(token) else { continue };
            let _ = IdToken::parse(token).map(|token| token.userinfo("us"));
            if let Ok(claims) = parsed.claims("us", &tokens) {
                assert_eq!(claims.text("nonce"), Some("nonce"));
                assert!(claims.text("sub").is_some_and(|subject| !subject.is_empty()));
            }
        }
    });
}

/// Key sets, tried on a signature.
pub(crate) fn key_set(data: &[u8]) {
    let Ok(document) = serde_json::from_slice(data) else { return };
    let token = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA";
    let _ = jwks::read(&document)
        .map(|keys| IdToken::parse(token).map(|token| token.signed().by(&keys).is_none()));
}

/// Discovery documents.
pub(crate) fn discovery(data: &[u8]) {
    let Ok(document) = serde_json::from_slice(data) else { return };
    if let Ok(metadata) = Metadata::read(&document) {
        assert_eq!(metadata.endpoints.issuer.as_ref(), Some(&metadata.issuer));
    }
}
