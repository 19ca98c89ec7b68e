//! Starts what the tests talk to: our server as its users run it, and private database servers on free ports. All of
//! them end with the value that stands for them.

mod mails;
mod postgres;
mod process;
mod redis;
mod server;

pub use self::{
    mails::{Purpose, mailed_tokens},
    postgres::Postgres,
    process::{Lines, Process},
    redis::Redis,
    server::{Server, binary},
};

/// A port of 127.0.0.1 that was free a moment ago.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
