//! Starts our server.

use std::{path::Path, process::Command};

use axum_users_testkit::{Process, binary};
use serde::Serialize;
use toml::Value;

use super::settings::Settings;

#[derive(Serialize)]
struct Config<'a> {
    policy: &'static str,
    database_url: String,
    #[serde(flatten)]
    settings: &'a Settings,
}

pub(super) fn start(settings: &Settings, directory: &Path, database: &Path) -> anyhow::Result<Process> {
    let config =
        Config { policy: "fastapi-users", database_url: format!("sqlite:{}", database.display()), settings };
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
    command.arg("serve").arg("--config").arg(file).arg("--data-dir").arg(directory);
    Process::start(command.args(["--listen", "127.0.0.1:0"]), &directory.join("ours.log"))
}
