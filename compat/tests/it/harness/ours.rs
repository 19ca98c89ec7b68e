//! Starts our server.

use std::{path::Path, process::Command};

use anyhow::ensure;
use axum_users_testkit::{Process, binary};
use serde::Serialize;
use toml::Value;

use super::{database::Database, settings::Settings};

#[derive(Serialize)]
struct Config<'a> {
    policy: &'static str,
    database_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    redis_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redis_prefix: Option<&'a str>,
    #[serde(flatten)]
    settings: &'a Settings,
}

pub(super) fn start(settings: &Settings, directory: &Path, database: &Database) -> anyhow::Result<Process> {
    let mut command = command(&["serve", "--listen", "127.0.0.1:0"], settings, directory, database)?;
    Process::start(&mut command, &directory.join("ours.log"))
}

/// Runs `axum-users migrate`; gives what it prints.
pub(crate) fn migrate(
    words: &[&str],
    settings: &Settings,
    directory: &Path,
    database: &Database,
) -> anyhow::Result<String> {
    let mut command = command(&[&["migrate"], words].concat(), settings, directory, database)?;
    let output = command.output()?;
    ensure!(output.status.success(), "migrate: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn command(
    words: &[&str],
    settings: &Settings,
    directory: &Path,
    database: &Database,
) -> anyhow::Result<Command> {
    let redis = database.redis.as_ref();
    let config = Config {
        policy: "fastapi-users",
        database_url: &database.url,
        redis_url: redis.map(|redis| redis.url.as_str()),
        redis_prefix: redis.map(|redis| redis.prefix.as_str()),
        settings,
    };
    let mut config = toml::Table::try_from(config)?;
    for backend in config.get_mut("backends").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(lifetime) = backend.get_mut("lifetime").filter(|seconds| seconds.as_integer() == Some(0))
        {
            *lifetime = "none".into();
        }
    }
    let file = directory.join("ours.toml");
    std::fs::write(&file, config.to_string())?;
    let mut command = Command::new(binary()?);
    // fastapi-users has none, and everything is asked from one address.
    command.env("AXUM_USERS_RATE_LIMITS__ENABLED", "false");
    command.args(words).arg("--config").arg(file).arg("--data-dir").arg(directory);
    Ok(command)
}
