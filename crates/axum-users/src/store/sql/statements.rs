//! The SQL of a profile's tables, built once.

use std::sync::Arc;

use super::dialect::Dialect;
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
    dialect: Dialect,
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
    pub(super) remove_expired_tokens: Arc<str>,
}

/// Names come from the derive or the configuration, never from a request; quoting keeps reserved words usable.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Statements {
    pub(super) fn new<P: Profile>(dialect: Dialect) -> Self {
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
        let marks_of = |kinds: &[Kind]| {
            let mut marks = dialect.marks();
            kinds.iter().map(|kind| marks.next(*kind)).collect::<Vec<_>>().join(", ")
        };
        // A template with `?` for each value, whose kinds follow.
        let filled = |template: &str, kinds: &[Kind]| -> Arc<str> {
            let mut marks = dialect.marks();
            let fill = |sql: String, kind: &Kind| sql.replacen('?', &marks.next(*kind), 1);
            // What is filled in must not hold a `?` that is still to be filled.
            match dialect {
                Dialect::Sqlite => template.into(),
                Dialect::Postgres => kinds.iter().fold(template.to_owned(), fill).into(),
            }
        };
        let columns = list(&names);
        let of_user: Vec<String> = names.iter().map(|name| format!("u.{name}")).collect();
        let of_user = list(&of_user);
        let select = format!("SELECT {columns} FROM \"user\"");
        let token = format!(
            "SELECT {of_user} FROM accesstoken t JOIN \"user\" u ON u.id = t.user_id WHERE t.token = ?"
        );
        let without_id = names.get(1..).unwrap_or_default();
        let kinds_without_id = kinds.get(1..).unwrap_or_default();
        let id = P::Id::KIND;
        use Kind::{I64, Text, Timestamp};
        Self {
            dialect,
            get: filled(&format!("{select} WHERE id = ?"), &[id]),
            get_by_email: filled(&format!("{select} WHERE lower(email) = lower(?)"), &[Text]),
            get_unless_revoked: filled(
                &format!(
                    "{select} WHERE id = ? AND NOT EXISTS (SELECT 1 FROM revoked_token WHERE digest = ?)"
                ),
                &[id, Text],
            ),
            list_first: filled(&format!("{select} ORDER BY id LIMIT ?"), &[I64]),
            list_after: filled(&format!("{select} WHERE id > ? ORDER BY id LIMIT ?"), &[id, I64]),
            insert: format!(
                "INSERT INTO \"user\" ({columns}) VALUES ({}) RETURNING {columns}",
                marks_of(&kinds)
            )
            .into(),
            insert_without_id: format!(
                "INSERT INTO \"user\" ({}) VALUES ({}) RETURNING {columns}",
                list(without_id),
                marks_of(kinds_without_id)
            )
            .into(),
            delete: filled("DELETE FROM \"user\" WHERE id = ?", &[id]),
            revoke: filled(
                "INSERT INTO revoked_token (digest, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                &[Text, Timestamp],
            ),
            purge_revoked: filled("DELETE FROM revoked_token WHERE expires_at < ?", &[Timestamp]),
            insert_token: filled(
                "INSERT INTO accesstoken (token, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
                &[Text, id, Timestamp, Timestamp],
            ),
            find_token_since: filled(&format!("{token} AND t.created_at >= ?"), &[Text, Timestamp]),
            find_token: filled(&token, &[Text]),
            remove_token: filled("DELETE FROM accesstoken WHERE token = ?", &[Text]),
            remove_tokens: filled("DELETE FROM accesstoken WHERE user_id = ?", &[id]),
            remove_expired_tokens: filled(&dialect.remove_expired_tokens(), &[Timestamp, I64]),
            columns,
            kinds,
        }
    }

    /// Writes these columns of the user with an id, while further conditions on text columns hold. With no columns
    /// nothing changes, but the conditions still decide, and the row is locked.
    pub(super) fn update<P: Profile>(&self, columns: &[(String, Kind)], conditions: &[&str]) -> Arc<str> {
        let mut marks = self.dialect.marks();
        let set: Vec<String> =
            columns.iter().map(|(name, kind)| format!("{name} = {}", marks.next(*kind))).collect();
        let id = marks.next(P::Id::KIND);
        let conditions: String =
            conditions.iter().map(|name| format!(" AND {name} = {}", marks.next(Kind::Text))).collect();
        let set = if set.is_empty() { "id = id".to_owned() } else { set.join(", ") };
        format!("UPDATE \"user\" SET {set} WHERE id = {id}{conditions} RETURNING {}", self.columns).into()
    }
}
