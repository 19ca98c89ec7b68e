//! Logging in with an account at a provider: OAuth 2.0 and OpenID Connect.
//!
//! The [guide](crate::guide::oauth) shows it from the outside.

// JSON is indexed by names here: what is not there is `null`, and nothing panics as long as it is only read.
#![allow(clippy::indexing_slicing)]

mod cipher;
mod client;
mod code;
mod discovery;
mod document;
mod error;
mod exchange;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod id_token;
mod jwks;
mod network;
mod oidc;
mod options;
mod provider;
mod providers;
mod settings;
mod state;

pub(crate) use self::{
    cipher::CipherError,
    exchange::code as exchange_code,
    settings::{OAuthCore, OAuthSettings},
    state::{Flow, Returned, StateError},
};
pub use self::{
    client::{ProviderClient, ProviderRequest},
    error::ProviderError,
    oidc::OpenIdConnect,
    options::{EmailTrust, OAuth},
    provider::{ClientAuthentication, Credentials, Endpoints, Identity, OAuthProvider, ProviderTokens},
    providers::{
        Apple, Discord, Facebook, FranceConnect, GitHub, GitLab, Google, Kakao, LinkedIn, Microsoft, Naver,
        Okta, Reddit, Shopify, Slack, Spotify, Twitch, X,
    },
};
