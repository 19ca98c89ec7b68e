//! A server process: it says on its standard output where it listens, and it ends with the tests.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use anyhow::{Context, bail};

/// How long a server may take to start: the first start compiles Python's modules.
const START: Duration = Duration::from_secs(60);

pub(crate) struct Process {
    child: Child,
    /// Such as `http://127.0.0.1:40123`.
    pub(crate) address: String,
    lines: Lines,
}

#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn push(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Process {
    /// Starts a program and waits for its line `listening on ADDRESS`. Its standard error goes to a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let program = command.get_program().display().to_string();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let output = child.stdout.take().context("no standard output")?;
        let lines = Lines::default();
        let mut process = Self { child, address: String::new(), lines: lines.clone() };
        let (ready, listening) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("listening on ") {
                    // Nobody waits for a second such line.
                    let _ = ready.send(address.trim().to_owned());
                }
                lines.push(line);
            }
        });
        match listening.recv_timeout(START) {
            Ok(address) => process.address = address,
            Err(_) => {
                drop(process);
                bail!("{program} did not start:\n{}", std::fs::read_to_string(log).unwrap_or_default());
            }
        }
        Ok(process)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.all()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
