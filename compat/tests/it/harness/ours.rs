//! Starts our server, and finds the tokens it mails.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use serde::Serialize;
use toml::Value;

use super::{process::Process, scenario::Purpose, settings::Settings};

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

/// The server's binary: `TEST_SERVER`, or what `cargo build -p axum-users-server` has put beside this test.
pub(super) fn binary() -> anyhow::Result<PathBuf> {
    let beside = || {
        let test = std::env::current_exe()?;
        let profile = test.ancestors().nth(2).context("the test is not in a target directory")?;
        anyhow::Ok(profile.join("axum-users"))
    };
    let binary = std::env::var_os("TEST_SERVER").map_or_else(beside, |path| Ok(path.into()))?;
    ensure!(binary.exists(), "{} is missing: run cargo build -p axum-users-server", binary.display());
    Ok(binary)
}

/// The tokens in the mails that the server has printed so far: a line `To: ADDRESS`, later one with a link.
pub(super) fn tokens(lines: &[String], email: &str, purpose: Purpose) -> Vec<String> {
    let link = match purpose {
        Purpose::Reset => "/reset-password#token=",
        Purpose::Verify => "/verify-email#token=",
    };
    let mut recipient = "";
    let mut tokens = Vec::new();
    for line in lines {
        if let Some(address) = line.strip_prefix("To: ") {
            recipient = address.trim();
        }
        if let Some((_, token)) = line.split_once(link).filter(|_| recipient == email) {
            tokens.push(token.split_whitespace().next().unwrap_or_default().to_owned());
        }
    }
    tokens
}
