//! A server, and what the tests ask it.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use axum_users_testkit::{Purpose, Server, binary};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const KING: &str = "king.arthur@camelot.bt";
pub(crate) const PASSWORD: &str = "guinevere1";

/// Passwords are hashed cheaply: these tests are about everything else.
pub(crate) const CHEAP: &str = "[policy_overrides.hashing]\nmemory_kib = 64\niterations = 1\n";

/// A server with its folder.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

impl Running {
    /// With these settings, a free port, and cheap hashes.
    pub(crate) fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &format!("{settings}\n{CHEAP}"), "127.0.0.1:0").unwrap();
        Self { server, folder }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.server.client.get(format!("{}{path}", self.server.address()))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.server.client.post(format!("{}{path}", self.server.address()))
    }

    pub(crate) fn patch(&self, path: &str) -> RequestBuilder {
        self.server.client.patch(format!("{}{path}", self.server.address()))
    }

    pub(crate) async fn register(&self, email: &str, password: &str) -> (StatusCode, Value) {
        answer(self.post("/auth/register").json(&json!({"email": email, "password": password}))).await
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> (StatusCode, Value) {
        answer(self.post("/auth/jwt/login").form(&[("username", email), ("password", password)])).await
    }

    /// A bearer token.
    pub(crate) async fn token(&self, email: &str, password: &str) -> String {
        let (status, body) = self.login(email, password).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn me(&self, token: &str) -> (StatusCode, Value) {
        answer(self.get("/users/me").bearer_auth(token)).await
    }

    /// The first token mailed to an address.
    pub(crate) async fn mailed_token(&self, email: &str, purpose: Purpose) -> String {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(token) = self.server.mailed_tokens(email, purpose).pop() {
                return token;
            }
            assert!(Instant::now() < deadline, "no mail to {email}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it has logged. A line is written soon, not before the answer.
    pub(crate) fn log(&self) -> String {
        let read = || std::fs::read_to_string(self.folder.path().join("server.log")).unwrap();
        let mut log = read();
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let later = read();
            if later == log {
                return log;
            }
            log = later;
        }
    }

    /// All that it has ever logged: it is stopped.
    pub(crate) fn last_log(&mut self) -> String {
        self.server.process().terminate(Duration::from_secs(30)).unwrap();
        self.log()
    }

    /// Runs another command on the same folder and settings, with this standard input.
    pub(crate) fn command(&self, words: &[&str], input: &str) -> Output {
        run(self.folder.path(), words, input)
    }
}

/// The status, and the body as JSON or as text.
pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// A command in a folder that holds `axum-users.toml`, as a server of it would run.
pub(crate) fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(binary().unwrap());
    command.args(words).arg("--data-dir").arg(folder.join("data")).current_dir(folder);
    command
}

/// Runs a command with this standard input.
pub(crate) fn run(folder: &Path, words: &[&str], input: &str) -> Output {
    let mut child = command(folder, words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The memory a process has, in KiB.
pub(crate) fn memory(process: u32) -> u64 {
    kib(process, "VmRSS:")
}

/// The most that it ever had, in KiB.
pub(crate) fn peak_memory(process: u32) -> u64 {
    kib(process, "VmHWM:")
}

fn kib(process: u32, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(figure)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Shows a line also where the output of tests that pass is kept back.
pub(crate) fn print(line: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stdout(), format!("{line}\n").as_bytes());
}
