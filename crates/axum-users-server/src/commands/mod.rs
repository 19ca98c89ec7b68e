//! One file for each command.

mod breach_filter;
mod calibrate;
mod config;
mod events;
mod jobs;
mod migrate;
mod openapi;
mod serve;
mod user;

use std::{io::Write, time::Duration};

use anyhow::Context;

use crate::{
    args::{Args, Command},
    config::Config,
    logs::Logs,
};

/// How long the end waits for what has begun, such as a mail that is printed and that nobody reads.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Does what the command line says.
pub fn run(args: Args) -> anyhow::Result<()> {
    if let Command::Config { example: true } = args.command {
        return config::example();
    }
    if let Command::BreachFilter(command) = &args.command {
        return breach_filter::run(command);
    }
    if let Command::Calibrate(command) = &args.command {
        return calibrate::run(command);
    }
    let config = Config::load(&args)?;
    let logs = Logs::start(&config.settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the asynchronous runtime does not start")?;
    let done = runtime.block_on(async {
        match args.command {
            Command::Serve(_) => serve::run(&config, &logs).await,
            Command::User(command) => user::run(&config, command).await,
            Command::Events(command) => events::run(&config, command).await,
            Command::Jobs(command) => jobs::run(&config, command).await,
            Command::Migrate { dry_run } => migrate::run(&config, dry_run).await,
            Command::Openapi => openapi::run(&config).await,
            Command::Config { .. } => config::effective(&config),
            Command::BreachFilter(command) => breach_filter::run(&command),
            Command::Calibrate(command) => calibrate::run(&command),
        }
    });
    runtime.shutdown_timeout(LAST_WORK);
    done
}

/// Writes to the standard output. Nobody reading it is no error of ours.
fn print(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{text}").and_then(|()| output.flush());
}
