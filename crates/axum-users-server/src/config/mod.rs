//! The settings: their types, defaults and checks, and where they come from.

mod audit;
mod backend;
mod check;
mod database;
mod environment;
mod field;
mod hashing;
mod limits;
mod load;
mod mail;
mod oauth;
mod policy;
mod providers;
mod redacted;
mod secrets;

use std::{collections::BTreeMap, path::PathBuf};

use axum_users::Policy;
use serde::{Deserialize, Serialize};

pub use self::{
    audit::{AuditSettings, MOST_DAYS},
    backend::{AlgorithmName, BackendSettings, StrategyName, TransportName},
    database::DatabaseSettings,
    field::FieldSettings,
    hashing::HashingSettings,
    limits::{RateLimitSettings, SharedName},
    load::Config,
    mail::{MailSettings, PageSettings},
    oauth::{OAuthOptions, ProviderSettings},
    policy::{PasswordSettings, PolicyName, PolicyOverrides},
    redacted::{RedactedText, RedactedUrl},
    secrets::{SecretName, SecretSettings},
};

/// Every setting, with its default and its unit.
pub const EXAMPLE: &str = include_str!("../../axum-users.example.toml");

/// What the configuration file, the environment and the flags say. `axum-users.example.toml` explains each setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address and port to listen on.
    pub listen: String,
    /// Address and port for metrics; `None` for none.
    pub metrics_listen: Option<String>,
    /// What the links in mails start with; `None` for the address listened on.
    pub public_url: Option<String>,
    /// Other origins whose pages may act with the cookies of this server.
    pub trusted_origins: Vec<String>,
    /// Where the database and the generated secrets are kept.
    pub data_dir: PathBuf,
    /// The database; `None` for `users.db` in the data directory.
    pub database_url: Option<RedactedUrl>,
    /// Where tokens of the strategy `redis` are kept.
    pub redis_url: Option<RedactedUrl>,
    /// What their keys start with.
    pub redis_prefix: String,
    /// The type of user ids; `None` for the usual one of the database.
    pub id_type: Option<IdType>,
    /// What is accepted and what is revealed.
    pub policy: PolicyName,
    /// Connections to the database, and how long a request waits for it.
    pub database: DatabaseSettings,
    /// Single switches of the policy.
    pub policy_overrides: PolicyOverrides,
    /// Which passwords are accepted.
    pub password: PasswordSettings,
    /// The threads that hash passwords.
    pub hashing: HashingSettings,
    /// Signing keys.
    pub secrets: SecretSettings,
    /// Tokens that reset a password.
    pub reset: TokenSettings,
    /// Tokens that verify an address.
    pub verification: TokenSettings,
    /// Tokens that confirm a new address, and that take the change back.
    pub email_change: EmailChangeSettings,
    /// Who can log in.
    pub login: Requirement,
    /// Who can use the users routes.
    pub users: Requirement,
    /// How often something may be tried.
    pub rate_limits: RateLimitSettings,
    /// Whether and for how long audit events are kept.
    pub audit: AuditSettings,
    /// How mails are sent.
    pub mail: MailSettings,
    /// Where the links in mails lead.
    pub pages: PageSettings,
    /// What is logged.
    pub log: LogSettings,
    /// The providers by whose accounts people log in, by name.
    pub oauth: BTreeMap<String, ProviderSettings>,
    /// What all of them have in common.
    pub oauth_options: OAuthOptions,
    /// Ways to be logged in, in the order in which they are tried.
    pub backends: Vec<BackendSettings>,
    /// The application's own user fields.
    pub fields: Vec<FieldSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            metrics_listen: None,
            public_url: None,
            trusted_origins: Vec::new(),
            data_dir: PathBuf::from("axum-users-data"),
            database_url: None,
            redis_url: None,
            redis_prefix: "fastapi_users_token:".to_owned(),
            id_type: None,
            policy: PolicyName::default(),
            database: DatabaseSettings::default(),
            policy_overrides: PolicyOverrides::default(),
            password: PasswordSettings::default(),
            hashing: HashingSettings::default(),
            secrets: SecretSettings::default(),
            reset: TokenSettings::default(),
            verification: TokenSettings::default(),
            email_change: EmailChangeSettings::default(),
            login: Requirement::default(),
            users: Requirement::default(),
            rate_limits: RateLimitSettings::default(),
            audit: AuditSettings::default(),
            mail: MailSettings::default(),
            pages: PageSettings::default(),
            log: LogSettings::default(),
            oauth: BTreeMap::new(),
            oauth_options: OAuthOptions::default(),
            backends: vec![BackendSettings::jwt(), BackendSettings::cookie()],
            fields: Vec::new(),
        }
    }
}

