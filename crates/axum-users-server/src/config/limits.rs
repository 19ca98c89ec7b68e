use std::time::Duration;

use axum_users::RateLimits;
use serde::{Deserialize, Serialize};

/// Where counts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SharedName {
    /// In each node's own memory.
    Memory,
    /// In the database of the users.
    Database,
    /// In Redis.
    Redis,
}

/// How often something may be tried; the figures are those of [`RateLimits`], 0 for no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitSettings {
    /// Whether there are any limits.
    pub enabled: bool,
    /// Where counts are kept; `None` for what the nodes share anyway: Redis, or the database if it is on a server.
    pub shared: Option<SharedName>,
    /// Proxies that say for whom they ask: addresses or networks.
    pub trusted_proxies: Vec<String>,
    /// Logins of one client.
    pub login_per_minute: u32,
    /// Wrong passwords of one client, for whatever addresses.
    pub login_failures_per_minute: u32,
    /// Wrong passwords of one client for one address before it has to wait.
    pub login_tries: u32,
    /// The longest wait, in seconds.
    pub login_longest_wait: u64,
    /// Wrong passwords of one client for one address.
    pub login_client_failures_per_day: u32,
    /// Wrong passwords for one address, whoever sends them.
    pub login_failures_per_day: u32,
    /// Wrong passwords from a browser that is known for an address.
    pub device_tries_per_day: u32,
    /// How often a user who is logged in gives the password again.
    pub reauthentications_per_minute: u32,
    /// Registrations of one client.
    pub register_per_minute: u32,
    /// Mails that one client asks for, of each kind.
    pub mail_requests_per_minute: u32,
    /// Mails to one address, of each kind.
    pub mails_per_minute: u32,
    /// The same for an hour.
    pub mails_per_hour: u32,
    /// The same for a day.
    pub mails_per_day: u32,
    /// Mails to one address about hidden registrations of it.
    pub duplicate_mails_per_hour: u32,
    /// Tokens that one client sends, of each kind.
    pub tokens_per_minute: u32,
    /// Genuine tokens for one user, of each kind.
    pub confirmations_per_hour: u32,
    /// Logins at providers that one client begins.
    pub authorize_per_minute: u32,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        let limits = RateLimits::default();
        Self {
            enabled: true,
            shared: None,
            trusted_proxies: Vec::new(),
            login_per_minute: limits.login_per_minute,
            login_failures_per_minute: limits.login_failures_per_minute,
            login_tries: limits.login_tries,
            login_longest_wait: limits.login_longest_wait.as_secs(),
            login_client_failures_per_day: limits.login_client_failures_per_day,
            login_failures_per_day: limits.login_failures_per_day,
            device_tries_per_day: limits.device_tries_per_day,
            reauthentications_per_minute: limits.reauthentications_per_minute,
            register_per_minute: limits.register_per_minute,
            mail_requests_per_minute: limits.mail_requests_per_minute,
            mails_per_minute: limits.mails_per_minute,
            mails_per_hour: limits.mails_per_hour,
            mails_per_day: limits.mails_per_day,
            duplicate_mails_per_hour: limits.duplicate_mails_per_hour,
            tokens_per_minute: limits.tokens_per_minute,
            confirmations_per_hour: limits.confirmations_per_hour,
            authorize_per_minute: limits.authorize_per_minute,
        }
    }
}

impl From<&RateLimitSettings> for RateLimits {
    fn from(settings: &RateLimitSettings) -> Self {
        if !settings.enabled {
            return Self::off();
        }
        Self {
            login_per_minute: settings.login_per_minute,
            login_failures_per_minute: settings.login_failures_per_minute,
            login_tries: settings.login_tries,
            login_longest_wait: Duration::from_secs(settings.login_longest_wait),
            login_client_failures_per_day: settings.login_client_failures_per_day,
            login_failures_per_day: settings.login_failures_per_day,
            device_tries_per_day: settings.device_tries_per_day,
            reauthentications_per_minute: settings.reauthentications_per_minute,
            register_per_minute: settings.register_per_minute,
            mail_requests_per_minute: settings.mail_requests_per_minute,
            mails_per_minute: settings.mails_per_minute,
            mails_per_hour: settings.mails_per_hour,
            mails_per_day: settings.mails_per_day,
            duplicate_mails_per_hour: settings.duplicate_mails_per_hour,
            tokens_per_minute: settings.tokens_per_minute,
            confirmations_per_hour: settings.confirmations_per_hour,
            authorize_per_minute: settings.authorize_per_minute,
        }
    }
}
