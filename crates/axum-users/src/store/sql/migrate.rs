//! Creates what is missing and adopts what fastapi-users made, in one transaction.
//!
//! Two things are kept apart. The library's own tables and indexes follow numbered migrations, recorded with a
//! checksum. The columns of the profile belong to the application and change with it: each start adds the ones that
//! are missing.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{
    dialect::Dialect,
    driver::{Driver, DriverError, Transaction, Values},
    schema,
};
use crate::{
    BoxError, Profile,
    secret::digest,
    value::{ColumnType, Kind, Value},
};

/// How many offending rows an error lists.
const LISTED: i64 = 20;

/// Why a database cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// It cannot be opened.
    #[error("the database cannot be opened")]
    Open(#[source] BoxError),
    /// A statement failed.
    #[error("the database cannot be migrated")]
    Database(#[source] BoxError),
    /// Several users have one address in different case.
    #[error(
        "several users have the same e-mail address in different case; change or remove all but one of each, then \
         start again: {}", .0.join(", ")
    )]
    EmailsDifferOnlyInCase(Vec<String>),
    /// The ids in the table have another type.
    #[error("the table \"user\" has ids of type {found}, the configured profile has {expected}")]
    IdType {
        /// The declared type.
        found: String,
        /// The expected type.
        expected: &'static str,
    },
    /// The table holds users, and a new column may not be empty.
    #[error(
        "the column {0:?} is missing in the table \"user\", which holds users already, and it may not be NULL: make \
         the field optional, or add and fill the column yourself"
    )]
    ColumnNeedsValues(&'static str),
    /// A table of this name is not one of fastapi-users.
    #[error("the table \"{table}\" lacks the column {column:?}: it is not a table of fastapi-users")]
    ForeignTable {
        /// The table.
        table: &'static str,
        /// What it lacks.
        column: &'static str,
    },
    /// A migration was applied that this version does not know, or in another form.
    #[error("migration {0} in the database is not the one of this version: was it written by a newer one?")]
    Unknown(i64),
}

impl From<DriverError> for MigrationError {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Unique(index) => Self::Database(format!("unique index: {index}").into()),
            DriverError::ForeignKey => Self::Database("a foreign key is violated".into()),
            DriverError::Other(error) => Self::Database(error),
        }
    }
}

/// A change to the library's own tables.
struct Step {
    number: i64,
    name: &'static str,
    /// Beside the tables of the contract and the indexes.
    statements: Vec<String>,
}

/// The library's migrations, first to last.
fn steps(dialect: Dialect) -> [Step; 2] {
    [
        Step {
            number: 1,
            name: "users, tokens, revoked tokens",
            statements: vec![schema::create_revoked_token(dialect)],
        },
        Step {
            number: 2,
            name: "tokens that are over can be removed",
            statements: schema::add_token_expiry(dialect).into(),
        },
    ]
}

/// Brings the database up to this version. Nodes that start at once wait for one another: SQLite's transaction is
/// exclusive among writers, PostgreSQL has a lock for it.
pub(super) async fn run<P: Profile>(driver: &dyn Driver) -> Result<(), MigrationError> {
    let dialect = driver.dialect();
    let steps = steps(dialect);
    let mut database = Migration { dialect, transaction: driver.begin().await? };
    for sql in dialect.migration_lock() {
        database.execute(sql).await?;
    }
    database
        .execute(&format!(
            "CREATE TABLE IF NOT EXISTS axum_users_migration \
             (version INTEGER NOT NULL PRIMARY KEY, name VARCHAR NOT NULL, checksum VARCHAR(43) NOT NULL, \
             applied_at {} NOT NULL)",
            dialect.column_type(Kind::Timestamp)
        ))
        .await?;
    let applied = database
        .fetch(
            "SELECT version, checksum FROM axum_users_migration ORDER BY version",
            &[Kind::I64, Kind::Text],
        )
        .await?;
    for row in &applied {
        let [Value::Integer(version), Value::Text(checksum)] = row.as_slice() else { continue };
        let known = steps.iter().find(|step| step.number == *version);
        if known.is_none_or(|step| step.checksum() != *checksum) {
            return Err(MigrationError::Unknown(*version));
        }
    }
    database.tables::<P>(applied.is_empty()).await?;
    for step in steps.iter().skip(applied.len()) {
        database.apply(step).await?;
    }
    database.add_missing_columns::<P>().await?;
    Ok(database.transaction.commit().await?)
}

impl Step {
    fn checksum(&self) -> String {
        digest(&format!("{} {} {}", self.number, self.name, self.statements.join(";")))
    }
}

struct Migration {
    dialect: Dialect,
    transaction: Box<dyn Transaction>,
}

