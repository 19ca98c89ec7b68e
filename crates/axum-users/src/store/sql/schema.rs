//! The tables: those of fastapi-users, and what is ours beside them.

use super::{
    dialect::Dialect,
    statements::{CORE, quote},
};
use crate::{
    Profile,
    value::{Column, ColumnType, Kind},
};

fn id_column<P: Profile>(dialect: Dialect) -> String {
    match P::Id::KIND {
        Kind::I32 | Kind::I64 => format!("id {}", dialect.assigned_id()),
        kind => format!("id {} NOT NULL PRIMARY KEY", dialect.column_type(kind)),
    }
}

/// A foreign key to a user.
fn user_id_column<P: Profile>(dialect: Dialect) -> String {
    let kind = match P::Id::KIND {
        Kind::I32 | Kind::I64 => "INTEGER",
        kind => dialect.column_type(kind),
    };
    format!("user_id {kind} NOT NULL REFERENCES \"user\" (id) ON DELETE CASCADE")
}

pub(super) fn create_user<P: Profile>(dialect: Dialect) -> String {
    let mut columns = vec![id_column::<P>(dialect)];
    for (name, kind) in CORE.iter().skip(1) {
        let declared = match *name {
            "email" => "VARCHAR(320)",
            "hashed_password" => "VARCHAR(1024)",
            _ => dialect.column_type(*kind),
        };
        columns.push(format!("{name} {declared} NOT NULL"));
    }
    columns.extend(P::columns().iter().map(|column| profile_column(dialect, column)));
    format!("CREATE TABLE \"user\" ({})", columns.join(", "))
}

fn profile_column(dialect: Dialect, column: &Column) -> String {
    let null = if column.nullable { "" } else { " NOT NULL" };
    format!("{} {}{null}", quote(column.name), dialect.column_type(column.kind))
}

/// Adds a column of the profile; to a table without rows if it may not be `NULL`.
pub(super) fn add_column(dialect: Dialect, column: &Column) -> String {
    let default = match column.kind {
        _ if column.nullable || !dialect.new_columns_need_defaults() => "",
        Kind::Bool | Kind::I32 | Kind::I64 | Kind::Float => " DEFAULT 0",
        _ => " DEFAULT ''",
    };
    format!("ALTER TABLE \"user\" ADD COLUMN {}{default}", profile_column(dialect, column))
}

pub(super) fn create_accesstoken<P: Profile>(dialect: Dialect) -> String {
    format!(
        "CREATE TABLE accesstoken ({}, token VARCHAR(43) NOT NULL PRIMARY KEY, created_at {} NOT NULL)",
        user_id_column::<P>(dialect),
        dialect.column_type(Kind::Timestamp)
    )
}

pub(super) fn create_revoked_token(dialect: Dialect) -> String {
    format!(
        "CREATE TABLE revoked_token (digest VARCHAR(43) NOT NULL PRIMARY KEY, expires_at {} NOT NULL)",
        dialect.column_type(Kind::Timestamp)
    )
}

/// Where it is recorded which migrations have been applied.
pub(super) fn create_migration(dialect: Dialect) -> String {
    format!(
        "CREATE TABLE axum_users_migration (version INTEGER NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, \
         checksum VARCHAR(43) NOT NULL, applied_at {} NOT NULL)",
        dialect.column_type(Kind::Timestamp)
    )
}

/// Without a value, as in the rows of fastapi-users, a token is kept for ever.
pub(super) fn add_token_expiry(dialect: Dialect) -> String {
    format!("ALTER TABLE accesstoken ADD COLUMN expires_at {}", dialect.column_type(Kind::Timestamp))
}

pub(super) fn create_index(name: &str, on: &str) -> String {
    format!("CREATE INDEX {name} ON {on}")
}

pub(super) fn create_unique_index(name: &str, on: &str) -> String {
    format!("CREATE UNIQUE INDEX {name} ON {on}")
}
