//! JSON Web Tokens, made and read by hand: a library would refuse to make the bad ones.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use super::{settings::Secrets, variables::Variables};

/// Seconds since 1970, from now.
pub(crate) fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    i64::try_from(now).unwrap_or(i64::MAX).saturating_add(seconds)
}

/// A token with this header and these claims, whatever they say.
pub(crate) fn sign(header: &Value, claims: &str, secret: &str) -> anyhow::Result<String> {
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
    let signature = match header["alg"].as_str() {
        Some("none") => Vec::new(),
        Some("HS512") => mac::<Hmac<Sha512>>(&message, secret)?,
        _ => mac::<Hmac<Sha256>>(&message, secret)?,
    };
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn mac<M: Mac + KeyInit>(message: &str, secret: &str) -> anyhow::Result<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(secret.as_bytes())?;
    mac.update(message.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

/// What a token says, in a form that two servers have in common; `None` if the text is no token.
///
/// `added` is called with every claim and tells whether it is one to leave out.
pub(super) fn describe(
    token: &str,
    variables: &Variables,
    added: &mut dyn FnMut(&str, &Value) -> bool,
) -> Option<Value> {
    let (message, _) = token.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let Ok(Value::Object(claims)) = serde_json::from_str(&text) else { return None };
    let signed_with = [
        ("jwt", Secrets::SHARED.jwt),
        ("reset", Secrets::SHARED.reset),
        ("verification", Secrets::SHARED.verification),
        ("oauth_state", Secrets::SHARED.oauth_state),
    ];
    let secret =
        signed_with.iter().find(|(_, secret)| sign(&header, &text, secret).is_ok_and(|t| t == token));
    let claims = claims.into_iter().filter(|(name, value)| !added(name, value));
    let claims: Value = claims.map(|(name, value)| (name.clone(), claim(&name, value, variables))).collect();
    Some(json!({ "header": header, "secret": secret.map(|(name, _)| name), "claims": claims }))
}

/// How far away a time is, rounded up to ten seconds: time passes between writing and reading.
pub(super) fn remaining(time: i64) -> String {
    format!("in {} s", (time - in_seconds(0) + 9).div_euclid(10) * 10)
}

fn claim(name: &str, value: Value, variables: &Variables) -> Value {
    match (name, &value) {
        ("exp", Value::Number(expiry)) if expiry.is_i64() => {
            remaining(expiry.as_i64().unwrap_or_default()).into()
        }
        ("password_fgpt", Value::String(hash)) => super::normal::hash(hash).into(),
        (_, Value::String(text)) => super::normal::text(text, variables).into(),
        _ => value,
    }
}
