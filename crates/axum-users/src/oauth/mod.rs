//! Logging in with an account at a provider: OAuth 2.0 and OpenID Connect.
//!
//! The [guide](crate::guide::oauth) shows it from the outside.

mod client;
mod discovery;
mod document;
mod error;
mod exchange;
mod id_token;
mod jwks;
mod network;
mod oidc;
mod provider;
mod providers;

pub use self::{
    client::{ProviderClient, ProviderRequest},
    error::ProviderError,
    oidc::OpenIdConnect,
    provider::{ClientAuthentication, Credentials, Endpoints, Identity, OAuthProvider, ProviderTokens},
    providers::{
        Apple, Discord, Facebook, GitHub, GitLab, Google, Kakao, LinkedIn, Microsoft, Naver, Okta, Reddit,
        Shopify, Slack, Spotify, Twitch, X,
    },
};
pub(crate) use self::{exchange::code as exchange_code, provider::DynProvider};
