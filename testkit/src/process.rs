//! A process that says on its standard output where it listens.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::TcpStream,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// How long it may take to start: a first start of a Python program compiles its modules.
const START: Duration = Duration::from_secs(60);

/// A running program; it is killed when this is dropped.
pub struct Process {
    child: Child,
    /// Where it listens, such as `http://127.0.0.1:40123`.
    pub address: String,
    lines: Lines,
}

/// The lines a process has printed on its standard output so far.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn push(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// All of them, first to last.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Process {
    /// Starts a program and waits for its line `listening on ADDRESS`. Its standard error goes to a file.
    pub fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let program = command.get_program().display().to_string();
        let log_file = File::options().create(true).append(true).open(log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let output = child.stdout.take().context("no standard output")?;
        let lines = Lines::default();
        let mut process = Self { child, address: String::new(), lines: lines.clone() };
        let (ready, listening) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let address = line.strip_prefix("listening on ").map(|address| address.trim().to_owned());
                lines.push(line);
                if let Some(address) = address {
                    // Nobody waits for a second such line.
                    let _ = ready.send(address);
                }
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

    /// What it has printed so far.
    pub fn lines(&self) -> Lines {
        self.lines.clone()
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, as a service manager does, and waits until it has.
    pub fn terminate(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let status = Command::new("kill").arg(self.id().to_string()).status()?;
        anyhow::ensure!(status.success(), "the process {} is gone", self.id());
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the process {} did not end in {patience:?}", self.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until somebody listens on a port, or shows the log of who should.
pub(crate) fn wait_for_port(port: u16, log: &Path) -> anyhow::Result<()> {
    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("nobody listens on port {port}:\n{}", std::fs::read_to_string(log).unwrap_or_default())
}
