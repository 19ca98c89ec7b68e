//! Answers of two servers in a form that is the same if they mean the same: ids, tokens, hashes and times are shown
//! as what they are.

use serde_json::{Value, json};

use super::{jwt, variables::Variables};

/// Decides which claims of a token are left out.
pub(super) type AddedClaims<'a> = &'a mut dyn FnMut(&str, &Value) -> bool;

/// A JSON value of an answer.
pub(super) fn json(value: Value, variables: &Variables, added: AddedClaims<'_>) -> Value {
    match value {
        Value::String(text) => match jwt::describe(&text, variables, added) {
            Some(token) => token,
            None => Value::String(self::text(&text, variables)),
        },
        Value::Array(elements) => {
            elements.into_iter().map(|element| json(element, variables, added)).collect()
        }
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, member)| {
                let member = match member {
                    Value::String(url) if name == "authorization_url" => {
                        authorization(&url, variables, added)
                    }
                    Value::Number(id) if name == "id" => {
                        let id = id.to_string();
                        Value::String(format!("number {}", variables.name_of(&id).unwrap_or("<integer>")))
                    }
                    member => json(member, variables, added),
                };
                (name, member)
            });
            members.collect()
        }
        other => other,
    }
}

/// Where a browser is sent, and the parameters in their order.
fn authorization(url: &str, variables: &Variables, added: AddedClaims<'_>) -> Value {
    let (to, query) = url.split_once('?').unwrap_or((url, ""));
    let mut parameters = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if added(&name, &value.as_ref().into()) {
            continue;
        }
        let value = value.replace(&variables.fill("<server>"), "<server>");
        // Not by its own name: what is in the state is compared.
        let value = jwt::describe(&value, variables, added).unwrap_or_else(|| value.into());
        parameters.push(json!([name, value]));
    }
    json!([to, parameters])
}

/// The value of a header.
pub(super) fn header(
    name: &str,
    value: &str,
    address: &str,
    variables: &Variables,
    added: AddedClaims<'_>,
) -> String {
    if name != "set-cookie" {
        return value.replace(address, "<server>");
    }
    let Some((cookie, rest)) = value.split_once('=') else { return value.to_owned() };
    let (token, attributes) = rest.split_once(';').unwrap_or((rest, ""));
    let token = match jwt::describe(token, variables, added) {
        Some(token) => token.to_string(),
        None => text(token, variables),
    };
    format!("{cookie}={token};{attributes}")
}

/// A column of a row.
pub(super) fn cell(value: &str, variables: &Variables) -> String {
    match variables.name_of(value) {
        Some(placeholder) => placeholder.to_owned(),
        None => text(&hash(value), variables),
    }
}

/// A password hash without its salt and digest, whose lengths remain.
pub(super) fn hash(value: &str) -> String {
    let parts: Vec<&str> = value.split('$').collect();
    match parts.as_slice() {
        ["", kind, version, parameters, salt, digest] => {
            format!("${kind}${version}${parameters}$<{}>$<{}>", salt.len(), digest.len())
        }
        _ => value.to_owned(),
    }
}

pub(super) fn text(value: &str, variables: &Variables) -> String {
    if let Some(placeholder) = variables.name_of(value) {
        return placeholder.to_owned();
    }
    if is_uuid(value) {
        return "<uuid>".to_owned();
    }
    if value.len() == 24 && value.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return "<object id>".to_owned();
    }
    if value.len() == 43 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return "<token>".to_owned();
    }
    value.to_owned()
}

fn is_uuid(value: &str) -> bool {
    let shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    let fits = |(byte, wanted): (u8, u8)| match wanted {
        b'x' => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        other => byte == other,
    };
    value.len() == shape.len() && value.bytes().zip(shape.bytes()).all(fits)
}
