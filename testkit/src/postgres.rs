//! A private PostgreSQL, for tests that take it away.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::free_port;

/// A cluster of its own in a temporary folder; it is stopped and removed when this is dropped.
pub struct Postgres {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes and starts it. It keeps what it has acknowledged: `fsync` stays on.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with("", &[])
    }

    /// The same with these lines at the end of `postgresql.conf`, and these files, by name and text, beside it.
    pub fn start_with(settings: &str, files: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let postgres = Self { folder, binaries: newest_binaries()?, port: free_port()? };
        let root = postgres.folder.path();
        let data = postgres.data();
        std::fs::create_dir(&data)?;
        if is_root()? {
            run(Command::new("chmod").arg("755").arg(root))?;
            run(Command::new("chown").arg("-R").arg("postgres:postgres").arg(&data))?;
        }
        let mut initialise = postgres.command("initdb");
        initialise.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
        run(initialise.args(["--locale=C.UTF-8", "--no-sync"]))?;
        let configuration = data.join("postgresql.conf");
        let text = std::fs::read_to_string(&configuration)? + settings;
        std::fs::write(configuration, text)?;
        for (name, text) in files {
            let file = data.join(name);
            std::fs::write(&file, text)?;
            run(Command::new("chmod").arg("600").arg(&file))?;
            if is_root()? {
                run(Command::new("chown").arg("postgres:postgres").arg(&file))?;
            }
        }
        postgres.control(&["start"])?;
        Ok(postgres)
    }

    /// The address of its database `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The number of its first process, whose children the others are.
    pub fn id(&self) -> anyhow::Result<u32> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid"))?;
        text.lines().next().unwrap_or_default().parse().context("postmaster.pid names no process")
    }

    /// Ends it as a crash does, without a word to its clients.
    pub fn crash(&self) -> anyhow::Result<()> {
        self.control(&["stop", "-m", "immediate"])
    }

    /// Starts it again after a crash.
    pub fn recover(&self) -> anyhow::Result<()> {
        self.control(&["start"])
    }

    /// What it has logged so far.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.data().join("log"))?)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, words: &[&str]) -> anyhow::Result<()> {
        let options = format!("-p {} -h 127.0.0.1 -k \"\" -c max_connections=200", self.port);
        let mut command = self.command("pg_ctl");
        command.arg("-D").arg(self.data()).arg("-o").arg(options);
        command.arg("-l").arg(self.data().join("log")).args(["-w", "-s"]).args(words);
        run(&mut command)
    }

    /// One of its programs; it refuses to be root.
    fn command(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        let mut command = Command::new("setpriv");
        if is_root().unwrap_or(false) {
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        } else {
            command = Command::new(program);
        }
        // Wherever the test runs, that user may not look.
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may be stopped already.
        let _ = self.control(&["stop", "-m", "immediate"]);
    }
}

fn newest_binaries() -> anyhow::Result<PathBuf> {
    let versions = Path::new("/usr/lib/postgresql").read_dir().context("PostgreSQL is not installed")?;
    let versions = versions.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.max().context("PostgreSQL is not installed")?;
    Ok(PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin")))
}

fn is_root() -> anyhow::Result<bool> {
    let output = Command::new("id").arg("-u").output()?;
    Ok(output.stdout.starts_with(b"0"))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    // The server that `pg_ctl` leaves behind would keep a pipe open.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).status();
    let status = status.with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
