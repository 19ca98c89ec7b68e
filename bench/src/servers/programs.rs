//! Starts the servers that are in this program.

use std::{path::Path, process::Command};

use axum_users_testkit::Process;

use super::{Kind, Strategy};

pub(super) fn start(
    kind: Kind,
    strategy: Strategy,
    database: &str,
    redis: &str,
    folder: &Path,
) -> anyhow::Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    match kind {
        Kind::AxumLogin => command.arg("axum-login-shape"),
        _ => command.args(["limit", "--strategy", strategy.name(), "--redis", redis]),
    };
    command.args(["--database", database]);
    Process::start(&mut command, &folder.join("log"))
}
