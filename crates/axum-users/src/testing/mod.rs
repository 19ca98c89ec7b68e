//! What every store must do, whoever wrote it: each verb, its conditions, its limits and its races, as cases that any
//! [`UserStore`](crate::UserStore) and [`TokenStore`](crate::TokenStore) can be put to.
//!
//! A crate with a store of its own adds the feature `testing` to its `dev-dependencies`, and this to its tests; every
//! case becomes a test of its own, on an empty store:
//!
//! ```
//! # use axum_users::MemoryStore;
//! use axum_users::testing::store_tests;
//! use uuid::Uuid;
//!
//! store_tests!(my_store, Uuid, MemoryStore::new());
//! ```
//!
//! [`user_store_tests!`] and [`token_store_tests!`] do the same for a store that keeps only the one or the other, and
//! [`oauth_store_tests!`] for the accounts of an [`OAuthStore`](crate::OAuthStore), [`job_store_tests!`] for a
//! [`JobStore`](crate::JobStore), [`audit_store_tests!`] for an [`AuditStore`](crate::AuditStore), and [`limit_store_tests!`] for a
//! [`LimitStore`](crate::LimitStore). What a database cannot do is said openly, by [`Limits`]. [`failures`] runs all cases in one go and
//! tells which failed.

// These are assertions: a panic is how a case fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod limits;
#[macro_use]
mod run;
mod sample;
mod subject;

#[doc(hidden)]
pub mod accounts;
#[doc(hidden)]
pub mod audit;
#[doc(hidden)]
pub mod buckets;
#[doc(hidden)]
pub mod jobs;
#[doc(hidden)]
pub mod races;
#[doc(hidden)]
pub mod sessions;
#[doc(hidden)]
pub mod tokens;
#[doc(hidden)]
pub mod users;
#[doc(hidden)]
pub mod values;

pub use limits::Limits;
#[doc(hidden)]
pub use run::block_on;
pub use run::{
    audit_failures, failures, job_failures, limit_failures, oauth_failures, token_failures, user_failures,
};
pub use sample::Sample;
#[doc(hidden)]
pub use subject::Subject;

#[doc(inline)]
pub use crate::{
    audit_store_tests, job_store_tests, limit_store_tests, oauth_store_tests, store_tests, token_store_tests,
    user_store_tests,
};
