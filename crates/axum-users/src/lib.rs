//! User management for axum: registration, login and logout, forgotten passwords, e-mail verification, users, and
//! who is asking. Wire-compatible with Python's fastapi-users.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod email;
pub mod password;
pub mod value;

mod backend;
mod claims;
mod context;
mod error;
mod extract;
mod hooks;
mod http;
mod jobs;
mod manager;
mod object;
mod policy;
mod profile;
mod secret;
mod store;
mod strategy;
mod transport;
mod user;
mod users;

pub use axum_users_macros::Profile;

#[cfg(feature = "sqlite")]
pub use self::store::{MigrationError, SqlStore};
pub use self::{
    backend::Backend,
    claims::Algorithm,
    context::Context,
    error::{BoxError, ErrorCode, UserError},
    extract::{Authenticated, CurrentUser, EnabledBackends, Superuser, Token, VerifiedUser},
    hooks::{HookError, HookResult, Hooks},
    http::ApiError,
    manager::UserManager,
    password::PasswordHash,
    policy::{DuplicateRegistration, PasswordRules, Policy, StoredTokens},
    profile::{NoPatch, NoProfile, Profile, UserId},
    secret::{SECRET_MIN_BYTES, Secret, WeakSecret},
    store::{Found, MemoryStore, StoreError, TokenStore, UserStore},
    strategy::{Accounts, Jwt, Opaque, Strategy, StrategyError},
    transport::{Bearer, Cookie, SameSite, SecurityScheme, Transport},
    user::{Changes, CreateUser, NewUser, UpdateUser, User},
    users::{BuildError, TokenOptions, Users, UsersBuilder},
    value::{Date, Json, Timestamp},
};

/// What the private object-safe mirrors of the public traits return.
pub(crate) type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the derive writes uses these. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use serde::{self, Deserialize};
    pub use uuid::Uuid;

    /// A field that is present, `null` or not; an absent one is left to `#[serde(default)]`.
    pub fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: Deserialize<'de>,
        D: serde::Deserializer<'de>,
    {
        T::deserialize(deserializer).map(Some)
    }
}
