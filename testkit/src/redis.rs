//! A private Redis, for tests that take it away.

use std::{
    fs::File,
    process::{Child, Command, Stdio},
};

use anyhow::Context;
use tempfile::TempDir;

use crate::{free_port, process::wait_for_port};

/// A server of its own, which forgets everything when it stops; it is killed when this is dropped.
pub struct Redis {
    folder: TempDir,
    port: u16,
    options: Vec<String>,
    running: Option<Child>,
}

impl Redis {
    /// Starts it.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(&[])
    }

    /// Starts it with options of `redis-server`, such as `["--cluster-enabled", "yes"]`.
    pub fn start_with(options: &[&str]) -> anyhow::Result<Self> {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut redis = Self { folder: tempfile::tempdir()?, port: free_port()?, options, running: None };
        redis.start_again()?;
        Ok(redis)
    }

    /// A sentinel that watches a master called `mymaster`, and gives it up after half a second of silence.
    pub fn start_sentinel(master: &Self) -> anyhow::Result<Self> {
        let mut sentinel =
            Self { folder: tempfile::tempdir()?, port: free_port()?, options: Vec::new(), running: None };
        let file = sentinel.folder.path().join("sentinel.conf");
        let configuration = format!(
            "port {}\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 2000\n",
            sentinel.port, master.port
        );
        std::fs::write(&file, configuration)?;
        let options =
            vec![file.to_str().context("the folder is not UTF-8")?.to_owned(), "--sentinel".to_owned()];
        sentinel.options = options;
        sentinel.start_again()?;
        Ok(sentinel)
    }

    /// Starts it again after [`stop`](Self::stop), empty.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let folder = self.folder.path();
        let mut command = Command::new("redis-server");
        if !self.options.iter().any(|option| option == "--sentinel") {
            let port = self.port.to_string();
            command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        }
        command.args(&self.options).current_dir(folder);
        let log = File::create(folder.join("log"))?;
        self.running =
            Some(command.stdin(Stdio::null()).stdout(log).spawn().context("cannot run redis-server")?);
        wait_for_port(self.port, &folder.join("log"))
    }

    /// Ends it at once.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(mut running) = self.running.take() {
            running.kill()?;
            running.wait()?;
        }
        Ok(())
    }

    /// The number of its process, if it runs.
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref().map(Child::id)
    }

    /// Its host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Asks it by `redis-cli`; gives what that prints.
    pub fn ask(&self, words: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(words).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may be stopped already.
        let _ = self.stop();
    }
}
