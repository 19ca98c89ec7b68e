use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::RedactedUrl;

/// How mails are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// `console`, or the URL of an SMTP server.
    pub transport: RedactedUrl,
    /// The sender; needed for SMTP.
    pub from: Option<String>,
    /// The name that mails speak of.
    pub product: String,
    /// A directory of templates that replace the built-in ones.
    pub templates: Option<PathBuf>,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            transport: RedactedUrl::new("console"),
            from: None,
            product: "axum-users".to_owned(),
            templates: None,
        }
    }
}

impl MailSettings {
    /// The URL of the SMTP server; `None` when mails are printed.
    pub fn smtp_url(&self) -> Option<&str> {
        Some(self.transport.expose()).filter(|transport| *transport != "console")
    }
}

/// Pages of the application that links in mails lead to, instead of the built-in ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PageSettings {
    /// Where a person chooses a new password.
    pub reset_password: Option<String>,
    /// Where a person verifies an address.
    pub verify_email: Option<String>,
    /// Where a person confirms a new address.
    pub confirm_email: Option<String>,
    /// Where a person takes the change of an address back.
    pub revert_email: Option<String>,
}
