//! Logs, which no request waits for.

use std::{
    io::{IsTerminal, stderr},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, anyhow};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};

/// How many lines may wait to be written. What comes while nobody reads them is dropped.
const LINES: usize = 2_048;

/// How long the end of the program waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Lines that a thread of its own writes to the standard error, so that the standard output is what a command answers.
pub struct Logs {
    /// How many lines were dropped.
    pub dropped: ErrorCounter,
    writer: Option<WorkerGuard>,
}

impl Logs {
    /// Logs until this is dropped.
    pub fn start(settings: &Settings) -> anyhow::Result<Self> {
        let filter: EnvFilter = settings.log.level.parse().context("`log.level` is not a filter")?;
        let (lines, writer) =
            NonBlockingBuilder::default().buffered_lines_limit(LINES).thread_name("logs").finish(stderr());
        let dropped = lines.error_counter();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(lines)
            .with_ansi(stderr().is_terminal());
        let started = match settings.log.format {
            LogFormat::Text => subscriber.try_init(),
            LogFormat::Json => subscriber.json().try_init(),
        };
        started.map_err(|error| anyhow!("logging does not start: {error}"))?;
        Ok(Self { dropped, writer: Some(writer) })
    }
}

impl Drop for Logs {
    /// Writes what is left. What cannot be written the library prints, which may not be read either: not by the thread that ends
    /// the program.
    fn drop(&mut self) {
        let (done, is_done) = mpsc::channel();
        let writer = self.writer.take();
        thread::spawn(move || {
            drop(writer);
            // Nobody waits any longer.
            let _ = done.send(());
        });
        let _ = is_done.recv_timeout(LAST_LINES);
    }
}
