//! `axum-users`: user management ready to run, wire-compatible with fastapi-users.

#![allow(unreachable_pub, reason = "a binary has no public interface")]

mod args;
mod assemble;
mod commands;
mod config;
mod data;
mod housekeeping;
mod logs;
mod memory;
mod metrics;
mod pages;
mod profile;
mod routes;
mod serve;

use std::{io::Write, process::ExitCode};

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match memory::keep_private().and_then(|()| commands::run(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever the causes hold: scripts and journals read lines.
            let message = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = writeln!(std::io::stderr(), "error: {message}");
            ExitCode::FAILURE
        }
    }
}
