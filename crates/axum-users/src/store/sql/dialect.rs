//! How the SQL of one database differs from that of another.

use crate::value::Kind;

/// A dialect of SQL. `expect`ed to be built with all of them: with fewer, a variant is only matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(all(feature = "sqlite", feature = "postgres")), allow(dead_code))]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The column type of a kind, as SQLAlchemy declares it.
    pub(super) const fn column_type(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (_, Kind::Bool) => "BOOLEAN",
            (_, Kind::I32) => "INTEGER",
            (_, Kind::I64) => "BIGINT",
            (_, Kind::Float) => "FLOAT",
            (_, Kind::Text) => "VARCHAR",
            (_, Kind::Date) => "DATE",
            (Self::Sqlite, Kind::Bytes) => "BLOB",
            (Self::Postgres, Kind::Bytes) => "BYTEA",
            (Self::Sqlite, Kind::Uuid) => "CHAR(36)",
            (Self::Postgres, Kind::Uuid) => "UUID",
            (Self::Sqlite, Kind::Timestamp) => "TIMESTAMP",
            (Self::Postgres, Kind::Timestamp) => "TIMESTAMP WITH TIME ZONE",
            (Self::Sqlite, Kind::Json) => "JSON",
            (Self::Postgres, Kind::Json) => "JSONB",
        }
    }

    /// The type of an integer id, which the database assigns and never uses again (security rule OAK-5).
    pub(super) const fn assigned_id(self) -> &'static str {
        match self {
            Self::Sqlite => "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
            Self::Postgres => "SERIAL PRIMARY KEY",
        }
    }

    /// Placeholders of one statement.
    pub(super) const fn marks(self) -> Marks {
        Marks { dialect: self, count: 0 }
    }

    /// Name and declared type of a table's columns in their order; the table's name is not quoted.
    pub(super) fn columns_of(self, table: &str) -> String {
        match self {
            Self::Sqlite => format!("SELECT name, type FROM pragma_table_info('{table}')"),
            Self::Postgres => format!(
                "SELECT column_name::text, upper(data_type::text) FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position"
            ),
        }
    }

    /// The names of a table's indexes.
    pub(super) fn indexes_of(self, table: &str) -> String {
        match self {
            Self::Sqlite => format!("SELECT name FROM pragma_index_list('{table}')"),
            Self::Postgres => format!(
                "SELECT indexname::text FROM pg_indexes \
                 WHERE schemaname = current_schema() AND tablename = '{table}'"
            ),
        }
    }

    /// What makes nodes that migrate at once wait for one another, beside the transaction.
    pub(super) const fn migration_lock(self) -> &'static [&'static str] {
        match self {
            // The transaction is exclusive among writers.
            Self::Sqlite => &[],
            // Longer than a request may take: the others wait until the first one has migrated.
            Self::Postgres => {
                &["SET LOCAL statement_timeout = '10min'", "SELECT pg_advisory_xact_lock(6179837141)"]
            }
        }
    }

    /// Removes the oldest of the tokens that are over. Nodes that do so at once must not wait for one another.
    pub(super) fn remove_expired_tokens(self) -> String {
        let skip = match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        };
        format!(
            "DELETE FROM accesstoken WHERE token IN \
             (SELECT token FROM accesstoken WHERE expires_at < ? ORDER BY expires_at LIMIT ?{skip})"
        )
    }

    /// Whether a column that may not be `NULL` needs a default to be added to an empty table.
    pub(super) const fn new_columns_need_defaults(self) -> bool {
        matches!(self, Self::Sqlite)
    }
}

/// Writes the placeholders of a statement, in the order in which its values are bound.
pub(super) struct Marks {
    dialect: Dialect,
    count: usize,
}

impl Marks {
    /// The next placeholder. PostgreSQL keeps prepared statements, parameter types included: each is said in the text,
    /// so that a `NULL` does not make it another.
    pub(super) fn next(&mut self, kind: Kind) -> String {
        if self.dialect == Dialect::Sqlite {
            return "?".to_owned();
        }
        self.count += 1;
        let cast = match kind {
            Kind::Bool => "boolean",
            Kind::I32 | Kind::I64 => "bigint",
            Kind::Float => "double precision",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
            Kind::Uuid => "uuid",
            Kind::Date => "text::date",
            Kind::Timestamp => "text::timestamptz",
            Kind::Json => "text::jsonb",
        };
        format!("${}::{cast}", self.count)
    }
}
