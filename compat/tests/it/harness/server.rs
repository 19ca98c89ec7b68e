//! The two servers of a set-up.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, ensure};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use axum_users_testkit::{Process, Purpose, binary, mailed_tokens};

use super::{
    Suite,
    database::Database,
    ours, reference,
    settings::{OAuthOptions, Settings, Setup},
    system::System,
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

    /// Starts it with its files in a folder of its own.
    pub(crate) fn start(
        self,
        settings: &Settings,
        directory: &Path,
        database: &Arc<Database>,
    ) -> anyhow::Result<Server> {
        std::fs::create_dir(directory)?;
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
        Ok(Server {
            kind: self,
            process,
            client,
            database: Arc::clone(database),
            has_tokens: settings.backends.iter().any(|backend| backend.strategy != "jwt"),
            id_type: settings.id_type,
            fields: settings.fields.iter().filter(|field| field.required).map(|field| field.name).collect(),
        })
    }
}

pub(crate) struct Server {
    pub(crate) kind: Candidate,
    process: Process,
    pub(super) client: reqwest::Client,
    pub(super) database: Arc<Database>,
    /// Whether there is a place for session tokens.
    pub(super) has_tokens: bool,
    pub(super) id_type: &'static str,
    /// Further columns that may not be null.
    pub(super) fields: Vec<&'static str>,
}

impl Server {
    pub(crate) fn system(&self) -> System {
        self.database.system
    }

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
            // It sends no such mails.
            Purpose::Confirm | Purpose::Revert => return Ok(Vec::new()),
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

/// Both programs.
pub(crate) struct Pair {
    pub(crate) reference: Server,
    pub(crate) candidate: Server,
    pub(crate) _directory: TempDir,
}

/// What a pair keeps where.
#[derive(Clone, Copy)]
pub(crate) enum Databases {
    /// Each has one of its own.
    Apart,
    /// They share one, which this program has made.
    Shared { maker: Candidate },
}

impl Pair {
    async fn start(
        suite: &Suite,
        system: System,
        setup: Setup,
        databases: Databases,
    ) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut settings = setup.settings(system);
        if !settings.oauth.is_empty() {
            settings.oauth_options = Some(OAuthOptions { gateway: suite.providers.gateway() });
        }
        let root = directory.path();
        let (ours, theirs) = (root.join("candidate"), root.join("reference"));
        let create = async |folder: &str, alone| {
            let folder = root.join(folder);
            std::fs::create_dir(&folder)?;
            anyhow::Ok(Arc::new(Database::create(system, &suite.services, &folder, alone).await?))
        };
        let (reference, candidate) = match databases {
            Databases::Apart => {
                let reference = create("one", true).await?;
                let candidate = create("another", true).await?;
                (
                    Candidate::Reference.start(&settings, &theirs, &reference)?,
                    suite.candidate.start(&settings, &ours, &candidate)?,
                )
            }
            Databases::Shared { maker: Candidate::Reference } => {
                let shared = create("shared", false).await?;
                let reference = Candidate::Reference.start(&settings, &theirs, &shared)?;
                (reference, suite.candidate.start(&settings, &ours, &shared)?)
            }
            Databases::Shared { maker: Candidate::Ours } => {
                let shared = create("shared", false).await?;
                let candidate = suite.candidate.start(&settings, &ours, &shared)?;
                (Candidate::Reference.start(&settings, &theirs, &shared)?, candidate)
            }
        };
        Ok(Self { reference, candidate, _directory: directory })
    }
}

/// A pair that starts when the first trial asks for it, and ends with the last one that holds it.
pub(crate) struct LazyPair {
    pub(crate) suite: Arc<Suite>,
    pub(crate) system: System,
    setup: Setup,
    databases: Databases,
    pair: OnceCell<Result<Pair, String>>,
}

impl LazyPair {
    pub(crate) fn new(suite: &Arc<Suite>, system: System, setup: Setup, databases: Databases) -> Arc<Self> {
        Arc::new(Self { suite: Arc::clone(suite), system, setup, databases, pair: OnceCell::new() })
    }

    pub(crate) async fn get(&self) -> anyhow::Result<&Pair> {
        let Self { suite, system, setup, databases, pair } = self;
        let start = async || {
            let pair = Pair::start(suite, *system, *setup, *databases).await;
            pair.map_err(|error| format!("{error:#}"))
        };
        pair.get_or_init(start).await.as_ref().map_err(|error| anyhow!(error.clone()))
    }
}
