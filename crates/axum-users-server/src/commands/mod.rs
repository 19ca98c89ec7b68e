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

use std::io::{IsTerminal, Write};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::{
    args::{Args, Command},
    config::{Config, LogFormat, Settings},
};

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
    start_logging(&config.settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the asynchronous runtime does not start")?;
    runtime.block_on(async {
        match args.command {
            Command::Serve(_) => serve::run(&config).await,
            Command::User(command) => user::run(&config, command).await,
            Command::Events(command) => events::run(&config, command).await,
            Command::Jobs(command) => jobs::run(&config, command).await,
            Command::Migrate { dry_run } => migrate::run(&config, dry_run).await,
            Command::Openapi => openapi::run(&config).await,
            Command::Config { .. } => config::effective(&config),
            Command::BreachFilter(command) => breach_filter::run(&command),
            Command::Calibrate(command) => calibrate::run(&command),
        }
    })
}

/// Logs go to the standard error, so that the standard output is what a command answers.
fn start_logging(settings: &Settings) -> anyhow::Result<()> {
    let filter: EnvFilter = settings.log.level.parse().context("`log.level` is not a filter")?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match settings.log.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging does not start: {error}"))
}

/// Writes to the standard output. Nobody reading it is no error of ours.
fn print(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{text}").and_then(|()| output.flush());
}
