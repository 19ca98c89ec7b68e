//! Starts fastapi-users.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::ensure;
use serde::Serialize;

use axum_users_testkit::{Process, cache_folder};

use super::settings::Settings;

#[derive(Serialize)]
struct Config<'a> {
    database: &'a Path,
    #[serde(flatten)]
    settings: &'a Settings,
}

pub(super) fn start(settings: &Settings, directory: &Path, database: &Path) -> anyhow::Result<Process> {
    let config = directory.join("reference.json");
    std::fs::write(&config, serde_json::to_vec(&Config { database, settings })?)?;
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/app.py");
    let mut command = Command::new(python()?);
    Process::start(command.arg(app).arg(config), &directory.join("reference.log"))
}

/// The Python of the virtual environment that `scripts/setup-reference` makes.
pub(super) fn python() -> anyhow::Result<PathBuf> {
    let python = cache_folder().join("reference-venv/bin/python");
    ensure!(
        python.exists(),
        "fastapi-users is not installed in {}: run scripts/test or scripts/setup-reference",
        python.display()
    );
    Ok(python)
}
