//! What is measured beside what: four servers with the same routes, each on a database of its own.

mod ours;
mod programs;
mod reference;
mod services;
mod users;

use std::path::Path;

use axum_users_testkit::Process;
use serde::{Deserialize, Serialize};

pub use self::{
    ours::{binary, database_file, start_limited},
    reference::versions as reference_versions,
    services::Services,
    users::{EMAIL, OTHER_USERS, PASSWORD, log_in, other_email, register, register_and_log_in},
};
use crate::{cpu, memory::Memory};

/// Where users are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    Postgres,
    Sqlite,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    Jwt,
    Database,
    Redis,
}

impl Strategy {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Database => "database",
            Self::Redis => "redis",
        }
    }
}

/// How all servers of a row are set up: one way to be logged in, since others would be tried too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployment {
    pub store: Store,
    pub strategy: Strategy,
}

impl Deployment {
    /// Also that of databases and folders.
    pub fn name(self) -> String {
        let store = match self.store {
            Store::Postgres => "pg",
            Store::Sqlite => "sqlite",
        };
        format!("{}_{store}", self.strategy.name())
    }
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// fastapi-users, one worker of uvicorn.
    Reference,
    /// A session check as axum-login and tower-sessions-sqlx-store do it.
    AxumLogin,
    Ours,
    /// The least work for each route, written by hand.
    Limit,
    /// No server: the password hash alone, on as many threads as there are cores.
    BareHash,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "fastapi-users",
            Self::AxumLogin => "axum-login's shape",
            Self::Ours => "axum-users",
            Self::Limit => "limit",
            Self::BareHash => "hash alone",
        }
    }

    /// What its database and its folder are called after.
    const fn slug(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::AxumLogin => "axum_login",
            Self::Ours => "ours",
            Self::Limit => "limit",
            Self::BareHash => "hash",
        }
    }
}

/// A server with a user who is logged in.
pub struct Running {
    pub kind: Kind,
    process: Process,
    /// The header that says who is asking, as `name: value`.
    pub credentials: String,
    /// Before anything was asked of it; a hash would leave its memory behind.
    pub idle: Memory,
}

impl Running {
    /// Starts it in a folder of its own, with its user.
    pub async fn start(
        kind: Kind,
        deployment: Deployment,
        services: &Services,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let name = format!("{}_{}", kind.slug(), deployment.name());
        let folder = folder.join(&name);
        std::fs::create_dir_all(&folder)?;
        let database = match deployment.store {
            Store::Postgres => services.postgres_database(&name).await?,
            Store::Sqlite => format!("sqlite:{}", folder.join("users.db").display()),
        };
        let redis = services.redis_url();
        let strategy = deployment.strategy;
        let process = match kind {
            Kind::Ours => ours::start(strategy, &database, &redis, &folder)?,
            Kind::Reference => reference::start(strategy, &database, &redis, &folder)?,
            Kind::AxumLogin | Kind::Limit | Kind::BareHash => {
                programs::start(kind, strategy, &database, &redis, &folder)?
            }
        };
        cpu::settle(&[process.id()]).await?;
        let idle = Memory::of(process.id())?;
        let lines = process.lines().all();
        let credentials = match lines.iter().find_map(|line| line.strip_prefix("credentials ")) {
            Some(header) => header.to_owned(),
            None => {
                let token = users::register_and_log_in(&process.address, strategy).await?;
                format!("authorization: Bearer {token}")
            }
        };
        if deployment.store == Store::Postgres && kind != Kind::AxumLogin {
            users::add_others(&database).await?;
        }
        Ok(Self { kind, process, credentials, idle })
    }

    /// Such as `http://127.0.0.1:40123`.
    pub fn address(&self) -> &str {
        &self.process.address
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}
