//! The SQL of a profile's tables, built once.

use std::sync::Arc;

use super::{
    audit::AuditStatements, dialect::Dialect, jobs::JobStatements, limits::LimitStatements,
    oauth::AccountStatements,
};
use crate::{
    Profile, UserId,
    value::{Kind, Value},
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
    /// The same, and the end of the row of [`get_by_email`](Self::get_by_email).
    pub(super) kinds_by_email: Vec<Kind>,
    returning: String,
    pub(super) get: Arc<str>,
    /// The user with the id that the database has just assigned, where an insert does not give it.
    pub(super) get_inserted: Arc<str>,
    /// Gives one row in any case, which ends with whether there is no such user: the time that it takes to read a row tells
    /// nothing (LOG-2).
    pub(super) get_by_email: Arc<str>,
    pub(super) get_unless_revoked: Arc<str>,
    pub(super) list_first: Arc<str>,
    pub(super) list_after: Arc<str>,
    pub(super) first_and_last_id: Arc<str>,
    pub(super) first_hashes: Arc<str>,
    pub(super) insert: Arc<str>,
    pub(super) insert_without_id: Arc<str>,
    pub(super) insert_or_touch: Option<Arc<str>>,
    pub(super) delete: Arc<str>,
    pub(super) revoke: Arc<str>,
    pub(super) purge_revoked: Arc<str>,
    pub(super) change_email: Arc<str>,
    pub(super) insert_token: Arc<str>,
    pub(super) find_token: Arc<str>,
    pub(super) find_token_since: Arc<str>,
    pub(super) token_created_at: Arc<str>,
    pub(super) remove_token: Arc<str>,
    pub(super) remove_tokens: Arc<str>,
    pub(super) remove_expired_tokens: Arc<str>,
    pub(super) accounts: AccountStatements,
    pub(super) jobs: JobStatements,
    pub(super) events: AuditStatements,
    pub(super) limits: LimitStatements,
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
            *id = P::Id::kind();
        }
        kinds.extend(P::columns().iter().map(|column| column.kind));

        let list = |names: &[String]| names.join(", ");
        let filled =
            |template: &str, kinds: &[Kind]| -> Arc<str> { dialect.statement(template, kinds).into() };
        let columns = list(&names);
        let of_user: Vec<String> = names.iter().map(|name| format!("u.{name}")).collect();
        let of_user = list(&of_user);
        let select = format!("SELECT {columns} FROM \"user\"");
        let returning = returning(dialect, &columns);
        let insert = |names: &[String], kinds: &[Kind], if_taken: &str| {
            let marks = vec!["?"; names.len()].join(", ");
            let names = list(names);
            filled(&format!("INSERT INTO \"user\" ({names}) VALUES ({marks}){if_taken}{returning}"), kinds)
        };
        let token = format!(
            "SELECT {of_user} FROM accesstoken t JOIN \"user\" u ON u.id = t.user_id WHERE {}",
            dialect.matches("t.token")
        );
        let token_kinds = vec![Text; dialect.times_bound()];
        let token_since = [token_kinds.as_slice(), &[Timestamp]].concat();
        let id = P::Id::kind();
        use Kind::{I64, Text, Timestamp};
        Self {
            dialect,
            get: filled(&format!("{select} WHERE id = ?"), &[id]),
            get_inserted: filled(&format!("{select} WHERE id = LAST_INSERT_ID()"), &[]),
            get_by_email: filled(
                &format!(
                    "SELECT {}, u.id IS NULL FROM (SELECT 1 AS one) n LEFT JOIN \"user\" u ON {} = {}",
                    of_user_or_nobody::<P>(&names),
                    dialect.email_key(),
                    dialect.folded("?")
                ),
                &[Text],
            ),
            get_unless_revoked: filled(
                &format!(
                    "{select} WHERE id = ? AND NOT EXISTS (SELECT 1 FROM revoked_token WHERE digest = ?)"
                ),
                &[id, Text],
            ),
            list_first: filled(&format!("{select} ORDER BY id LIMIT ?"), &[I64]),
            list_after: filled(&format!("{select} WHERE id > ? ORDER BY id LIMIT ?"), &[id, I64]),
            first_and_last_id: filled(
                "SELECT (SELECT min(id) FROM \"user\"), (SELECT max(id) FROM \"user\")",
                &[],
            ),
            first_hashes: filled("SELECT hashed_password FROM \"user\" ORDER BY id LIMIT ?", &[I64]),
            insert: insert(&names, &kinds, ""),
            insert_without_id: insert(
                names.get(1..).unwrap_or_default(),
                kinds.get(1..).unwrap_or_default(),
                "",
            ),
            insert_or_touch: dialect.or_touch_user().map(|if_taken| insert(&names, &kinds, if_taken)),
            delete: filled("DELETE FROM \"user\" WHERE id = ?", &[id]),
            revoke: filled(
                &format!(
                    "INSERT INTO revoked_token (digest, expires_at) VALUES (?, ?){}",
                    dialect.unless_there()
                ),
                &[Text, Timestamp],
            ),
            change_email: filled("UPDATE \"user\" SET email = ? WHERE id = ?", &[Text, id]),
            purge_revoked: filled("DELETE FROM revoked_token WHERE expires_at < ?", &[Timestamp]),
            insert_token: filled(
                "INSERT INTO accesstoken (token, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
                &[Text, id, Timestamp, Timestamp],
            ),
            find_token_since: filled(&format!("{token} AND t.created_at >= ?"), &token_since),
            find_token: filled(&token, &token_kinds),
            token_created_at: filled(
                &format!("SELECT created_at FROM accesstoken WHERE {}", dialect.matches("token")),
                &token_kinds,
            ),
            remove_token: filled(
                &format!("DELETE FROM accesstoken WHERE {}", dialect.matches("token")),
                &token_kinds,
            ),
            remove_tokens: filled("DELETE FROM accesstoken WHERE user_id = ?", &[id]),
            remove_expired_tokens: filled(dialect.remove_expired_tokens(), &[Timestamp, I64]),
            accounts: AccountStatements::new::<P>(dialect, &of_user),
            jobs: JobStatements::new(dialect),
            events: AuditStatements::new(dialect),
            limits: LimitStatements::new(dialect),
            returning,
            kinds_by_email: [kinds.as_slice(), &[Kind::Bool]].concat(),
            kinds,
        }
    }

    /// A text as a condition of [`Dialect::matches`] takes it, such as a token.
    pub(super) fn exactly(&self, text: &str) -> Vec<Value> {
        vec![Value::Text(text.to_owned()); self.dialect.times_bound()]
    }

    /// The hashes of those users who have one of these ids.
    pub(super) fn hashes_of(&self, ids: &[String]) -> Arc<str> {
        let ids = ids.join(", ");
        self.dialect.sql(&format!("SELECT hashed_password FROM \"user\" WHERE id IN ({ids})")).into()
    }

    /// Whether statements that write give the row they have written; otherwise it is read in the same transaction.
    pub(super) const fn return_rows(&self) -> bool {
        self.dialect.returns_rows()
    }

    /// Writes these columns of the user with an id, while further conditions on text columns hold. With no columns
    /// nothing changes, but the conditions still decide, and the row is locked.
    pub(super) fn update<P: Profile>(&self, columns: &[(String, Kind)], conditions: &[&str]) -> Arc<str> {
        let mut set: Vec<String> = columns.iter().map(|(name, _)| format!("{name} = ?")).collect();
        if set.is_empty() {
            set.push("id = id".to_owned());
        }
        let conditions = conditions.iter().map(|name| format!(" AND {} = ?", self.dialect.exact(name)));
        let template = format!(
            "UPDATE \"user\" SET {} WHERE id = ?{}{}",
            set.join(", "),
            conditions.collect::<String>(),
            self.returning
        );
        let kinds = columns.iter().map(|(_, kind)| *kind).chain([P::Id::kind(), Kind::Text, Kind::Text]);
        self.dialect.statement(&template, &kinds.collect::<Vec<_>>()).into()
    }
}

/// The columns of a user, or what takes as long to read.
fn of_user_or_nobody<P: Profile>(names: &[String]) -> String {
    let nobodys = |column: &str| match (column, P::Id::kind()) {
        ("id", Kind::Uuid) => Some("'00000000-0000-0000-0000-000000000000'"),
        ("id", Kind::ObjectId) => Some("'000000000000000000000000'"),
        ("id", Kind::I32 | Kind::I64) => Some("0"),
        ("email", _) => Some("'nobody.at.all@example.com'"),
        ("hashed_password", _) => Some(
            "'$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'",
        ),
        ("is_active" | "is_superuser" | "is_verified", _) => Some("TRUE"),
        _ => None,
    };
    let of_core = CORE.iter().map(|(column, _)| nobodys(column)).chain(std::iter::repeat(None));
    let columns = names.iter().zip(of_core).map(|(name, nobodys)| match nobodys {
        Some(nobodys) => format!("COALESCE(u.{name}, {nobodys})"),
        None => format!("u.{name}"),
    });
    columns.collect::<Vec<_>>().join(", ")
}

fn returning(dialect: Dialect, columns: &str) -> String {
    if dialect.returns_rows() { format!(" RETURNING {columns}") } else { String::new() }
}
