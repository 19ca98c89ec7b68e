//! The tables: those of fastapi-users, and what is ours beside them.

use super::{
    dialect::Dialect,
    statements::{CORE, quote},
};
use crate::{
    Profile, UserId,
    value::{Column, Kind},
};

fn id_column<P: Profile>(dialect: Dialect) -> String {
    match P::Id::kind() {
        Kind::I32 | Kind::I64 => format!("id {}", dialect.assigned_id()),
        kind => format!("id {} NOT NULL PRIMARY KEY", dialect.id_type(kind)),
    }
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
    format!("CREATE TABLE \"user\" ({}){}", columns.join(", "), dialect.table_options())
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

/// `id_type` is what the ids of the users have been declared as.
pub(super) fn create_accesstoken(dialect: Dialect, id_type: &str) -> String {
    format!(
        "CREATE TABLE accesstoken (user_id {id_type} NOT NULL, token VARCHAR(43) NOT NULL PRIMARY KEY, \
         created_at {} NOT NULL, FOREIGN KEY (user_id) REFERENCES \"user\" (id) ON DELETE CASCADE){}",
        dialect.column_type(Kind::Timestamp),
        dialect.table_options()
    )
}

/// `id_type` is what the ids of the users have been declared as. Tokens of providers may be whole documents.
pub(super) fn create_oauth_account<P: Profile>(dialect: Dialect, id_type: &str) -> String {
    let text = dialect.long_text();
    format!(
        "CREATE TABLE oauth_account ({}, user_id {id_type} NOT NULL, oauth_name VARCHAR(100) NOT NULL, \
         access_token {text} NOT NULL, expires_at BIGINT, refresh_token {text}, account_id VARCHAR(320) NOT NULL, \
         account_email VARCHAR(320) NOT NULL, FOREIGN KEY (user_id) REFERENCES \"user\" (id) ON DELETE CASCADE){}",
        id_column::<P>(dialect),
        dialect.table_options()
    )
}

pub(super) fn create_revoked_token(dialect: Dialect) -> String {
    format!(
        "CREATE TABLE revoked_token (digest VARCHAR(43) NOT NULL PRIMARY KEY, expires_at {} NOT NULL){}",
        dialect.column_type(Kind::Timestamp),
        dialect.table_options()
    )
}

/// Named so that no table of an application is taken for it.
pub(super) fn create_job(dialect: Dialect) -> String {
    let [id, json, moment] = [Kind::Uuid, Kind::Json, Kind::Timestamp].map(|kind| dialect.column_type(kind));
    format!(
        "CREATE TABLE axum_users_job (id {id} NOT NULL PRIMARY KEY, kind VARCHAR(50) NOT NULL, payload {json} NOT NULL, \
         unique_key VARCHAR(43), attempts INTEGER NOT NULL, due_at {moment}, lease {id}, died_at {moment}, \
         reason VARCHAR(500)){}",
        dialect.table_options()
    )
}

/// Named so that no table of an application is taken for it. The user may be gone: there is no foreign key.
pub(super) fn create_event(dialect: Dialect) -> String {
    let [id, moment] = [Kind::Uuid, Kind::Timestamp].map(|kind| dialect.column_type(kind));
    format!(
        "CREATE TABLE axum_users_event (id {id} NOT NULL PRIMARY KEY, happened_at {moment} NOT NULL, \
         act VARCHAR(50) NOT NULL, user_id VARCHAR(255), actor_id VARCHAR(255), via VARCHAR(100), reason VARCHAR(50), \
         changes VARCHAR(200), address VARCHAR(45), user_agent VARCHAR(200), identifier VARCHAR(43)){}",
        dialect.table_options()
    )
}

/// All figures are microseconds but the counts, `free` and `tries`.
pub(super) fn create_limit(dialect: Dialect) -> String {
    let figures =
        ["step", "slack", "free", "longest", "memory", "used_until", "tries", "over_at", "admitted"];
    let figures = figures.map(|name| format!("{name} BIGINT NOT NULL")).join(", ");
    format!(
        "CREATE TABLE axum_users_limit (id VARCHAR(43) NOT NULL PRIMARY KEY, {figures}){}",
        dialect.table_options()
    )
}

/// Where it is recorded which migrations have been applied.
pub(super) fn create_migration(dialect: Dialect) -> String {
    format!(
        "CREATE TABLE axum_users_migration (version INTEGER NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, \
         checksum VARCHAR(43) NOT NULL, applied_at {} NOT NULL){}",
        dialect.column_type(Kind::Timestamp),
        dialect.table_options()
    )
}

/// The folded address as a column that the database keeps up to date, whoever writes; for MySQL.
pub(super) fn add_email_key(dialect: Dialect) -> String {
    format!(
        "ALTER TABLE \"user\" ADD COLUMN email_key VARBINARY(1280) GENERATED ALWAYS AS ({}) STORED",
        dialect.folded("email")
    )
}

/// Without a value, as in the rows of fastapi-users, a token is kept for ever.
pub(super) fn add_token_expiry(dialect: Dialect) -> String {
    format!("ALTER TABLE accesstoken ADD COLUMN expires_at {}", dialect.column_type(Kind::Timestamp))
}

/// Gives a column of a table that fastapi-users made the type that it has in ours; for what does not fit otherwise.
pub(super) fn widen(dialect: Dialect, column: &str, declared: &str, null: &str) -> String {
    match dialect {
        Dialect::Mysql => format!("ALTER TABLE oauth_account MODIFY {column} {declared}{null}"),
        Dialect::Sqlite | Dialect::Postgres => {
            format!("ALTER TABLE oauth_account ALTER COLUMN {column} TYPE {declared}")
        }
    }
}

pub(super) fn create_index(name: &str, on: &str) -> String {
    format!("CREATE INDEX {name} ON {on}")
}

pub(super) fn create_unique_index(name: &str, on: &str) -> String {
    format!("CREATE UNIQUE INDEX {name} ON {on}")
}
