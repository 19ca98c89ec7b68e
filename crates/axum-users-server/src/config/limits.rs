use std::time::Duration;

use axum_users::RateLimits;
use serde::{Deserialize, Serialize};

/// How often something may be tried; the figures are those of [`RateLimits`], 0 for no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitSettings {
    /// Whether there are any limits.
    pub enabled: bool,
    /// Proxies that say for whom they ask: addresses or networks.
    pub trusted_proxies: Vec<String>,
    /// Logins of one client.
    pub login_per_minute: u32,
    /// Wrong passwords of one client for one address before it has to wait.
    pub login_tries: u32,
    /// The longest wait, in seconds.
    pub login_longest_wait: u64,
    /// Passwords given once more for one user who is logged in.
    pub current_passwords_per_minute: u32,
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
    /// Logins at providers that one client begins.
    pub authorize_per_minute: u32,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        let limits = RateLimits::default();
        Self {
            enabled: true,
            trusted_proxies: Vec::new(),
            login_per_minute: limits.login_per_minute,
            login_tries: limits.login_tries,
            login_longest_wait: limits.login_longest_wait.as_secs(),
            current_passwords_per_minute: limits.current_passwords_per_minute,
            register_per_minute: limits.register_per_minute,
            mail_requests_per_minute: limits.mail_requests_per_minute,
            mails_per_minute: limits.mails_per_minute,
            mails_per_hour: limits.mails_per_hour,
            mails_per_day: limits.mails_per_day,
            duplicate_mails_per_hour: limits.duplicate_mails_per_hour,
            tokens_per_minute: limits.tokens_per_minute,
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
            login_tries: settings.login_tries,
            login_longest_wait: Duration::from_secs(settings.login_longest_wait),
            current_passwords_per_minute: settings.current_passwords_per_minute,
            register_per_minute: settings.register_per_minute,
            mail_requests_per_minute: settings.mail_requests_per_minute,
            mails_per_minute: settings.mails_per_minute,
            mails_per_hour: settings.mails_per_hour,
            mails_per_day: settings.mails_per_day,
            duplicate_mails_per_hour: settings.duplicate_mails_per_hour,
            tokens_per_minute: settings.tokens_per_minute,
            authorize_per_minute: settings.authorize_per_minute,
        }
    }
}
