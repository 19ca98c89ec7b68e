//! Settings from environment variables: `AXUM_USERS_LOGIN__REQUIRE_VERIFIED=true` is `login.require_verified`.

use std::{env, ffi::OsString};

use anyhow::{Context, bail};
use figment::value::{Dict, Value};

/// What the names of the variables start with.
pub(super) const PREFIX: &str = "AXUM_USERS_";

/// Variables with this prefix that are no settings.
const OTHERS: [&str; 1] = ["AXUM_USERS_CONFIG"];

/// Settings whose value is text as it stands: a secret of digits is no number.
const TEXT: [&str; 13] = [
    "listen",
    "metrics_listen",
    "public_url",
    "data_dir",
    "database_url",
    "redis_url",
    "redis_prefix",
    "secrets.",
    "mail.",
    "pages.",
    "log.level",
    "oauth.",
    "oauth_options.gateway",
];

/// Those of a provider that are no text.
const NO_TEXT: [&str; 5] =
    ["scopes", "more_scopes", "return_to", "associate_by_email", "verified_by_default"];

/// The settings of this process's environment. An empty variable counts as one that is not set.
pub(super) fn settings() -> anyhow::Result<Dict> {
    read(env::vars_os())
}

/// The variable that sets this key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> anyhow::Result<Dict> {
    let mut settings = Dict::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX) && !OTHERS.contains(name))
        else {
            continue;
        };
        let value = value.into_string().ok().with_context(|| format!("{name} is not UTF-8"))?;
        if value.is_empty() {
            continue;
        }
        let key = name.trim_start_matches(PREFIX).to_lowercase().replace("__", ".");
        let is_text = TEXT.iter().any(|text| match text.strip_suffix('.') {
            Some(_) => key.starts_with(text),
            None => key == *text,
        });
        let of_provider = key.strip_prefix("oauth.").and_then(|key| key.rsplit_once('.'));
        let is_text = is_text && !of_provider.is_some_and(|(_, setting)| NO_TEXT.contains(&setting));
        let value = if is_text { Value::from(value) } else { parse(&value) };
        if !insert(&mut settings, &key, value) {
            bail!("{name} sets a key of something that another variable sets as a whole");
        }
    }
    Ok(settings)
}

/// Numbers, booleans, `[lists]` and `{tables}`; anything else is text.
fn parse(text: &str) -> Value {
    text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {})
}

fn insert(settings: &mut Dict, key: &str, value: Value) -> bool {
    let Some((section, rest)) = key.split_once('.') else {
        return settings.insert(key.to_owned(), value).is_none();
    };
    let table = settings.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
    match table {
        Value::Dict(_, table) => insert(table, rest, value),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(variables: &[(&str, &str)]) -> anyhow::Result<Dict> {
        read(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn nested_keys_and_types() {
        let settings = read_all(&[
            ("AXUM_USERS_LOGIN__REQUIRE_VERIFIED", "true"),
            ("AXUM_USERS_RESET__LIFETIME", "60"),
            ("AXUM_USERS_SECRETS__JWT", "1234"),
            ("AXUM_USERS_OAUTH__GOOGLE__CLIENT_SECRET", "5678"),
            ("AXUM_USERS_OAUTH__GOOGLE__ASSOCIATE_BY_EMAIL", "true"),
            ("AXUM_USERS_OAUTH__GOOGLE__RETURN_TO", "[https://a.example/x, https://b.example/y]"),
            ("AXUM_USERS_PUBLIC_URL", ""),
            ("AXUM_USERS_CONFIG", "file"),
            ("HOME", "/root"),
        ]);
        let settings = Value::from(settings.unwrap());
        assert_eq!(settings.find_ref("login.require_verified").unwrap().to_bool(), Some(true));
        assert_eq!(settings.find_ref("reset.lifetime").unwrap().to_u128(), Some(60));
        assert_eq!(settings.find_ref("secrets.jwt").unwrap().as_str(), Some("1234"));
        assert_eq!(settings.find_ref("oauth.google.client_secret").unwrap().as_str(), Some("5678"));
        assert_eq!(settings.find_ref("oauth.google.associate_by_email").unwrap().to_bool(), Some(true));
        let pages = settings.find_ref("oauth.google.return_to").unwrap().as_array().unwrap();
        assert_eq!(pages[1].as_str(), Some("https://b.example/y"));
        assert_eq!(settings.as_dict().unwrap().len(), 4);
    }

    #[test]
    fn a_variable_for_a_table_and_one_for_its_key_contradict_each_other() {
        assert!(read_all(&[("AXUM_USERS_LOGIN", "1"), ("AXUM_USERS_LOGIN__X", "1")]).is_err());
    }
}
