//! The tests of the library, one module per feature, in one binary. Names begin with the ids of the security rules
//! they prove.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod audit;
mod auth;
mod backends;
mod bodies;
mod change_email;
mod email;
mod extract;
mod growth;
mod hooks;
mod invalidation;
mod jobs;
mod limit;
mod logs;
#[cfg(feature = "mailer")]
mod mailer;
mod manager;
mod migrate;
mod mongodb;
mod mount;
mod mysql;
mod oauth;
#[cfg(feature = "openapi")]
mod openapi;
mod password;
mod policy;
mod pool;
mod postgres;
mod profile;
mod recent_login;
mod redis;
mod register;
mod reset;
mod store;
mod support;
#[cfg(feature = "testing")]
mod testing;
mod ui;
mod users;
mod verify;
