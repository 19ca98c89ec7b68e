use crate::BoxError;

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
    /// Several users, or one several times, have the same account at a provider.
    #[error(
        "several rows have the same account at a provider, which opens one user only; remove all but one of each, then \
         start again: {}", .0.join(", ")
    )]
    SharedAccounts(Vec<String>),
    /// The ids in the table have another type.
    #[error("the users have ids of type {found}, the configured profile has {expected}")]
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
