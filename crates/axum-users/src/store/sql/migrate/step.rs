//! The library's migrations: numbered, and recorded in the database with a checksum.

use super::{
    super::{dialect::Dialect, schema},
    existing::Existing,
};
use crate::secret::digest;

/// A change to the library's own tables.
pub(super) struct Step {
    pub(super) number: i64,
    pub(super) name: &'static str,
    pub(super) actions: Vec<Action>,
}

/// One statement, and what it makes: what is there already is not made again. A node may die half-way where statements
/// of this kind cannot be taken back, and another program may have made the same.
pub(super) struct Action {
    pub(super) makes: Makes,
    pub(super) sql: String,
}

pub(super) enum Makes {
    Table(&'static str),
    Column(&'static str, &'static str),
    Index(&'static str),
    /// A column of this type, if the table is there already: a new one has it.
    Type(&'static str, &'static str, &'static str),
}

impl Action {
    pub(super) fn is_done(&self, existing: &Existing) -> bool {
        match self.makes {
            Makes::Table(table) => existing.has_table(table),
            Makes::Column(table, column) => existing.has_column(table, column),
            Makes::Index(name) => existing.has_index(name),
            Makes::Type(table, column, declared) => existing
                .declared(table, column)
                .is_none_or(|found| found.to_uppercase().starts_with(declared)),
        }
    }
}

impl Step {
    pub(super) fn checksum(&self) -> String {
        let statements: Vec<&str> = self.actions.iter().map(|action| action.sql.as_str()).collect();
        digest(&format!("{} {} {}", self.number, self.name, statements.join(";")))
    }
}

/// The library's migrations, first to last. One that has been released never changes.
pub(super) fn steps(dialect: Dialect) -> [Step; 6] {
    [
        Step { number: 1, name: "users, tokens, revoked tokens", actions: users_and_tokens(dialect) },
        Step {
            number: 2,
            name: "tokens that are over can be removed",
            actions: vec![
                column("accesstoken", "expires_at", schema::add_token_expiry(dialect)),
                index("ix_accesstoken_expires_at", "accesstoken (expires_at)"),
            ],
        },
        Step { number: 3, name: "accounts at providers", actions: accounts(dialect) },
        Step { number: 4, name: "jobs", actions: jobs(dialect) },
        Step { number: 5, name: "audit events", actions: events(dialect) },
        Step { number: 6, name: "limits", actions: limits(dialect) },
    ]
}

fn users_and_tokens(dialect: Dialect) -> Vec<Action> {
    let mut actions =
        vec![Action { makes: Makes::Table("revoked_token"), sql: schema::create_revoked_token(dialect) }];
    if dialect == Dialect::Mysql {
        actions.push(column("user", "email_key", schema::add_email_key(dialect)));
    }
    actions.extend([
        // The contract's; the second one decides that no two users have the same address in different case, whoever
        // writes.
        unique("ix_user_email", "\"user\" (email)"),
        unique("ix_user_email_lower", &format!("\"user\" ({})", dialect.email_key())),
        index("ix_accesstoken_created_at", "accesstoken (created_at)"),
        index("ix_accesstoken_user_id", "accesstoken (user_id)"),
        index("ix_revoked_token_expires_at", "revoked_token (expires_at)"),
    ]);
    actions
}

fn accounts(dialect: Dialect) -> Vec<Action> {
    let mut actions = Vec::new();
    if dialect != Dialect::Sqlite {
        let wider = [
            ("access_token", dialect.long_text(), " NOT NULL"),
            ("refresh_token", dialect.long_text(), ""),
            ("expires_at", "BIGINT", ""),
        ];
        actions.extend(wider.map(|(column, declared, null)| Action {
            makes: Makes::Type("oauth_account", column, declared),
            sql: schema::widen(dialect, column, declared, null),
        }));
    }
    actions.extend([
        // The contract's two; the last one decides that an account opens one user only.
        index("ix_oauth_account_oauth_name", "oauth_account (oauth_name)"),
        index("ix_oauth_account_account_id", "oauth_account (account_id)"),
        index("ix_oauth_account_user_id", "oauth_account (user_id)"),
        unique("ix_oauth_account_owner", "oauth_account (oauth_name, account_id)"),
    ]);
    actions
}

fn jobs(dialect: Dialect) -> Vec<Action> {
    vec![
        Action { makes: Makes::Table("axum_users_job"), sql: schema::create_job(dialect) },
        // NULLs do not count as equal: a job without a key is like no other.
        unique("ix_axum_users_job_unique_key", "axum_users_job (unique_key)"),
        index("ix_axum_users_job_due_at", "axum_users_job (due_at)"),
        index("ix_axum_users_job_lease", "axum_users_job (lease)"),
        index("ix_axum_users_job_died_at", "axum_users_job (died_at)"),
    ]
}

/// The primary key serves for times.
fn events(dialect: Dialect) -> Vec<Action> {
    vec![
        Action { makes: Makes::Table("axum_users_event"), sql: schema::create_event(dialect) },
        index("ix_axum_users_event_user_id", "axum_users_event (user_id, id)"),
        index("ix_axum_users_event_identifier", "axum_users_event (identifier, id)"),
        index("ix_axum_users_event_act", "axum_users_event (act, id)"),
    ]
}

fn limits(dialect: Dialect) -> Vec<Action> {
    vec![
        Action { makes: Makes::Table("axum_users_limit"), sql: schema::create_limit(dialect) },
        index("ix_axum_users_limit_over_at", "axum_users_limit (over_at)"),
    ]
}

fn column(table: &'static str, column: &'static str, sql: String) -> Action {
    Action { makes: Makes::Column(table, column), sql }
}

fn index(name: &'static str, on: &str) -> Action {
    Action { makes: Makes::Index(name), sql: schema::create_index(name, on) }
}

fn unique(name: &'static str, on: &str) -> Action {
    Action { makes: Makes::Index(name), sql: schema::create_unique_index(name, on) }
}
