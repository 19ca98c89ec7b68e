//! The two servers of a set-up.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use axum_users_testkit::{Process, Purpose, binary, mailed_tokens};

use super::{
    ours, reference,
    settings::{Settings, Setup},
};

/// How long a mail may take: our server sends them after it has answered.
const MAIL: Duration = Duration::from_secs(5);

/// What is compared with fastapi-users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Candidate {
    Ours,
    /// fastapi-users itself, to see that the scenarios mean what they say and repeat.
    Reference,
}

impl Candidate {
    /// `COMPAT_CANDIDATE=reference`, or ours; fails if either server of the comparison is not there.
    pub(crate) fn from_environment() -> anyhow::Result<Self> {
        reference::python()?;
        if std::env::var_os("COMPAT_CANDIDATE").is_some_and(|name| name == "reference") {
            return Ok(Self::Reference);
        }
        binary()?;
        Ok(Self::Ours)
    }

    pub(crate) fn start(
        self,
        settings: &Settings,
        directory: &Path,
        database: &Path,
    ) -> anyhow::Result<Server> {
        let start = match self {
            Self::Ours => ours::start,
            Self::Reference => reference::start,
        };
        let process = start(settings, directory, database)?;
        // A new connection each time: after a 500 fastapi-users closes its own without having said so.
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(60))
            .build()?;
        let has_tokens = settings.backends.iter().any(|backend| backend.strategy == "database");
        let integer_ids = settings.id_type == "integer";
        let fields = settings.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let database = database.to_owned();
        Ok(Server { kind: self, process, client, database, has_tokens, integer_ids, fields })
    }
}

pub(crate) struct Server {
    pub(crate) kind: Candidate,
    process: Process,
    pub(super) client: reqwest::Client,
    pub(super) database: PathBuf,
    /// Whether there is a table of tokens.
    pub(super) has_tokens: bool,
    pub(super) integer_ids: bool,
    /// Further columns that may not be null.
    pub(super) fields: Vec<&'static str>,
}

impl Server {
    /// Such as `http://127.0.0.1:40123`.
    pub(super) fn address(&self) -> &str {
        &self.process.address
    }

    /// The token of the mail number `index` that was sent to an address for one purpose.
    pub(super) async fn mailed_token(
        &self,
        email: &str,
        purpose: Purpose,
        index: usize,
    ) -> anyhow::Result<String> {
        let deadline = Instant::now() + MAIL;
        loop {
            if let Some(token) = self.mailed_tokens(email, purpose).await?.into_iter().nth(index) {
                return Ok(token);
            }
            ensure!(Instant::now() < deadline, "no mail number {index} to {email} ({purpose:?})");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The tokens of all mails so far, first to last.
    pub(super) async fn mailed_tokens(&self, email: &str, purpose: Purpose) -> anyhow::Result<Vec<String>> {
        if self.kind == Candidate::Ours {
            return Ok(mailed_tokens(&self.process.lines().all(), email, purpose));
        }
        let address = format!("{}/_test/hooks", self.address());
        let text = self.client.get(address).send().await?.text().await?;
        let events: Vec<Event> = serde_json::from_str(&text).context("the hooks of fastapi-users")?;
        let hook = match purpose {
            Purpose::Reset => "after_forgot_password",
            Purpose::Verify => "after_request_verify",
        };
        let events = events.into_iter().filter(|event| event.hook == hook && event.email == email);
        Ok(events.filter_map(|event| event.token).collect())
    }
}

/// A hook that ran in fastapi-users.
#[derive(Deserialize)]
struct Event {
    hook: String,
    email: String,
    token: Option<String>,
}

/// The same set-up twice.
pub(crate) struct Pair {
    pub(crate) reference: Server,
    pub(crate) candidate: Server,
    _directories: [TempDir; 2],
}

impl Pair {
    pub(crate) fn start(setup: Setup, candidate: Candidate) -> anyhow::Result<Self> {
        let directories = [tempfile::tempdir()?, tempfile::tempdir()?];
        let settings = setup.settings();
        let [first, second] = directories.each_ref().map(TempDir::path);
        Ok(Self {
            reference: Candidate::Reference.start(&settings, first, &first.join("users.db"))?,
            candidate: candidate.start(&settings, second, &second.join("users.db"))?,
            _directories: directories,
        })
    }
}