impl Migration {
    async fn execute(&mut self, sql: &str) -> Result<(), MigrationError> {
        self.transaction.execute(&Arc::from(sql), Vec::new()).await?;
        Ok(())
    }

    async fn fetch(&mut self, sql: &str, kinds: &[Kind]) -> Result<Vec<Values>, MigrationError> {
        Ok(self.transaction.fetch(&Arc::from(sql), Vec::new(), kinds).await?)
    }

    /// Creates the contract's tables, or checks that those that are there are the contract's.
    async fn tables<P: Profile>(&mut self, first_time: bool) -> Result<(), MigrationError> {
        let user = self.columns("user").await?;
        if user.is_empty() {
            self.execute(&schema::create_user::<P>(self.dialect)).await?;
        } else {
            check_table("user", &user, &super::statements::CORE.map(|(name, _)| name))?;
            let declared = user.iter().find(|(name, _)| name == "id").map(|(_, declared)| declared.as_str());
            let is_integer = declared.is_some_and(|declared| declared.to_uppercase().contains("INT"));
            let expected = self.dialect.column_type(P::Id::KIND);
            if is_integer != matches!(P::Id::KIND, Kind::I32 | Kind::I64) {
                let found = declared.unwrap_or_default().to_owned();
                return Err(MigrationError::IdType { found, expected });
            }
            if first_time {
                self.refuse_twins().await?;
            }
        }
        let accesstoken = self.columns("accesstoken").await?;
        if accesstoken.is_empty() {
            self.execute(&schema::create_accesstoken::<P>(self.dialect)).await
        } else {
            check_table("accesstoken", &accesstoken, &["token", "user_id", "created_at"])
        }
    }

    async fn apply(&mut self, step: &Step) -> Result<(), MigrationError> {
        for sql in step.statements.iter().map(String::as_str).chain(schema::INDEXES) {
            self.execute(sql).await?;
        }
        let mut marks = self.dialect.marks();
        let marks =
            [Kind::I64, Kind::Text, Kind::Text, Kind::Timestamp].map(|kind| marks.next(kind)).join(", ");
        let sql = format!(
            "INSERT INTO axum_users_migration (version, name, checksum, applied_at) VALUES ({marks})"
        );
        let values = vec![
            Value::Integer(step.number),
            Value::Text(step.name.to_owned()),
            Value::Text(step.checksum()),
            Value::Timestamp(OffsetDateTime::now_utc()),
        ];
        self.transaction.execute(&Arc::from(sql), values).await?;
        Ok(())
    }

    async fn add_missing_columns<P: Profile>(&mut self) -> Result<(), MigrationError> {
        let existing = self.columns("user").await?;
        for column in P::columns() {
            if existing.iter().any(|(name, _)| name.eq_ignore_ascii_case(column.name)) {
                continue;
            }
            if !column.nullable
                && !self.fetch("SELECT 1 FROM \"user\" LIMIT 1", &[Kind::I64]).await?.is_empty()
            {
                return Err(MigrationError::ColumnNeedsValues(column.name));
            }
            self.execute(&schema::add_column(self.dialect, column)).await?;
        }
        Ok(())
    }

    async fn refuse_twins(&mut self) -> Result<(), MigrationError> {
        let sql = format!(
            "SELECT email FROM \"user\" WHERE lower(email) IN \
             (SELECT lower(email) FROM \"user\" GROUP BY lower(email) HAVING count(*) > 1) \
             ORDER BY lower(email), email LIMIT {LISTED}"
        );
        let twins = self.fetch(&sql, &[Kind::Text]).await?;
        let emails = twins.into_iter().flatten().filter_map(|value| String::from_value(value).ok());
        let emails: Vec<String> = emails.collect();
        if emails.is_empty() { Ok(()) } else { Err(MigrationError::EmailsDifferOnlyInCase(emails)) }
    }

    /// Name and declared type of a table's columns; none when there is no such table.
    async fn columns(&mut self, table: &str) -> Result<Vec<(String, String)>, MigrationError> {
        let rows = self.fetch(&self.dialect.columns_of(table), &[Kind::Text, Kind::Text]).await?;
        let pair = |row: Values| match <[Value; 2]>::try_from(row) {
            Ok([Value::Text(name), Value::Text(declared)]) => Some((name, declared)),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(pair).collect())
    }
}

fn check_table(
    table: &'static str,
    columns: &[(String, String)],
    needed: &[&'static str],
) -> Result<(), MigrationError> {
    let missing = needed.iter().find(|needed| !columns.iter().any(|(name, _)| name == **needed));
    missing.map_or(Ok(()), |column| Err(MigrationError::ForeignTable { table, column }))
}
