//! One store for SQL databases. The statements and the neutral values meet the driver at one small seam
//! ([`driver`]).

mod audit;
mod dialect;
mod driver;
mod jobs;
mod limits;
mod many;
mod migrate;
#[cfg(feature = "mysql")]
mod mysql;
mod oauth;
mod options;
#[cfg(feature = "postgres")]
mod postgres;
mod retry;
mod sample;
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod text;
mod tokens;
mod users;

use std::sync::Arc;

#[cfg(feature = "mysql")]
use self::mysql::MysqlDriver;
#[cfg(feature = "postgres")]
use self::postgres::PostgresDriver;
#[cfg(feature = "sqlite")]
use self::sqlite::SqliteDriver;
use self::{
    driver::{Driver, Values},
    statements::Statements,
};
use super::{MigrationError, StoreError};
use crate::{
    NoProfile, Profile,
    user::User,
    value::{ColumnError, ColumnType, Row, Value},
};
pub use options::SqlOptions;

/// Keeps users, tokens, jobs, audit events and limits in an SQL database, SQLite, PostgreSQL, MySQL or MariaDB, with the tables of fastapi-users.
///
/// Opening creates what is missing, in versioned migrations, and adopts a database that fastapi-users made: it adds,
/// and never drops or rewrites. Cloning shares the connections.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use axum_users::{NoProfile, SqlStore};
///
/// let store = SqlStore::<NoProfile>::open("sqlite::memory:").await?;
/// # Ok(()) }
/// ```
pub struct SqlStore<P: Profile = NoProfile> {
    driver: Arc<dyn Driver>,
    statements: Arc<Statements>,
    profile: std::marker::PhantomData<fn() -> P>,
}

/// What the URL of a database may start with.
const SCHEMES: &[&str] = &[
    #[cfg(feature = "sqlite")]
    "`sqlite:`",
    #[cfg(feature = "postgres")]
    "`postgres://`",
    #[cfg(feature = "mysql")]
    "`mysql://`",
];

async fn connect(url: &str, options: &SqlOptions) -> Result<Arc<dyn Driver>, MigrationError> {
    options.check().map_err(MigrationError::Open)?;
    Ok(match url.split_once(':').map(|(scheme, _)| scheme) {
        #[cfg(feature = "sqlite")]
        Some("sqlite") => Arc::new(SqliteDriver::open(url, options).await.map_err(MigrationError::Open)?),
        #[cfg(feature = "postgres")]
        Some("postgres" | "postgresql") => {
            Arc::new(PostgresDriver::open(url, options).await.map_err(MigrationError::Open)?)
        }
        #[cfg(feature = "mysql")]
        Some("mysql" | "mariadb") => {
            Arc::new(MysqlDriver::open(url, options).await.map_err(MigrationError::Open)?)
        }
        _ => {
            let schemes = SCHEMES.join(" or ");
            let error = format!("the URL of the database must start with {schemes}");
            return Err(MigrationError::Open(error.into()));
        }
    })
}

impl<P: Profile> SqlStore<P> {
    /// Opens the database of a URL like `sqlite:users.db`, a file that is created if there is none,
    /// `postgres://name:password@host/database`, or `mysql://` for MySQL 8 and MariaDB. TLS to a server is as the URL's
    /// `sslmode` or `ssl-mode` says; the pool and the time limits are those of [`SqlOptions::new`].
    ///
    /// # Errors
    /// [`MigrationError`], when the database cannot be opened, or holds what this version cannot adopt; the message
    /// says what to do.
    pub async fn open(url: &str) -> Result<Self, MigrationError> {
        Self::open_with(url, &SqlOptions::new()).await
    }

    /// Does what [`open`](Self::open) does, with another pool and other time limits.
    ///
    /// # Errors
    /// As for `open`, and when an option is out of its range.
    pub async fn open_with(url: &str, options: &SqlOptions) -> Result<Self, MigrationError> {
        Self::with_driver(connect(url, options).await?).await
    }

    /// Does what [`open_with`](Self::open_with) does to the database, and tells by which statements.
    ///
    /// # Errors
    /// As for `open_with`.
    pub async fn migrate(url: &str, options: &SqlOptions) -> Result<Vec<String>, MigrationError> {
        migrate::run::<P>(&*connect(url, options).await?).await
    }

    /// The statements by which [`open_with`](Self::open_with) would bring this database up to date; none when it is.
    /// Nothing is changed; an SQLite file that does not exist is taken for an empty one.
    ///
    /// # Errors
    /// What `open_with` would refuse.
    pub async fn plan(url: &str, options: &SqlOptions) -> Result<Vec<String>, MigrationError> {
        #[cfg(feature = "sqlite")]
        if url.starts_with("sqlite:") {
            options.check().map_err(MigrationError::Open)?;
            let driver = SqliteDriver::open_to_read(url, options).await.map_err(MigrationError::Open)?;
            return migrate::plan::<P>(&driver).await;
        }
        migrate::plan::<P>(&*connect(url, options).await?).await
    }

    /// Works on a connection pool of the application. Its connections should have foreign keys on, a busy timeout,
    /// and the write-ahead log. A `before_acquire` should refuse those with `is_in_transaction`: sqlx does not notice that
    /// SQLite takes a transaction back by itself when the disk is full.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    #[cfg(feature = "sqlite")]
    pub async fn from_pool(pool: sqlx::SqlitePool) -> Result<Self, MigrationError> {
        Self::with_driver(Arc::new(SqliteDriver::shared(pool))).await
    }

    /// Works on a connection pool of the application, in the first schema of its search path. Its connections should
    /// have a statement timeout.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    #[cfg(feature = "postgres")]
    pub async fn from_postgres_pool(pool: sqlx::PgPool) -> Result<Self, MigrationError> {
        Self::with_driver(Arc::new(PostgresDriver::shared(pool))).await
    }

    /// Works on a connection pool of the application, in its database. Its connections should have a statement timeout,
    /// strict mode and, if fastapi-users made the tables, its time zone: by default the server's, where sqlx takes UTC.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    #[cfg(feature = "mysql")]
    pub async fn from_mysql_pool(pool: sqlx::MySqlPool) -> Result<Self, MigrationError> {
        Self::with_driver(Arc::new(MysqlDriver::shared(pool))).await
    }

    async fn with_driver(driver: Arc<dyn Driver>) -> Result<Self, MigrationError> {
        migrate::run::<P>(&*driver).await?;
        let statements = Arc::new(Statements::new::<P>(driver.dialect()));
        Ok(Self { driver, statements, profile: std::marker::PhantomData })
    }

    async fn fetch_user(&self, sql: &Arc<str>, values: Values) -> Result<Option<User<P>>, StoreError> {
        let row = self.driver.find(sql, values, &self.statements.kinds).await?;
        row.map(user).transpose().map_err(StoreError::from)
    }
}

impl<P: Profile> Clone for SqlStore<P> {
    fn clone(&self) -> Self {
        Self {
            driver: Arc::clone(&self.driver),
            statements: Arc::clone(&self.statements),
            profile: std::marker::PhantomData,
        }
    }
}

impl<P: Profile> std::fmt::Debug for SqlStore<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlStore").finish_non_exhaustive()
    }
}

/// Reads a user from the columns of [`statements::CORE`] and those of the profile.
fn user<P: Profile>(values: Values) -> Result<User<P>, ColumnError> {
    User::from_row(&mut Row::new(values))
}

fn id<P: Profile>(id: &P::Id) -> Value {
    id.clone().into_value()
}
