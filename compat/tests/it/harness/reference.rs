//! Starts fastapi-users.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::ensure;
use serde::Serialize;

use axum_users_testkit::{Process, cache_folder};

use super::{database::Database, settings::Settings};

#[derive(Serialize)]
struct Config<'a> {
    database: &'a str,
    redis_url: Option<&'a str>,
    redis_prefix: Option<&'a str>,
    #[serde(flatten)]
    settings: &'a Settings,
}

pub(super) fn start(settings: &Settings, directory: &Path, database: &Database) -> anyhow::Result<Process> {
    let redis = database.redis.as_ref();
    let config = Config {
        database: &database.url,
        redis_url: redis.map(|redis| redis.url.as_str()),
        redis_prefix: redis.map(|redis| redis.prefix.as_str()),
        settings,
    };
    let file = directory.join("reference.json");
    std::fs::write(&file, serde_json::to_vec(&config)?)?;
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/app.py");
    let mut command = Command::new(python()?);
    Process::start(command.arg(app).arg(file), &directory.join("reference.log"))
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
