//! Where users and tokens are kept: everything that gets to a database runs on each of these.

use anyhow::Context;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum System {
    Sqlite,
    Postgres,
    Mariadb,
    Mongodb,
    /// Session tokens in Redis, users in SQLite.
    Redis,
}

impl System {
    pub(crate) const ALL: [Self; 5] =
        [Self::Sqlite, Self::Postgres, Self::Mariadb, Self::Mongodb, Self::Redis];

    /// Those with tables, whose ids are UUIDs or integers.
    pub(crate) const fn is_sql(self) -> bool {
        matches!(self, Self::Sqlite | Self::Postgres | Self::Mariadb)
    }

    /// Whether it is one that keeps users.
    pub(crate) const fn keeps_users(self) -> bool {
        !matches!(self, Self::Redis)
    }

    /// What trials on it are called after.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
            Self::Mongodb => "mongodb",
            Self::Redis => "redis",
        }
    }
}

/// The addresses of the database servers, as `scripts/with-services` tells them.
pub(crate) struct Services {
    pub(super) postgres: String,
    pub(super) mariadb: String,
    pub(super) mongodb: String,
    pub(super) redis: String,
}

impl Services {
    /// Fails if one of them is not there.
    pub(crate) fn from_environment() -> anyhow::Result<Self> {
        let address = |variable: &str| {
            std::env::var(variable).with_context(|| {
                format!(
                    "{variable} is not set: run scripts/test, or put scripts/with-services before the command"
                )
            })
        };
        Ok(Self {
            postgres: address("TEST_POSTGRES")?,
            mariadb: address("TEST_MARIADB")?,
            mongodb: address("TEST_MONGODB")?,
            redis: address("TEST_REDIS")?,
        })
    }
}
