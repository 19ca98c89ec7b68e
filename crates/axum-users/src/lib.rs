//! User management for axum: registration, login and logout, forgotten passwords, e-mail verification, users, and
//! who is asking. Wire-compatible with Python's fastapi-users, and safe by default.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use axum_users::{Backend, Bearer, CurrentUser, Jwt, SqlStore, Users};
//!
//! async fn hello(user: CurrentUser) -> String {
//!     format!("Hello {}!", user.email)
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let secret = std::env::var("SECRET")?; // at least 32 bytes
//!     let users: Users = Users::builder(SqlStore::open("sqlite:users.db").await?, secret.clone())
//!         .backend(Backend::new("jwt", Bearer, Jwt::new(secret)))
//!         .build()?;
//!     let app = Router::new().route("/hello", get(hello)).merge(users.routes()).with_state(users);
//!     // With the addresses of clients, which rate limits need.
//!     let app = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
//!     axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8000").await?, app).await?;
//!     Ok(())
//! }
//! ```
//!
//! Always write `let users: Users = …` or `let users: Users<Account> = …`: one visible place chooses the profile.
//!
//! # Tour
//!
//! | | |
//! |---|---|
//! | [`Users`] | the handle: builder, routers, state of the application |
//! | [`UserManager`] | the same acts from code, without HTTP |
//! | [`User`], [`Profile`] | a user, and the application's own fields |
//! | [`Hooks`] | rules before and reactions after each act |
//! | [`Backend`], [`Transport`], [`Strategy`] | ways to be logged in |
//! | [`CurrentUser`], [`VerifiedUser`], [`Superuser`], [`Authenticated`] | extractors |
//! | [`Policy`] | what is accepted and revealed |
//! | [`RateLimits`] | how often something may be tried |
//! | [`AuditEvent`] | what was done: one for each security-relevant act |
//! | [`UserStore`], [`TokenStore`], [`JobStore`], [`AuditStore`] | where users, tokens, jobs and audit events are kept |
//! | [`guide`] | one page for each feature |
//!
//! # Features
//!
//! A feature adds items and never changes behaviour.
//!
//! | feature | | `default` |
//! |---|---|---|
//! | `macros` | `#[derive(Profile)]` | yes |
//! | `sqlite` | `SqlStore` on SQLite | yes |
//! | `postgres` | `SqlStore` on PostgreSQL | |
//! | `mysql` | `SqlStore` on MySQL and MariaDB | |
//! | `mongodb` | users and tokens in MongoDB | |
//! | `redis` | session tokens in Redis | |
//! | `oauth` | logging in with accounts at providers | |
//! | `metrics` | what the hashing pool does, for the [metrics](https://docs.rs/metrics) crate | |
//! | `breach-check` | refusing passwords that are known from data breaches | |
//! | `testing` | the conformance suite for stores | |
//! | `mailer` | mails by console or SMTP, with templates | |
//! | `openapi` | the OpenAPI 3.1 document of the mounted routes | |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod email;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod guide;
#[cfg(feature = "mailer")]
pub mod mailer;
#[cfg(feature = "oauth")]
pub mod oauth;
pub mod password;
#[cfg(feature = "testing")]
pub mod testing;
pub mod value;

mod audit;
mod backend;
mod claims;
mod context;
mod error;
mod extract;
mod hooks;
mod http;
mod jobs;
mod limit;
mod manager;
mod object;
mod object_id;
#[cfg(feature = "openapi")]
mod openapi;
mod policy;
mod profile;
#[cfg(any(feature = "mailer", feature = "oauth"))]
mod public_url;
mod secret;
mod store;
mod strategy;
mod transport;
mod user;
mod users;

#[cfg(all(axum_users_without_dummy_hash, not(debug_assertions)))]
compile_error!(
    "axum_users_without_dummy_hash is there for tests/timing to fail: a server built so tells who exists"
);

#[cfg(feature = "macros")]
pub use axum_users_macros::Profile;

#[cfg(any(feature = "mailer", feature = "oauth"))]
pub use self::public_url::{PublicUrl, PublicUrlError};
#[cfg(any(feature = "mongodb", feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub use self::store::MigrationError;
#[cfg(feature = "mongodb")]
pub use self::store::{MongoCollections, MongoStore};
#[cfg(feature = "redis")]
pub use self::store::{RedisLimitStore, RedisTokenStore};
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub use self::store::{SqlOptions, SqlStore};
pub use self::{
    audit::{AuditAct, AuditChange, AuditEvent, AuditOptions, AuditReason},
    backend::Backend,
    claims::Algorithm,
    context::Context,
    error::{BoxError, ErrorCode, UserError},
    extract::{Authenticated, CurrentUser, EnabledBackends, Superuser, Token, VerifiedUser},
    hooks::{HookError, HookResult, Hooks},
    http::ApiError,
    jobs::JobOptions,
    limit::{LimitRule, LimitState, RateLimits},
    manager::UserManager,
    object_id::ObjectId,
    password::PasswordHash,
    policy::{DuplicateRegistration, EmailChange, PasswordRules, Policy, StoredTokens},
    profile::{NoPatch, NoProfile, Profile, UserId},
    secret::{SECRET_MIN_BYTES, Secret, WeakSecret},
    store::{
        AuditFilter, AuditStore, Bucket, DeadJob, Found, JobCounts, JobStore, LeasedJob, LimitStore,
        MemoryStore, NewJob, NewToken, OAuthAccount, OAuthStore, StoreError, TokenStore, UserStore,
    },
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

    use crate::value::{ColumnError, Fields, Row, Value};

    /// A field that is present, `null` or not; an absent one is left to `#[serde(default)]`.
    pub fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: Deserialize<'de>,
        D: serde::Deserializer<'de>,
    {
        T::deserialize(deserializer).map(Some)
    }

    /// [`Fields::push`] without its bound, which the derive reports in one place.
    pub fn set(fields: &mut Fields, column: &'static str, value: Value) {
        fields.push_value(column, value);
    }

    /// [`Row::read`] without its bound.
    pub fn read<T>(
        row: &mut Row,
        column: &'static str,
        convert: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<T, ColumnError> {
        row.read_with(column, convert)
    }
}
