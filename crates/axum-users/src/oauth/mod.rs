//! Logging in with an account at a provider: OAuth 2.0 and OpenID Connect.
//!
//! The [guide](crate::guide::oauth) shows it from the outside.

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
    providers::{Discord, Facebook, GitHub, Kakao, LinkedIn, Naver, Reddit, Shopify, Spotify, Twitch, X},
};
pub(crate) use self::{exchange::code as exchange_code, provider::DynProvider};
