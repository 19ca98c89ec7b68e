//! Logging in with an account at a provider: OAuth 2.0 and OpenID Connect.
//!
//! The [guide](crate::guide::oauth) shows it from the outside.

#[cfg_attr(not(test), expect(dead_code, reason = "the routes that store accounts will use it"))]
mod cipher;
mod client;
mod error;
mod exchange;
mod network;
mod provider;
mod providers;

pub use self::{
    client::{ProviderClient, ProviderRequest},
    error::ProviderError,
    provider::{ClientAuthentication, Credentials, Endpoints, Identity, OAuthProvider, ProviderTokens},
    providers::GitHub,
};
pub(crate) use self::{exchange::code as exchange_code, provider::DynProvider};
