//! The SQL of accounts at providers.

use std::sync::Arc;

use crate::{Profile, UserId, store::sql::dialect::Dialect, value::Kind};

/// What is read of an account, and what is written behind its ids.
pub(super) const COLUMNS: [(&str, Kind); 6] = [
    ("oauth_name", Kind::Text),
    ("account_id", Kind::Text),
    ("account_email", Kind::Text),
    ("access_token", Kind::Text),
    ("expires_at", Kind::I64),
    ("refresh_token", Kind::Text),
];

pub(in crate::store::sql) struct AccountStatements {
    pub(super) find_user: Arc<str>,
    pub(super) list: Arc<str>,
    pub(super) insert: Arc<str>,
    pub(super) owner: Arc<str>,
    pub(super) insert_without_id: Arc<str>,
    pub(super) renew: Arc<str>,
    pub(super) lock_user: Arc<str>,
    pub(super) remove: Arc<str>,
    pub(in crate::store::sql) remove_all: Arc<str>,
}

impl AccountStatements {
    /// `of_user` are the columns of a user called `u`.
    pub(in crate::store::sql) fn new<P: Profile>(dialect: Dialect, of_user: &str) -> Self {
        use Kind::{I64, Text};
        let filled =
            |template: &str, kinds: &[Kind]| -> Arc<str> { dialect.statement(template, kinds).into() };
        let id = P::Id::kind();
        let exact = |prefix: &str| {
            let [name, account] =
                ["oauth_name", "account_id"].map(|column| dialect.matches(&format!("{prefix}{column}")));
            format!("{name} AND {account}")
        };
        let exact_kinds = vec![Text; 2 * dialect.times_bound()];
        let names = COLUMNS.map(|(name, _)| name).join(", ");
        let insert = |ids: &[&str]| {
            let mut kinds = vec![id; ids.len()];
            kinds.extend(COLUMNS.map(|(_, kind)| kind));
            let marks = vec!["?"; kinds.len()].join(", ");
            filled(
                &format!("INSERT INTO oauth_account ({}, {names}) VALUES ({marks})", ids.join(", ")),
                &kinds,
            )
        };
        Self {
            find_user: filled(
                &format!(
                    "SELECT {of_user} FROM oauth_account a JOIN \"user\" u ON u.id = a.user_id WHERE {}",
                    exact("a.")
                ),
                &exact_kinds,
            ),
            owner: filled(&format!("SELECT user_id FROM oauth_account WHERE {}", exact("")), &exact_kinds),
            list: filled(&format!("SELECT {names} FROM oauth_account WHERE user_id = ?"), &[id]),
            insert: insert(&["id", "user_id"]),
            insert_without_id: insert(&["user_id"]),
            renew: filled(
                &format!(
                    "UPDATE oauth_account SET account_email = ?, access_token = ?, expires_at = ?, refresh_token = ? \
                     WHERE user_id = ? AND {}",
                    exact("")
                ),
                &[&[Text, Text, I64, Text, id], exact_kinds.as_slice()].concat(),
            ),
            lock_user: filled("UPDATE \"user\" SET id = id WHERE id = ?", &[id]),
            remove: filled(
                &format!("DELETE FROM oauth_account WHERE user_id = ? AND {}", exact("")),
                &[&[id], exact_kinds.as_slice()].concat(),
            ),
            remove_all: filled("DELETE FROM oauth_account WHERE user_id = ?", &[id]),
        }
    }
}
