//! The load generator, oha: how it is called, and what it says.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, ensure};
use axum_users_testkit::cache_folder;
use serde::Deserialize;

/// One run of it, to be.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// What is asked, or the path of a file that has one on each line; then each request takes one at random.
    pub url: String,
    pub urls_in_file: bool,
    pub connections: u32,
    /// How long it asks; what is under way then is waited for.
    pub seconds: f64,
    /// Requests in all, instead of a time.
    pub requests: Option<u32>,
    /// Requests begun each second, whether others have been answered or not. Latencies count from when they were due.
    pub rate: Option<u32>,
    /// Without it GET.
    pub post: Option<Post>,
    /// Each as `name: value`.
    pub headers: Vec<String>,
}

/// The bodies of requests.
#[derive(Clone, Debug)]
pub struct Post {
    pub content_type: &'static str,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub enum Body {
    Same(String),
    /// A file that has one on each line; each request takes one at random.
    Lines(PathBuf),
}

/// A run under way.
pub struct Running(Child);

impl Load {
    pub fn start(&self) -> anyhow::Result<Running> {
        let mut command = command()?;
        command.args(["--no-tui", "--output-format", "json", "--redirect", "0", "--disable-compression"]);
        command.args(["-c", &self.connections.to_string()]);
        match self.requests {
            Some(requests) => command.args(["-n", &requests.to_string()]),
            None => command.args(["-z", &format!("{}ms", (self.seconds * 1000.0).round()), "-w"]),
        };
        if let Some(rate) = self.rate {
            command.args(["-q", &rate.to_string(), "--latency-correction"]);
        }
        for header in &self.headers {
            command.args(["-H", header]);
        }
        if self.urls_in_file {
            command.arg("--urls-from-file");
        }
        if let Some(post) = &self.post {
            command.args(["-m", "POST", "-T", post.content_type]);
            match &post.body {
                Body::Same(body) => command.args(["-d", body]),
                Body::Lines(file) => command.arg("-Z").arg(file),
            };
        }
        let command = command.arg(&self.url).stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(Running(command.spawn().with_context(|| format!("cannot run {command:?}"))?))
    }

    pub fn run(&self) -> anyhow::Result<Answers> {
        self.start()?.wait()
    }
}

impl Running {
    /// Waits for its end; gives what it has seen.
    pub fn wait(self) -> anyhow::Result<Answers> {
        let output = self.0.wait_with_output()?;
        ensure!(output.status.success(), "oha failed: {}", output.status);
        parse(&output.stdout)
    }
}

/// What a run has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// How many there were of each status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer, by why.
    pub errors: BTreeMap<String, u64>,
    pub per_second: f64,
    /// In milliseconds, as are the others; 0 if nothing was answered.
    pub p50: f64,
    pub p99: f64,
    pub slowest: f64,
}

impl Answers {
    /// All requests that were answered.
    pub fn count(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Fails if there was an error, or if more than a share of the answers that is `tolerated` has another status.
    pub fn expect(&self, status: u16, tolerated: f64) -> anyhow::Result<()> {
        let fine = self.statuses.get(&status).copied().unwrap_or_default();
        let other = self.count() - fine;
        ensure!(
            fine > 0 && self.errors.is_empty() && other as f64 <= tolerated * fine as f64,
            "expected {status}, got {:?}; errors: {:?}",
            self.statuses,
            self.errors
        );
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    summary: Summary,
    latency_percentiles: BTreeMap<String, Option<f64>>,
    status_code_distribution: BTreeMap<u16, u64>,
    error_distribution: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    slowest: Option<f64>,
    requests_per_sec: f64,
}

fn parse(json: &[u8]) -> anyhow::Result<Answers> {
    let report: Report = serde_json::from_slice(json).context("what oha has written")?;
    let in_ms = |seconds: Option<f64>| seconds.unwrap_or_default() * 1000.0;
    let percentile = |name: &str| in_ms(report.latency_percentiles.get(name).copied().flatten());
    Ok(Answers {
        p50: percentile("p50"),
        p99: percentile("p99"),
        slowest: in_ms(report.summary.slowest),
        per_second: report.summary.requests_per_sec,
        statuses: report.status_code_distribution,
        errors: report.error_distribution,
    })
}

/// Where `scripts/setup-bench` has put it, or else where the system finds it.
fn program() -> anyhow::Result<PathBuf> {
    let own = cache_folder().join("tools/bin/oha");
    if own.exists() {
        return Ok(own);
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|folder| folder.join("oha")).find(|path| path.exists());
    found.context("oha is not installed: run scripts/bench or scripts/setup-bench")
}

/// A command of it.
pub fn command() -> anyhow::Result<Command> {
    Ok(Command::new(program()?))
}

/// Writes bodies or addresses for requests to a file, one on each line.
pub fn write_lines(file: &Path, lines: impl Iterator<Item = String>) -> anyhow::Result<()> {
    use std::io::Write;

    let mut writer = std::io::BufWriter::new(std::fs::File::create(file)?);
    for line in lines {
        writeln!(writer, "{line}")?;
    }
    Ok(writer.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{
        "summary": {"successRate": 0.9, "total": 2.0, "slowest": 0.5, "fastest": 0.1, "requestsPerSec": 50.5},
        "latencyPercentiles": {"p50": 0.002, "p90": 0.01, "p99": 0.25, "p99.9": 0.5},
        "statusCodeDistribution": {"200": 99, "503": 1},
        "errorDistribution": {"connection refused": 2}
    }"#;

    #[test]
    fn a_report() {
        let answers = parse(REPORT.as_bytes()).unwrap();
        assert_eq!(answers.statuses, BTreeMap::from([(200, 99), (503, 1)]));
        assert_eq!(answers.errors, BTreeMap::from([("connection refused".to_owned(), 2)]));
        assert_eq!((answers.p50, answers.p99, answers.slowest), (2.0, 250.0, 500.0));
        assert_eq!((answers.per_second, answers.count()), (50.5, 100));
    }

    #[test]
    fn a_report_of_nothing() {
        let nothing = r#"{"summary": {"slowest": null, "requestsPerSec": 0.0},
            "latencyPercentiles": {"p50": null, "p99": null}, "statusCodeDistribution": {}, "errorDistribution": {}}"#;
        let answers = parse(nothing.as_bytes()).unwrap();
        assert_eq!((answers.count(), answers.p99), (0, 0.0));
        assert!(answers.expect(200, 1.0).is_err());
        assert!(parse(b"{}").is_err());
    }

    #[test]
    fn other_answers_and_errors_are_no_result() {
        let mut answers = parse(REPORT.as_bytes()).unwrap();
        assert!(answers.expect(200, 0.1).is_err());
        answers.errors.clear();
        assert!(answers.expect(200, 0.1).is_ok());
        assert!(answers.expect(200, 0.0).is_err());
        assert!(answers.expect(401, 1.0).is_err());
    }
}
