use std::time::Duration;

use axum_users::AuditOptions;
use serde::{Deserialize, Serialize};

/// The most days that events can be kept: a hundred years.
pub const MOST_DAYS: u32 = 36_500;

/// What was done is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// Whether audit events are kept in the database; they are logged in any case.
    pub enabled: bool,
    /// For how long.
    pub keep_days: u32,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { enabled: true, keep_days: 90 }
    }
}

impl From<&AuditSettings> for AuditOptions {
    fn from(settings: &AuditSettings) -> Self {
        Self::new().keep(Duration::from_secs(u64::from(settings.keep_days) * 24 * 60 * 60))
    }
}
