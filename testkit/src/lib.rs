//! Starts what the tests talk to: our server as its users run it, private database servers and providers of accounts on
//! free ports. All of them end with the value that stands for them.

mod databases;
mod mails;
mod mongo;
mod oidc_provider;
mod postgres;
mod process;
mod provider;
mod proxy;
mod redis;
mod server;

use std::path::PathBuf;

pub use self::{
    databases::{mariadb_database, mongodb_database, postgres_schema},
    mails::{Purpose, mailed_tokens},
    mongo::Mongo,
    oidc_provider::OidcProvider,
    postgres::Postgres,
    process::{Lines, Process},
    provider::{FakeAnswer, FakeProvider, FakeRequest},
    proxy::Proxy,
    redis::Redis,
    server::{Server, binary},
};

/// Where the scripts put what the tests need: `TEST_CACHE`, or `axum-users` in the user's cache folder.
pub fn cache_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").unwrap_or_default().join(".cache");
    set("TEST_CACHE").unwrap_or_else(|| set("XDG_CACHE_HOME").unwrap_or_else(home).join("axum-users"))
}

/// A port of 127.0.0.1 that was free a moment ago.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
