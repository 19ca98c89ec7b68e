//! A private MongoDB, for tests that take it away.

use std::{
    fs::File,
    process::{Child, Command, Stdio},
};

use anyhow::Context;
use tempfile::TempDir;

use crate::{cache_folder, free_port, process::wait_for_port};

/// A server of its own, which is no replica set; it is killed when this is dropped.
pub struct Mongo {
    folder: TempDir,
    port: u16,
    running: Option<Child>,
}

impl Mongo {
    /// Starts it.
    pub fn start() -> anyhow::Result<Self> {
        let mut mongo = Self { folder: tempfile::tempdir()?, port: free_port()?, running: None };
        mongo.start_again()?;
        Ok(mongo)
    }

    /// Starts it again after [`stop`](Self::stop), with what it had.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let folder = self.folder.path();
        let mut command = Command::new(cache_folder().join("mongodb/mongod"));
        command.arg("--dbpath").arg(folder).args([
            "--port",
            &self.port.to_string(),
            "--bind_ip",
            "127.0.0.1",
        ]);
        command.args(["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]);
        command.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
        let log = folder.join("log");
        let running = command.stdin(Stdio::null()).stdout(File::create(&log)?).spawn();
        self.running = Some(running.context("cannot run mongod: run scripts/setup-mongodb")?);
        wait_for_port(self.port, &log)
    }

    /// Ends it at once, as a crash does.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(mut running) = self.running.take() {
            running.kill()?;
            running.wait()?;
        }
        Ok(())
    }

    /// The address of a database of this name.
    pub fn url(&self, database: &str) -> String {
        format!("mongodb://127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Mongo {
    fn drop(&mut self) {
        // It may be stopped already.
        let _ = self.stop();
    }
}
