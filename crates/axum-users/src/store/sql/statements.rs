//! The SQL of a profile's tables, built once.

use std::sync::Arc;

use crate::{
    Profile,
    value::{ColumnType, Kind},
};

/// The columns every user has, in the order in which they are read; those of the profile follow.
pub(super) const CORE: [(&str, Kind); 6] = [
    ("id", Kind::Uuid), // its kind is that of the profile's ids
    ("email", Kind::Text),
    ("hashed_password", Kind::Text),
    ("is_active", Kind::Bool),
    ("is_superuser", Kind::Bool),
    ("is_verified", Kind::Bool),
];

pub(super) struct Statements {
    /// The kinds of a user's columns.
    pub(super) kinds: Vec<Kind>,
    columns: String,
    pub(super) get: Arc<str>,
    pub(super) get_by_email: Arc<str>,
    pub(super) get_unless_revoked: Arc<str>,
    pub(super) list_first: Arc<str>,
    pub(super) list_after: Arc<str>,
    pub(super) insert: Arc<str>,
    pub(super) insert_without_id: Arc<str>,
    pub(super) delete: Arc<str>,
    pub(super) revoke: Arc<str>,
    pub(super) purge_revoked: Arc<str>,
    pub(super) insert_token: Arc<str>,
    pub(super) find_token: Arc<str>,
    pub(super) find_token_since: Arc<str>,
    pub(super) remove_token: Arc<str>,
    pub(super) remove_tokens: Arc<str>,
}

/// Names come from the derive or the configuration, never from a request; quoting keeps reserved words usable.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Statements {
    pub(super) fn new<P: Profile>() -> Self {
        let names: Vec<String> = CORE
            .iter()
            .map(|(name, _)| *name)
            .chain(P::columns().iter().map(|column| column.name))
            .map(quote)
            .collect();
        let mut kinds: Vec<Kind> = CORE.iter().map(|(_, kind)| *kind).collect();
        if let Some(id) = kinds.first_mut() {
            *id = P::Id::KIND;
        }
        kinds.extend(P::columns().iter().map(|column| column.kind));

        let list = |names: &[String]| names.join(", ");
        let marks = |count: usize| vec!["?"; count].join(", ");
        let columns = list(&names);
        let of_user: Vec<String> = names.iter().map(|name| format!("u.{name}")).collect();
        let of_user = list(&of_user);
        let select = format!("SELECT {columns} FROM \"user\"");
        let token = format!(
            "SELECT {of_user} FROM accesstoken t JOIN \"user\" u ON u.id = t.user_id WHERE t.token = ?"
        );
        let without_id = names.get(1..).unwrap_or_default();
        Self {
            get: format!("{select} WHERE id = ?").into(),
            get_by_email: format!("{select} WHERE lower(email) = lower(?)").into(),
            get_unless_revoked: format!(
                "{select} WHERE id = ? AND NOT EXISTS (SELECT 1 FROM revoked_token WHERE digest = ?)"
            )
            .into(),
            list_first: format!("{select} ORDER BY id LIMIT ?").into(),
            list_after: format!("{select} WHERE id > ? ORDER BY id LIMIT ?").into(),
            insert: format!(
                "INSERT INTO \"user\" ({columns}) VALUES ({}) RETURNING {columns}",
                marks(names.len())
            )
            .into(),
            insert_without_id: format!(
                "INSERT INTO \"user\" ({}) VALUES ({}) RETURNING {columns}",
                list(without_id),
                marks(without_id.len())
            )
            .into(),
            delete: "DELETE FROM \"user\" WHERE id = ?".into(),
            revoke: "INSERT INTO revoked_token (digest, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
                .into(),
            purge_revoked: "DELETE FROM revoked_token WHERE expires_at < ?".into(),
            insert_token: "INSERT INTO accesstoken (token, user_id, created_at) VALUES (?, ?, ?)".into(),
            find_token_since: format!("{token} AND t.created_at >= ?").into(),
            find_token: token.into(),
            remove_token: "DELETE FROM accesstoken WHERE token = ?".into(),
            remove_tokens: "DELETE FROM accesstoken WHERE user_id = ?".into(),
            columns,
            kinds,
        }
    }

    /// Writes these columns of the user with an id, while further conditions hold.
    pub(super) fn update(&self, columns: &[String], conditions: &[&str]) -> Arc<str> {
        let set: Vec<String> = columns.iter().map(|name| format!("{name} = ?")).collect();
        let conditions: String = conditions.iter().map(|name| format!(" AND {name} = ?")).collect();
        format!("UPDATE \"user\" SET {} WHERE id = ?{conditions} RETURNING {}", set.join(", "), self.columns)
            .into()
    }
}
