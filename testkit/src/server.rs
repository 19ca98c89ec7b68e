//! Our server, as its users run it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, ensure};

use crate::{Purpose, mailed_tokens, process::Process};

/// `axum-users serve`, with its data in a folder of the test.
pub struct Server {
    process: Process,
    /// For requests to it.
    pub client: reqwest::Client,
}

impl Server {
    /// Starts it with a configuration file `axum-users.toml` of this text, or starts it again on the same folder.
    pub fn start(folder: &Path, configuration: &str, listen: &str) -> anyhow::Result<Self> {
        Self::start_by(Command::new(binary()?), folder, configuration, listen)
    }

    /// The same by a command that ends in the binary, such as one that limits it. Rate limits are off unless the configuration
    /// speaks of them: tests ask much from one address.
    pub fn start_by(
        mut command: Command,
        folder: &Path,
        configuration: &str,
        listen: &str,
    ) -> anyhow::Result<Self> {
        let file = folder.join("axum-users.toml");
        let limits =
            if configuration.contains("[rate_limits]") { "" } else { "\n[rate_limits]\nenabled = false\n" };
        std::fs::write(&file, format!("{configuration}{limits}"))?;
        command.arg("serve").arg("--config").arg(file);
        command.arg("--data-dir").arg(folder.join("data")).args(["--listen", listen]);
        let process = Process::start(&mut command, &folder.join("server.log"))?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self { process, client })
    }

    /// Such as `http://127.0.0.1:40123`.
    pub fn address(&self) -> &str {
        &self.process.address
    }

    /// Its address without the scheme: what to listen on to take its place.
    pub fn listen(&self) -> &str {
        self.process.address.trim_start_matches("http://")
    }

    /// The running program.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// The tokens in the mails it has printed for an address, first to last.
    pub fn mailed_tokens(&self, email: &str, purpose: Purpose) -> Vec<String> {
        mailed_tokens(&self.process.lines().all(), email, purpose)
    }
}

/// The server's binary: `TEST_SERVER`, or what `cargo build -p axum-users-server` has put beside this test.
pub fn binary() -> anyhow::Result<PathBuf> {
    let beside = || {
        let test = std::env::current_exe()?;
        let profile = test.ancestors().nth(2).context("the test is not in a target directory")?;
        anyhow::Ok(profile.join("axum-users"))
    };
    let binary = std::env::var_os("TEST_SERVER").map_or_else(beside, |path| Ok(path.into()))?;
    ensure!(binary.exists(), "{} is missing: run cargo build -p axum-users-server", binary.display());
    Ok(binary)
}
