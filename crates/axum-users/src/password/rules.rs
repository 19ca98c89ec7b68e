//! What the policy has against a password.

use super::{ContextWords, common::is_common};
use crate::PasswordRules;

impl PasswordRules {
    /// Why a new password is refused, for the person who chose it. What needs least work comes first.
    pub(crate) fn refusal(&self, password: &str, email: &str, words: &ContextWords) -> Option<String> {
        if password.len() > self.max_bytes {
            return Some(format!("Password should be at most {} bytes", self.max_bytes));
        }
        if password.chars().count() < self.min_length {
            return Some(format!("Password should be at least {} characters", self.min_length));
        }
        let reason = if self.min_length > 0 && password.trim().is_empty() {
            "Password should not be blank"
        } else if self.reject_email && password.to_lowercase().contains(&email.to_lowercase()) {
            "Password should not contain e-mail"
        } else if self.reject_context_words && words.make_up(password, email) {
            "Password should be more than the e-mail address or the name of the application"
        } else if self.reject_common && is_common(password) {
            "Password should not be one of the most common ones"
        } else {
            return None;
        };
        Some(reason.to_owned())
    }
}
