//! What reads texts of strangers: for each parser a function that tries one input, and panics if something does not hold that
//! must hold for all of them. `scripts/fuzz` looks for such inputs, and tries those that are kept in `fuzz/seeds` first. Compiled
//! for it, and for nothing else.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "panics are what it is for"
)]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use uuid::Uuid;

use crate::{
    Bearer, Cookie, ObjectId, Policy, PublicUrl, Secret, Transport, UserId,
    claims::{ClaimRules, TokenKeys},
    email::{EmailRules, fold, normalize},
    http::fuzzing as body,
    limit::fuzzing as limit,
    mailer::{SmtpUrl, fuzzing as mailer},
    oauth::fuzzing as oauth,
    password,
};

/// Tries one input.
pub type Target = fn(&[u8]);

/// The parsers, by the names of the folders in `fuzz/seeds`.
pub const TARGETS: &[(&str, Target)] = &[
    ("token", token),
    ("credentials", credentials),
    ("id", id),
    ("form", body::form),
    ("json", body::json),
    ("email", email),
    ("password_hash", password_hash),
    ("state", oauth::state),
    ("id_token", oauth::id_token),
    ("key_set", oauth::key_set),
    ("discovery", oauth::discovery),
    ("forwarded", limit::forwarded),
    ("public_url", public_url),
    ("smtp_url", smtp_url),
    ("mail", mailer::mail),
    ("redis_url", redis_url),
];

/// The input as text: what parsers of text never see is passed over.
pub(crate) fn with_text(data: &[u8], try_out: impl FnOnce(&str)) {
    if let Ok(text) = str::from_utf8(data) {
        try_out(text);
    }
}

/// A token whose header is the first line and whose claims are the rest, signed with a known key.
pub(crate) fn signed(text: &str, keys: &TokenKeys) -> String {
    let (header, claims) = text.split_once('\n').unwrap_or(("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", text));
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    keys.sign_message(message).unwrap()
}

/// The key of [`signed`].
pub(crate) fn secret() -> Secret {
    Secret::new("6f1c2c5e9f6b4f1c8b1a2a3b4c5d6e7f")
}

/// Session and one-time tokens: only what was signed is accepted, in one spelling.
fn token(data: &[u8]) {
    with_text(data, |text| {
        let keys = TokenKeys::hs256(&secret());
        let audience = ["fastapi-users:auth".to_owned()];
        for lenient in [false, true] {
            let rules = ClaimRules { audience: &audience, lenient, require_expiry: !lenient };
            keys.read(text, rules);
            let token = signed(text, &keys);
            let Some(claims) = keys.read(&token, rules) else { continue };
            assert!(claims.get("aud").is_some() && (lenient || claims.get("exp").is_some()));
            for other in
                [format!("{token}="), format!(" {token}"), token.to_lowercase(), token[1..].to_owned()]
            {
                assert!(other == token || keys.read(&other, rules).is_none(), "{other}");
            }
        }
    });
}

/// `Cookie` and `Authorization`: one credential or none.
fn credentials(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let (secure, lenient) = (Policy::secure(), Policy::fastapi_users());
    let read = |value: HeaderValue, policy| {
        Cookie::fastapi_users().read(&HeaderMap::from_iter([(header::COOKIE, value)]), policy)
    };
    if let Some(token) = read(value.clone(), &secure) {
        assert!(!token.is_empty());
        assert_eq!(read(value.clone(), &lenient).as_ref(), Some(&token));
        let planted = [data, b"; fastapiusersauth=planted"].concat();
        assert_eq!(read(HeaderValue::from_bytes(&planted).unwrap(), &secure), None, "SES-5");
    }
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
    if let Some(token) = Bearer.read(&headers, &secure) {
        assert_eq!((token.is_empty(), token.trim()), (false, token.as_str()));
    }
}

/// Ids in paths and claims: one spelling each, or two of a UUID.
fn id(data: &[u8]) {
    with_text(data, |text| {
        if let Some(id) = <Uuid as UserId>::parse(text) {
            assert_eq!(id.simple().to_string(), text.replace('-', "").to_lowercase());
            assert_eq!(Uuid::parse_lenient(text), Some(id));
        }
        if let Some(id) = <i64 as UserId>::parse(text) {
            assert_eq!((id.to_string().as_str(), i64::parse_lenient(text)), (text, Some(id)));
        }
        if let Some(id) = <ObjectId as UserId>::parse(text) {
            assert_eq!(id.to_string(), text.to_lowercase());
        }
        (Uuid::parse_lenient(text), i64::parse_lenient(text), ObjectId::parse_lenient(text));
    });
}

/// Addresses: what is accepted is one address that needs no quotes, and normalises to itself.
fn email(data: &[u8]) {
    with_text(data, |text| {
        let accepted = |rules| {
            let address = normalize(text, &rules).ok()?;
            assert_eq!(normalize(&address, &rules).as_ref(), Ok(&address), "{text:?}");
            assert!(!address.contains(|c: char| c.is_whitespace() || c.is_control()), "{address:?}");
            assert!(!address.contains(['<', '>', ',', ';', ':', '"', '\\', '(', ')']), "{address:?}");
            assert_eq!((address.matches('@').count(), address.len() <= 254), (1, true), "{address:?}");
            assert_eq!(fold(&fold(&address)), fold(&address));
            Some(address)
        };
        let (secure, fastapi) = (accepted(EmailRules::secure()), accepted(EmailRules::fastapi_users()));
        assert!(secure.is_none() || secure == fastapi, "{secure:?} {fastapi:?}");
        mailer::recipient(secure.as_deref());
    });
}

/// Stored hashes, also those of other programs: what they cost is known before anything is computed.
fn password_hash(data: &[u8]) {
    with_text(data, password::try_stored);
}

/// What links in mails start with: links stay there, and hold nothing but the token.
fn public_url(data: &[u8]) {
    with_text(data, |text| {
        let (base, path) = text.split_once('\n').unwrap_or((text, "/verify"));
        let Ok(url) = PublicUrl::parse(base) else { return };
        assert_eq!(PublicUrl::parse(&url.to_string()).as_ref(), Ok(&url));
        assert!(url.origin().starts_with("http") && !url.to_string().contains(['\n', ' ', '"', '<', '@']));
        for link in [url.link(path, text), url.page(path)] {
            assert!(link.starts_with(url.origin()), "{link}");
            let read = url::Url::parse(&link).unwrap();
            assert_eq!(read.origin().ascii_serialization(), url.origin());
            assert_eq!((read.query(), read.username(), read.as_str()), (None, "", link.as_str()));
            let token = read
                .fragment()
                .map(|fragment| form_urlencoded::parse(fragment.as_bytes()).collect::<Vec<_>>());
            assert!(token.is_none_or(|token| token == [("token".into(), text.into())]));
        }
    });
}

/// Where mails are handed over: never shown with the password.
fn smtp_url(data: &[u8]) {
    with_text(data, |text| {
        let _ = text.parse::<SmtpUrl>().map(|url| url.to_string());
        if let Ok(url) = format!("smtps://king:hunter2excalibur@{text}").parse::<SmtpUrl>() {
            assert!(!format!("{url} {url:?}").contains("hunter2excalibur"));
        }
    });
}

fn redis_url(data: &[u8]) {
    with_text(data, crate::store::try_redis_url);
}
