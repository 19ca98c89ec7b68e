//! How much of a wrong body its 422 answer may repeat.

use serde_json::Value;

use super::validation::Loc;

/// Whether a 422 answer repeats what was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    /// No: the answer has no `input` at all.
    No,
    /// As FastAPI, but every value whose name tells of a password, token or other secret reads `[redacted]`,
    /// and so does text that should have been an object.
    Redacted,
    /// As FastAPI, to compare with it.
    #[cfg(test)]
    Full,
}

impl Echo {
    /// What is left of an `input` received at `loc`.
    pub(super) fn filter(self, loc: &[Loc], mut input: Value) -> Option<Value> {
        match self {
            Self::No => None,
            Self::Redacted => {
                redact(loc, &mut input);
                Some(input)
            }
            #[cfg(test)]
            Self::Full => Some(input),
        }
    }
}

/// Parts of names whose values are secret.
const SECRET_PARTS: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "api_key", "verifier"];

/// Whole names whose values are secret, too short to look for inside of others.
const SECRET_NAMES: [&str; 6] = ["code", "otp", "totp", "pin", "pass", "pwd"];

fn redact(loc: &[Loc], input: &mut Value) {
    let secret = loc.iter().any(|step| matches!(step, Loc::Key(name) if is_secret(name)));
    match input {
        _ if secret => hide(input),
        // A form sent to a JSON route is such a text, and may hold a password anywhere.
        Value::String(_) if loc.len() < 2 => hide(input),
        Value::Array(elements) if loc.len() < 2 => elements.iter_mut().for_each(hide),
        _ => hide_members(input),
    }
}

fn hide_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if is_secret(name) { hide(member) } else { hide_members(member) }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(hide_members),
        _ => {}
    }
}

fn hide(value: &mut Value) {
    if !value.is_null() {
        *value = "[redacted]".into();
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_NAMES.contains(&name.as_str()) || SECRET_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(loc: &[&str], input: Value) -> Value {
        let loc: Vec<Loc> = loc.iter().map(|step| Loc::Key((*step).into())).collect();
        assert_eq!(Echo::No.filter(&loc, input.clone()), None);
        Echo::Redacted.filter(&loc, input).unwrap()
    }

    #[test]
    fn secrets_are_hidden_at_any_depth_and_the_rest_is_kept() {
        let input = json!({
            "email": "x@y.com", "newPassword": "s", "a": [{"access_token": ["s"], "b": 1}],
            "code": 5, "zip_code": "1", "CLIENT_SECRET": {"s": 1}, "refresh_token": null,
        });
        let expected = json!({
            "email": "x@y.com", "newPassword": "[redacted]", "a": [{"access_token": "[redacted]", "b": 1}],
            "code": "[redacted]", "zip_code": "1", "CLIENT_SECRET": "[redacted]", "refresh_token": null,
        });
        assert_eq!(shown(&["body"], input), expected);
    }

    #[test]
    fn the_wrong_field_itself_may_be_the_secret() {
        assert_eq!(shown(&["body", "password"], json!(12345)), json!("[redacted]"));
        assert_eq!(shown(&["body", "password"], json!(null)), json!(null));
        assert_eq!(shown(&["body", "tokens", "first"], json!(["s"])), json!("[redacted]"));
        assert_eq!(shown(&["body", "email"], json!(["x"])), json!(["x"]));
    }

    #[test]
    fn text_in_place_of_an_object_is_hidden() {
        assert_eq!(shown(&["body"], json!("email=x&password=s")), json!("[redacted]"));
        assert_eq!(shown(&["body"], json!(["x", null])), json!(["[redacted]", null]));
        assert_eq!(shown(&["body"], json!([])), json!([]));
        assert_eq!(shown(&["body"], json!(5)), json!(5));
    }
}
