use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::RedactedText;

/// Signing keys: each a value, or a file that holds it. Those that are missing are generated in the data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretSettings {
    jwt: Option<RedactedText>,
    jwt_file: Option<PathBuf>,
    reset: Option<RedactedText>,
    reset_file: Option<PathBuf>,
    verification: Option<RedactedText>,
    verification_file: Option<PathBuf>,
    oauth_state: Option<RedactedText>,
    oauth_state_file: Option<PathBuf>,
    master: Option<RedactedText>,
    master_file: Option<PathBuf>,
}

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretName {
    /// Signs the tokens of JWT backends.
    Jwt,
    /// Signs tokens that reset a password.
    Reset,
    /// Signs tokens that verify an address.
    Verification,
    /// Signs the state of social logins.
    OauthState,
    /// From it the keys of fingerprints in tokens are derived.
    Master,
}

impl SecretName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Jwt, Self::Reset, Self::Verification, Self::OauthState, Self::Master];

    /// The key in the configuration's `[secrets]`, and in the file of generated secrets.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Reset => "reset",
            Self::Verification => "verification",
            Self::OauthState => "oauth_state",
            Self::Master => "master",
        }
    }
}

impl SecretSettings {
    /// The configured value and the configured file of a secret.
    pub fn get(&self, name: SecretName) -> (Option<&RedactedText>, Option<&PathBuf>) {
        let (value, file) = match name {
            SecretName::Jwt => (&self.jwt, &self.jwt_file),
            SecretName::Reset => (&self.reset, &self.reset_file),
            SecretName::Verification => (&self.verification, &self.verification_file),
            SecretName::OauthState => (&self.oauth_state, &self.oauth_state_file),
            SecretName::Master => (&self.master, &self.master_file),
        };
        (value.as_ref(), file.as_ref())
    }

    /// Every secret that is neither a value nor a file gets a placeholder: there will be one.
    pub fn fill_with_placeholders(&mut self) {
        for (value, file) in [
            (&mut self.jwt, &self.jwt_file),
            (&mut self.reset, &self.reset_file),
            (&mut self.verification, &self.verification_file),
            (&mut self.oauth_state, &self.oauth_state_file),
            (&mut self.master, &self.master_file),
        ] {
            if file.is_none() {
                value.get_or_insert_with(RedactedText::placeholder);
            }
        }
    }
}
