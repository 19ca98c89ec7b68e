//! Our server, as its users run it, without rate limits: the others have none.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use axum_users_testkit::Process;

use super::Strategy;

/// The same Argon2 parameters as fastapi-users; everything else is as it comes.
fn configuration(strategy: Strategy, database: &str, redis: &str) -> String {
    let name = strategy.name();
    let redis = match strategy {
        Strategy::Redis => format!("redis_url = \"{redis}\"\n"),
        Strategy::Jwt | Strategy::Database => String::new(),
    };
    format!(
        "database_url = \"{database}\"\n{redis}\n\
         [[backends]]\nname = \"{name}\"\ntransport = \"bearer\"\nstrategy = \"{name}\"\nlifetime = 36000\n\n\
         [policy_overrides.hashing]\nmemory_kib = 65536\niterations = 3\nparallelism = 4\nrehash = \"exact\"\n\n\
         [rate_limits]\nenabled = false\n\n[log]\nlevel = \"warn\"\n"
    )
}

pub(super) fn start(
    strategy: Strategy,
    database: &str,
    redis: &str,
    folder: &Path,
) -> anyhow::Result<Process> {
    serve(Command::new(binary()?), &configuration(strategy, database, redis), folder)
}

/// Starts it on SQLite by a command that ends in the binary, such as one that limits it.
pub fn start_limited(command: Command, folder: &Path) -> anyhow::Result<Process> {
    let database = format!("sqlite:{}", database_file(folder).display());
    serve(command, &configuration(Strategy::Jwt, &database, ""), folder)
}

/// Where a server that was started so has its users.
pub fn database_file(folder: &Path) -> PathBuf {
    folder.join("users.db")
}

fn serve(mut command: Command, configuration: &str, folder: &Path) -> anyhow::Result<Process> {
    let file = folder.join("axum-users.toml");
    std::fs::write(&file, configuration)?;
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(file);
    command.arg("--data-dir").arg(folder.join("data"));
    Process::start(&mut command, &folder.join("log"))
}

/// The server's binary: `TEST_SERVER`, or what Cargo has put beside this program.
pub fn binary() -> anyhow::Result<PathBuf> {
    let beside = || {
        let folder = std::env::current_exe()?.parent().map(Path::to_path_buf);
        anyhow::Ok(folder.context("this program is in no folder")?.join("axum-users"))
    };
    let binary = std::env::var_os("TEST_SERVER").map_or_else(beside, |path| Ok(path.into()))?;
    ensure!(
        binary.exists(),
        "{} is missing: run scripts/bench, or build axum-users-server in the same profile",
        binary.display()
    );
    Ok(binary)
}
