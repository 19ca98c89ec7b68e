//! What the tests share: an application to ask, a store that counts and fails, hooks that record.

mod answer;
mod app;
mod forge;
#[cfg(feature = "openapi")]
mod golden;
mod hasher;
mod hooks;
#[cfg(feature = "mailer")]
mod mime;
mod scenario;
#[cfg(feature = "mailer")]
mod smtp;
mod social;
mod store;
mod tls;

#[cfg(feature = "openapi")]
pub(crate) use self::golden::assert_golden;
pub(crate) use self::{
    answer::{Answer, Ask},
    app::{KING, PASSWORD, SECRET, TestApp, jwt, stored_cookie},
    forge::{Pair, claims, forge, read_claims, read_header},
    hasher::{CheapHasher, NotingHasher},
    hooks::{Event, Marker, Reaction, Recorder},
    scenario::{Scenario, run},
    social::{Begun, Browser, LINK, LOGIN, Social, callback, camelot, knight},
    store::{Database, Kind, Store},
    tls::Authority,
};
#[cfg(feature = "mailer")]
pub(crate) use self::{
    mime::ReadMail,
    smtp::{SmtpOptions, SmtpSink},
};

/// Runs an `async fn(Kind)` once for every store.
macro_rules! on_every_store {
    ($($test:ident),+ $(,)?) => { $(
        mod $test {
            use $crate::support::Kind;

            $crate::support::on_stores!($test: memory Memory, sqlite Sqlite, postgres Postgres, mariadb Mariadb, mongodb Mongodb);
        }
    )+ };
}
pub(crate) use on_every_store;

macro_rules! on_stores {
    ($test:ident: $($store:ident $kind:ident),+) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $store() {
            super::$test(Kind::$kind).await;
        }
    )+ };
}
pub(crate) use on_stores;
