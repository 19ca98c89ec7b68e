//! The seam between SQL and a database driver: statements and neutral values in, neutral values out.

use std::sync::Arc;

use super::dialect::Dialect;
use crate::{
    BoxError, BoxFuture, MigrationError, StoreError,
    value::{ColumnError, Kind, Value},
};

/// The values of one row, in the order of the columns asked for.
pub(super) type Values = Vec<Value>;

type Answer<'a, T> = BoxFuture<'a, Result<T, DriverError>>;

/// A database.
pub(super) trait Driver: Send + Sync {
    /// What its statements are written in.
    fn dialect(&self) -> Dialect;
    /// Reads rows with columns of these kinds.
    fn fetch<'a>(&'a self, sql: &'a Arc<str>, values: Values, kinds: &'a [Kind]) -> Answer<'a, Vec<Values>>;
    /// Reads the one row of a key, if there is one, by a statement of the store's own. Such reads are short: they may share a
    /// connection, or be done by the thread that asks.
    fn find<'a>(
        &'a self,
        sql: &'a Arc<str>,
        values: Values,
        kinds: &'a [Kind],
    ) -> Answer<'a, Option<Values>> {
        Box::pin(async move { Ok(self.fetch(sql, values, kinds).await?.into_iter().next()) })
    }
    /// Writes; tells how many rows.
    fn execute<'a>(&'a self, sql: &'a Arc<str>, values: Values) -> Answer<'a, u64>;
    /// Begins a transaction that writes. Dropping it rolls it back.
    fn begin(&self) -> Answer<'_, Box<dyn Transaction>>;
}

/// A transaction.
pub(super) trait Transaction: Send {
    fn fetch<'a>(
        &'a mut self,
        sql: &'a Arc<str>,
        values: Values,
        kinds: &'a [Kind],
    ) -> Answer<'a, Vec<Values>>;
    fn execute<'a>(&'a mut self, sql: &'a Arc<str>, values: Values) -> Answer<'a, u64>;
    fn commit(self: Box<Self>) -> Answer<'static, ()>;
}

/// What a statement can fail with.
#[derive(Debug)]
pub(super) enum DriverError {
    /// A unique index refused the row; the text names the index or its columns.
    Unique(String),
    /// A foreign key refused the row: there is no such user.
    ForeignKey,
    /// Given up for another transaction's sake, or because of what the connection has kept; the same may come through the next time.
    Conflict(BoxError),
    /// A stored value has another type than its column.
    Column(ColumnError),
    /// Anything else.
    Other(BoxError),
}

impl From<DriverError> for StoreError {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Unique(index) if index.contains("email") => Self::Duplicate,
            DriverError::Unique(index) if index.contains("oauth_account") => Self::AccountTaken,
            DriverError::Unique(index) => Self::Backend(format!("unique index {index}").into()),
            DriverError::ForeignKey => Self::NoSuchUser,
            DriverError::Column(error) => Self::Column(error),
            DriverError::Conflict(error) | DriverError::Other(error) => Self::Backend(error),
        }
    }
}

impl From<DriverError> for MigrationError {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Unique(index) => Self::Database(format!("unique index: {index}").into()),
            DriverError::ForeignKey => Self::Database("a foreign key is violated".into()),
            DriverError::Column(error) => Self::Database(error.into()),
            DriverError::Conflict(error) | DriverError::Other(error) => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for DriverError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else { return Self::Other(error.into()) };
        if database.is_unique_violation() {
            // MySQL names the value first, which may be anybody's.
            let message = database.message();
            return Self::Unique(message.rsplit(" for key ").next().unwrap_or(message).to_owned());
        }
        if database.is_foreign_key_violation() {
            return Self::ForeignKey;
        }
        // What the database tells beside its message is left out: of a row that it refuses PostgreSQL tells every value.
        let code = database.code().unwrap_or_default();
        let told = format!("the database refuses with {code}: {}", database.message()).into();
        // Serialisation failure, and PostgreSQL's deadlock and statement that must be prepared anew.
        match &*code {
            "40001" | "40P01" | "0A000" => Self::Conflict(told),
            _ => Self::Other(told),
        }
    }
}

impl From<ColumnError> for DriverError {
    fn from(error: ColumnError) -> Self {
        Self::Column(error)
    }
}

pub(super) fn other(error: impl std::error::Error + Send + Sync + 'static) -> DriverError {
    DriverError::Other(error.into())
}