impl Settings {
    /// The type of user ids: if it is not set, the one that fastapi-users has on this database.
    pub fn ids(&self) -> IdType {
        let usual = if self.is_mongodb() { IdType::ObjectId } else { IdType::Uuid };
        self.id_type.unwrap_or(usual)
    }

    /// Whether the database is MongoDB.
    pub fn is_mongodb(&self) -> bool {
        self.database_url.as_ref().is_some_and(|url| url.expose().starts_with("mongodb"))
    }

    /// Where the counts of rate limits are kept.
    pub fn shared_limits(&self) -> SharedName {
        let is_on_a_server = |url: &RedactedUrl| !url.expose().starts_with("sqlite");
        match self.rate_limits.shared {
            _ if !self.rate_limits.enabled => SharedName::Memory,
            Some(name) => name,
            None if self.redis_url.is_some() => SharedName::Redis,
            None if self.is_mongodb() => SharedName::Memory,
            None if self.database_url.as_ref().is_some_and(is_on_a_server) => SharedName::Database,
            None => SharedName::Memory,
        }
    }

    /// The policy with all overrides.
    pub fn effective_policy(&self) -> Policy {
        let mut policy = self.policy.preset();
        self.policy_overrides.apply(&mut policy);
        self.password.apply(&mut policy);
        self.hashing.apply(&mut policy);
        policy
    }
}

/// The type of user ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdType {
    /// Random UUIDs.
    Uuid,
    /// Integers that the database assigns; MongoDB does not.
    Integer,
    /// MongoDB's own.
    ObjectId,
}

/// One kind of one-time token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenSettings {
    /// Seconds until it expires.
    pub lifetime: u64,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self { lifetime: 3600 }
    }
}

/// The tokens of a change of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmailChangeSettings {
    /// Seconds until the one that confirms it expires.
    pub lifetime: u64,
    /// Seconds until the one that takes it back expires.
    pub revert_lifetime: u64,
}

impl Default for EmailChangeSettings {
    fn default() -> Self {
        Self { lifetime: 3600, revert_lifetime: 7 * 24 * 3600 }
    }
}

/// Who is let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Requirement {
    /// Only users who have verified their address.
    pub require_verified: bool,
}

/// What is logged, on the standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// A level, or a filter such as `info,axum_users=debug`.
    pub level: String,
    /// For people or for programs.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::default() }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines of text.
    #[default]
    Text,
    /// A JSON object on each line.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_equals_the_defaults() {
        assert_eq!(toml::from_str::<Settings>(EXAMPLE).unwrap(), Settings::default());
    }

    /// What has no default stands in the example behind `#`, directly in front of the key.
    #[test]
    fn the_example_has_every_setting() {
        let is_setting = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
        let everything: Vec<&str> =
            EXAMPLE.lines().map(|line| line.strip_prefix('#').filter(is_setting).unwrap_or(line)).collect();
        let settings: Settings = toml::from_str(&everything.join("\n")).unwrap();
        let mut missing = Vec::new();
        find_nulls("", &serde_json::to_value(settings).unwrap(), &mut missing);
        assert!(missing.is_empty(), "not in the example: {missing:?}");
    }

    fn find_nulls(path: &str, value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Null => found.push(path.to_owned()),
            // Providers show different settings: what one of them has is shown.
            serde_json::Value::Object(providers) if path == ".oauth" => {
                let settings = ProviderSettings::default();
                let settings = serde_json::to_value(settings).unwrap();
                let shown = |key: &str| providers.values().any(|provider| !provider[key].is_null());
                found.extend(settings.as_object().unwrap().keys().filter(|key| !shown(key)).cloned());
            }
            serde_json::Value::Object(members) => {
                for (key, value) in members {
                    find_nulls(&format!("{path}.{key}"), value, found);
                }
            }
            // Backends too.
            serde_json::Value::Array(items) if path == ".backends" => {
                assert!(!items.is_empty());
            }
            serde_json::Value::Array(items) => {
                assert!(!items.is_empty(), "{path} is empty");
            }
            _ => {}
        }
    }
}
