//! Accounts at providers: a table `[oauth.NAME]` for each, and `[oauth_options]` for all.

use std::path::PathBuf;

use axum_users::oauth::{ClientAuthentication, EmailTrust};
use serde::{Deserialize, Serialize};

use super::{RedactedText, RedactedUrl};

/// How people log in by accounts of one provider. What is absent is the library's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    /// What the provider calls this application.
    pub client_id: Option<String>,
    /// What only the provider and this application know.
    pub client_secret: Option<RedactedText>,
    /// The file that holds it.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for.
    pub scopes: Option<Vec<String>>,
    /// What clients may ask for beside that.
    pub more_scopes: Option<Vec<String>>,
    /// The backend that logs in; `None` for the first one.
    pub backend: Option<String>,
    /// The page that people come back to; `None` for the route of the server.
    pub redirect_url: Option<String>,
    /// The same for users who are given another account.
    pub associate_redirect_url: Option<String>,
    /// Whether an account with the verified address of a user becomes that user's.
    pub associate_by_email: Option<bool>,
    /// Whether new users with a verified address count as verified.
    pub verified_by_default: Option<bool>,
    /// Which of its addresses count as verified.
    pub trust_email: Option<EmailTrustName>,
    /// Pages that browsers may be sent to in the end.
    pub return_to: Option<Vec<String>>,
    /// Of OpenID Connect: how the provider calls itself.
    pub issuer: Option<String>,
    /// Of OpenID Connect: how the secret is sent.
    pub client_authentication: Option<ClientAuthenticationName>,
    /// Of Microsoft: whose accounts.
    pub tenant: Option<String>,
    /// Of Okta: the organization's domain.
    pub domain: Option<String>,
    /// Of GitLab: an instance of one's own.
    pub url: Option<String>,
    /// Of Shopify: the shop's name.
    pub shop: Option<String>,
    /// Of Apple: the team.
    pub team_id: Option<String>,
    /// Of Apple: which key.
    pub key_id: Option<String>,
    /// Of Apple: the key itself, which makes client secrets.
    pub private_key: Option<RedactedText>,
    /// The file that holds it.
    pub private_key_file: Option<PathBuf>,
}

/// Which addresses of a provider count as verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmailTrustName {
    /// None.
    Never,
    /// Those that it says it has verified.
    Stated,
    /// All.
    Always,
}

impl From<EmailTrustName> for EmailTrust {
    fn from(name: EmailTrustName) -> Self {
        match name {
            EmailTrustName::Never => Self::Never,
            EmailTrustName::Stated => Self::Stated,
            EmailTrustName::Always => Self::Always,
        }
    }
}

/// How a provider is shown the client's secret; the names are those of discovery documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthenticationName {
    /// In the header.
    ClientSecretBasic,
    /// In the form.
    ClientSecretPost,
}

impl From<ClientAuthenticationName> for ClientAuthentication {
    fn from(name: ClientAuthenticationName) -> Self {
        match name {
            ClientAuthenticationName::ClientSecretBasic => Self::Basic,
            ClientAuthenticationName::ClientSecretPost => Self::Body,
        }
    }
}

/// What all providers have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OAuthOptions {
    /// The keys that encrypt the tokens of providers; the first one closes, all of them open.
    pub token_keys: Option<Vec<RedactedText>>,
    /// The file that holds them, one on each line.
    pub token_keys_file: Option<PathBuf>,
    /// Whether providers may have addresses of the own network, and no TLS.
    pub allow_private_addresses: bool,
    /// What all requests to providers are sent to.
    pub gateway: Option<RedactedUrl>,
}

impl OAuthOptions {
    /// Whether requests may go to addresses that are none of the Internet's.
    pub const fn reaches_private_addresses(&self) -> bool {
        self.allow_private_addresses || self.gateway.is_some()
    }
}
