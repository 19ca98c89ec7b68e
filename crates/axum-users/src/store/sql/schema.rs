//! The tables: those of fastapi-users, and what is ours beside them.

use super::statements::{CORE, quote};
use crate::{
    Profile,
    value::{Column, ColumnType, Kind},
};

/// The column type of a kind, as SQLAlchemy declares it.
pub(super) const fn column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "BOOLEAN",
        Kind::I32 => "INTEGER",
        Kind::I64 => "BIGINT",
        Kind::Float => "FLOAT",
        Kind::Text => "VARCHAR",
        Kind::Bytes => "BLOB",
        Kind::Uuid => "CHAR(36)",
        Kind::Date => "DATE",
        Kind::Timestamp => "TIMESTAMP",
        Kind::Json => "JSON",
    }
}

/// The id column. Integers are assigned by the database and never used again after a delete (security rule OAK-5).
fn id_column<P: Profile>() -> String {
    match P::Id::KIND {
        Kind::I32 | Kind::I64 => "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT".to_owned(),
        kind => format!("id {} NOT NULL PRIMARY KEY", column_type(kind)),
    }
}

/// A foreign key to a user.
fn user_id_column<P: Profile>() -> String {
    let kind = match P::Id::KIND {
        Kind::I32 | Kind::I64 => "INTEGER",
        kind => column_type(kind),
    };
    format!("user_id {kind} NOT NULL REFERENCES \"user\" (id) ON DELETE CASCADE")
}

pub(super) fn create_user<P: Profile>() -> String {
    let mut columns = vec![id_column::<P>()];
    for (name, kind) in CORE.iter().skip(1) {
        let declared = match *name {
            "email" => "VARCHAR(320)",
            "hashed_password" => "VARCHAR(1024)",
            _ => column_type(*kind),
        };
        columns.push(format!("{name} {declared} NOT NULL"));
    }
    columns.extend(P::columns().iter().map(profile_column));
    format!("CREATE TABLE \"user\" ({})", columns.join(", "))
}

fn profile_column(column: &Column) -> String {
    let null = if column.nullable { "" } else { " NOT NULL" };
    format!("{} {}{null}", quote(column.name), column_type(column.kind))
}

/// Adds a column of the profile to a table without rows; SQLite wants a default for columns that may not be `NULL`.
pub(super) fn add_column(column: &Column) -> String {
    let default = match column.kind {
        _ if column.nullable => "",
        Kind::Bool | Kind::I32 | Kind::I64 | Kind::Float => " DEFAULT 0",
        _ => " DEFAULT ''",
    };
    format!("ALTER TABLE \"user\" ADD COLUMN {}{default}", profile_column(column))
}

pub(super) fn create_accesstoken<P: Profile>() -> String {
    format!(
        "CREATE TABLE accesstoken ({}, token VARCHAR(43) NOT NULL PRIMARY KEY, created_at TIMESTAMP NOT NULL)",
        user_id_column::<P>()
    )
}

pub(super) const CREATE_REVOKED_TOKEN: &str = "CREATE TABLE IF NOT EXISTS revoked_token (digest VARCHAR(43) NOT NULL PRIMARY KEY, expires_at TIMESTAMP NOT NULL)";

/// `ix_user_email` is the contract's; the second one decides that no two users have the same address in different
/// case, whoever writes.
pub(super) const INDEXES: [&str; 5] = [
    "CREATE UNIQUE INDEX IF NOT EXISTS ix_user_email ON \"user\" (email)",
    "CREATE UNIQUE INDEX IF NOT EXISTS ix_user_email_lower ON \"user\" (lower(email))",
    "CREATE INDEX IF NOT EXISTS ix_accesstoken_created_at ON accesstoken (created_at)",
    "CREATE INDEX IF NOT EXISTS ix_accesstoken_user_id ON accesstoken (user_id)",
    "CREATE INDEX IF NOT EXISTS ix_revoked_token_expires_at ON revoked_token (expires_at)",
];
