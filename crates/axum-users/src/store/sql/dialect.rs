//! How the SQL of one database differs from that of another.
//!
//! Statements are written as SQLite takes them, with names in double quotes and `?` for each value; what cannot be
//! written alike is asked here.

use crate::value::Kind;

/// A dialect of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// With fewer databases than all a variant is only matched.
#[cfg_attr(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")), allow(dead_code))]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
    /// MySQL and MariaDB, by what both understand.
    Mysql,
}

impl Dialect {
    /// A statement without values, in this dialect.
    pub(super) fn sql(self, text: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => text.to_owned(),
            Self::Mysql => text.replace('"', "`"),
        }
    }

    /// A statement with values of these kinds.
    pub(super) fn statement(self, template: &str, kinds: &[Kind]) -> String {
        let text = self.sql(template);
        if self != Self::Postgres {
            return text;
        }
        let mut marks = self.marks();
        // What is filled in holds no `?` that is still to be filled.
        kinds.iter().fold(text, |sql, kind| sql.replacen('?', &marks.next(*kind), 1))
    }

    /// Placeholders of one statement.
    pub(super) const fn marks(self) -> Marks {
        Marks { dialect: self, count: 0 }
    }

    /// The column type of a kind, as SQLAlchemy declares it.
    pub(super) const fn column_type(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (_, Kind::Bool) => "BOOLEAN",
            (_, Kind::I32) => "INTEGER",
            (_, Kind::I64) => "BIGINT",
            (_, Kind::Date) => "DATE",
            (Self::Mysql, Kind::Float) => "DOUBLE",
            (_, Kind::Float) => "FLOAT",
            (Self::Mysql, Kind::Text) => "LONGTEXT",
            (_, Kind::Text) => "VARCHAR",
            (Self::Sqlite, Kind::Bytes) => "BLOB",
            (Self::Postgres, Kind::Bytes) => "BYTEA",
            (Self::Mysql, Kind::Bytes) => "LONGBLOB",
            (Self::Postgres, Kind::Uuid) => "UUID",
            (_, Kind::Uuid) => "CHAR(36)",
            (_, Kind::ObjectId) => "CHAR(24)",
            (Self::Sqlite, Kind::Timestamp) => "TIMESTAMP",
            (Self::Postgres, Kind::Timestamp) => "TIMESTAMP WITH TIME ZONE",
            (Self::Mysql, Kind::Timestamp) => "DATETIME(6)",
            (Self::Postgres, Kind::Json) => "JSONB",
            (_, Kind::Json) => "JSON",
        }
    }

    /// The column type of texts of any length, by the name that the database itself gives it.
    pub(super) const fn long_text(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => "TEXT",
            Self::Mysql => "LONGTEXT",
        }
    }

    /// The column type of ids: a key cannot have every type that a column can.
    pub(super) const fn id_type(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (_, Kind::I32 | Kind::I64) => "INTEGER",
            (Self::Mysql, Kind::Text) => "VARCHAR(255)",
            _ => self.column_type(kind),
        }
    }

    /// The type of an integer id, which the database assigns and never uses again (security rule OAK-5).
    pub(super) const fn assigned_id(self) -> &'static str {
        match self {
            Self::Sqlite => "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
            Self::Postgres => "SERIAL PRIMARY KEY",
            Self::Mysql => "INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY",
        }
    }

    /// What follows the columns of a new table. MySQL compares without regard to case and accents if not told otherwise.
    pub(super) const fn table_options(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => "",
            Self::Mysql => " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        }
    }

    /// An address in the form in which no two users may have the same.
    pub(super) fn folded(self, address: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("lower({address})"),
            // Adopted columns may have any character set, and collations take trailing spaces for nothing.
            Self::Mysql => {
                format!("CAST(lower(CONVERT({address} USING utf8mb4) COLLATE utf8mb4_bin) AS BINARY)")
            }
        }
    }

    /// What holds a user's folded address, with an index. MySQL has indexes on columns only.
    pub(super) const fn email_key(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => "lower(email)",
            Self::Mysql => "email_key",
        }
    }

    /// A text column as it is compared byte by byte, without an index: adopted columns of MySQL may take `a` for `A`.
    pub(super) fn exact(self, column: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => column.to_owned(),
            Self::Mysql => format!("CAST({column} AS BINARY)"),
        }
    }

    /// How often a text is bound in a condition of [`matches`](Self::matches).
    pub(super) const fn times_bound(self) -> usize {
        match self {
            Self::Sqlite | Self::Postgres => 1,
            Self::Mysql => 2,
        }
    }

    /// Whether a text column is this text, byte by byte, by its index.
    pub(super) fn matches(self, column: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("{column} = ?"),
            Self::Mysql => format!("{column} = ? AND {} = ?", self.exact(column)),
        }
    }

    /// Whether a statement that writes gives the row it has written.
    pub(super) const fn returns_rows(self) -> bool {
        !matches!(self, Self::Mysql)
    }

    /// Leaves a row that is there, and counts none. Where the count would be the same, as on MySQL, the unique key refuses
    /// the row; PostgreSQL would write that into its log each time.
    pub(super) const fn unless_there(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => " ON CONFLICT DO NOTHING",
            Self::Mysql => "",
        }
    }

    /// Where a user has the address that is to be inserted, writes that user as they are, and gives them: no less work than a
    /// new row. Not on MySQL, which writes nothing where nothing changes: there a new row is written in any case.
    pub(super) const fn or_touch_user(self) -> Option<&'static str> {
        match self {
            // The address may have another unique index too, that of fastapi-users, which SQLite looks at first. Of the columns that are
            // set the indexes are written, too.
            Self::Sqlite => Some(" ON CONFLICT DO UPDATE SET id = \"user\".id, email = \"user\".email"),
            Self::Postgres => Some(" ON CONFLICT (lower(email)) DO UPDATE SET email = \"user\".email"),
            Self::Mysql => None,
        }
    }

    /// Removes the oldest of the tokens that are over. Nodes that do so at once must not wait for one another.
    pub(super) const fn remove_expired_tokens(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "DELETE FROM accesstoken WHERE token IN \
                 (SELECT token FROM accesstoken WHERE expires_at < ? ORDER BY expires_at LIMIT ?)"
            }
            Self::Postgres => {
                "DELETE FROM accesstoken WHERE token IN (SELECT token FROM accesstoken WHERE expires_at < ? \
                 ORDER BY expires_at LIMIT ? FOR UPDATE SKIP LOCKED)"
            }
            Self::Mysql => "DELETE FROM accesstoken WHERE expires_at < ? ORDER BY expires_at LIMIT ?",
        }
    }

    /// Removes the oldest of the audit events before an id. Nodes that do so at once must not wait for one another.
    pub(super) const fn remove_old_events(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "DELETE FROM axum_users_event WHERE id IN \
                 (SELECT id FROM axum_users_event WHERE id < ? ORDER BY id LIMIT ?)"
            }
            Self::Postgres => {
                "DELETE FROM axum_users_event WHERE id IN (SELECT id FROM axum_users_event WHERE id < ? \
                 ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED)"
            }
            Self::Mysql => "DELETE FROM axum_users_event WHERE id < ? ORDER BY id LIMIT ?",
        }
    }

    /// Leaves an audit event that is there.
    pub(super) const fn or_leave_event(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => " ON CONFLICT DO NOTHING",
            Self::Mysql => " ON DUPLICATE KEY UPDATE id = VALUES(id)",
        }
    }

    /// Where a job of this key waits, notes who has asked for it again: so that a row is written in either case, and a change.
    pub(super) const fn or_mark_job(self) -> &'static str {
        match self {
            Self::Sqlite => " ON CONFLICT (unique_key) DO UPDATE SET reason = excluded.id",
            Self::Postgres => " ON CONFLICT (unique_key) DO UPDATE SET reason = excluded.id::text",
            Self::Mysql => " ON DUPLICATE KEY UPDATE reason = VALUES(id)",
        }
    }

    /// Which jobs are taken, and kept from all others, by one statement. On MySQL such a statement locks the gaps between rows,
    /// and waits in a circle with those that add and finish jobs.
    pub(super) const fn due_jobs(self) -> Option<&'static str> {
        match self {
            // There is one writer at a time.
            Self::Sqlite => {
                Some("id IN (SELECT id FROM axum_users_job WHERE due_at <= ? ORDER BY due_at LIMIT ?)")
            }
            Self::Postgres => Some(
                "id = ANY(ARRAY(SELECT id FROM axum_users_job WHERE due_at <= ? ORDER BY due_at LIMIT ? \
                 FOR UPDATE SKIP LOCKED))",
            ),
            Self::Mysql => None,
        }
    }

    /// Whether a statement tells which jobs it has taken. In SQLite what writes is not read from.
    pub(super) const fn reads_what_it_takes(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether several jobs are added, and removed, by one statement. MySQL may lock what lies between them.
    pub(super) const fn writes_jobs_at_once(self) -> bool {
        !matches!(self, Self::Mysql)
    }

    /// Of these jobs, those that nobody has locked: who adds several locks them in another order.
    pub(super) fn jobs_that_are_free(self, which: &str) -> String {
        match self {
            Self::Postgres => {
                format!("id = ANY(ARRAY(SELECT id FROM axum_users_job WHERE {which} FOR UPDATE SKIP LOCKED))")
            }
            Self::Sqlite | Self::Mysql => which.to_owned(),
        }
    }

    /// Microseconds since 1970 by the clock of the database.
    pub(super) const fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000",
            Self::Postgres => "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint",
            Self::Mysql => "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))",
        }
    }

    pub(super) fn greatest(self, one: &str, other: &str) -> String {
        let name = if self == Self::Sqlite { "max" } else { "greatest" };
        format!("{name}({one}, {other})")
    }

    pub(super) fn least(self, one: &str, other: &str) -> String {
        let name = if self == Self::Sqlite { "min" } else { "least" };
        format!("{name}({one}, {other})")
    }

    /// A number, doubled so many times.
    pub(super) fn doubled(self, number: &str, times: &str) -> String {
        match self {
            Self::Sqlite => format!("({number} << {times})"),
            Self::Postgres => format!("({number}::bigint << {times}::integer)"),
            Self::Mysql => format!("CAST({number} << {times} AS SIGNED)"),
        }
    }

    /// What an insert does that finds its key in use; [`old_value`](Self::old_value) and [`new_value`](Self::new_value) name what
    /// is there and what was to be inserted.
    pub(super) fn or_update(self, key: &str, set: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!(" ON CONFLICT ({key}) DO UPDATE SET {set}"),
            Self::Mysql => format!(" ON DUPLICATE KEY UPDATE {set}"),
        }
    }

    pub(super) fn old_value(self, table: &str, column: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("{table}.{column}"),
            Self::Mysql => column.to_owned(),
        }
    }

    pub(super) fn new_value(self, column: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("excluded.{column}"),
            Self::Mysql => format!("VALUES({column})"),
        }
    }

    /// Whether a statement sets one column after the other, and reads those that it has set.
    pub(super) const fn sets_one_by_one(self) -> bool {
        matches!(self, Self::Mysql)
    }

    /// Whether a statement that writes and gives rows stands by itself, without a transaction around it.
    pub(super) const fn writes_by_fetch(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Which limits a statement changes, by keys; it locks them in the order in which all others do.
    pub(super) fn limits_in_order(self, keys: &str) -> String {
        match self {
            // There is one writer at a time.
            Self::Sqlite => format!("id IN ({keys})"),
            Self::Postgres => {
                format!("id IN (SELECT id FROM axum_users_limit WHERE id IN ({keys}) ORDER BY id FOR UPDATE)")
            }
            Self::Mysql => format!("id IN ({keys}) ORDER BY id"),
        }
    }

    /// Removes limits that are over, like [`remove_expired_tokens`](Self::remove_expired_tokens).
    pub(super) fn remove_expired_limits(self) -> String {
        let over = format!("over_at < {} ORDER BY over_at LIMIT ?", self.now());
        match self {
            Self::Sqlite => format!(
                "DELETE FROM axum_users_limit WHERE id IN (SELECT id FROM axum_users_limit WHERE {over})"
            ),
            Self::Postgres => format!(
                "DELETE FROM axum_users_limit WHERE id IN \
                 (SELECT id FROM axum_users_limit WHERE {over} FOR UPDATE SKIP LOCKED)"
            ),
            Self::Mysql => format!("DELETE FROM axum_users_limit WHERE {over}"),
        }
    }

    /// Name and declared type of a table's columns in their order; the table's name is not quoted.
    pub(super) fn columns_of(self, table: &str) -> String {
        match self {
            Self::Sqlite => format!("SELECT name, type FROM pragma_table_info('{table}')"),
            Self::Postgres => format!(
                "SELECT column_name::text, upper(data_type::text) FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position"
            ),
            // A reference to a column must have its character set and collation.
            Self::Mysql => format!(
                "SELECT column_name, concat(upper(column_type), coalesce(concat(' CHARACTER SET ', \
                 character_set_name, ' COLLATE ', collation_name), '')) FROM information_schema.columns \
                 WHERE table_schema = database() AND table_name = '{table}' ORDER BY ordinal_position"
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
            Self::Mysql => format!(
                "SELECT DISTINCT index_name FROM information_schema.statistics \
                 WHERE table_schema = database() AND table_name = '{table}'"
            ),
        }
    }

    /// Lets the statements of a migration, and of what looks for one, take longer than those of a request may.
    pub(super) const fn lift_limits(self) -> &'static [&'static str] {
        match self {
            // The limit is one for the wait for a lock.
            Self::Sqlite => &[],
            Self::Postgres => &["SET LOCAL statement_timeout = '10min'"],
            // MariaDB reads what stands behind `M!`, MySQL what stands behind `50708`.
            Self::Mysql => {
                &["SET @limit = NULL /*M!, @limit = @@max_statement_time, max_statement_time = 600 */\
                 /*!50708 , @limit = @@max_execution_time, max_execution_time = 600000 */"]
            }
        }
    }

    /// What makes nodes that migrate at once wait for one another, beside the transaction. PostgreSQL waits for a table no
    /// longer than a request does: who waits for it holds up all others.
    pub(super) const fn lock_migration(self) -> &'static [&'static str] {
        match self {
            // The transaction is exclusive among writers.
            Self::Sqlite | Self::Mysql => &[],
            Self::Postgres => &[
                "SET LOCAL lock_timeout = '10min'",
                "SELECT pg_advisory_xact_lock(6179837141)",
                "SET LOCAL lock_timeout TO DEFAULT",
            ],
        }
    }

    /// A lock that is not the transaction's: gives 1 when it is there.
    pub(super) const fn named_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite | Self::Postgres => None,
            Self::Mysql => Some("SELECT GET_LOCK(concat('axum_users ', database()), 600)"),
        }
    }

    /// What follows a migration that has come through, and with `false` one that has not. MySQL's lock belongs to the
    /// connection, which goes back to its pool.
    pub(super) const fn unlock_migration(self, done: bool) -> &'static [&'static str] {
        match (self, done) {
            (Self::Sqlite | Self::Postgres, _) => &[],
            (Self::Mysql, true) => &["COMMIT", UNLOCK_MYSQL, RESTORE_MYSQL],
            (Self::Mysql, false) => &["ROLLBACK", UNLOCK_MYSQL, RESTORE_MYSQL],
        }
    }

    /// Whether a column that may not be `NULL` needs a default to be added to an empty table.
    pub(super) const fn new_columns_need_defaults(self) -> bool {
        matches!(self, Self::Sqlite)
    }
}

const UNLOCK_MYSQL: &str = "SELECT RELEASE_LOCK(concat('axum_users ', database()))";
const RESTORE_MYSQL: &str = "SET @done = NULL /*M!, max_statement_time = @limit */\
                             /*!50708 , max_execution_time = @limit */";

/// Writes the placeholders of a statement, in the order in which its values are bound.
pub(super) struct Marks {
    dialect: Dialect,
    count: usize,
}

impl Marks {
    /// The next placeholder. PostgreSQL keeps prepared statements, parameter types included: each is said in the text,
    /// so that a `NULL` does not make it another.
    pub(super) fn next(&mut self, kind: Kind) -> String {
        if self.dialect != Dialect::Postgres {
            return "?".to_owned();
        }
        self.count += 1;
        let cast = match kind {
            Kind::Bool => "boolean",
            Kind::I32 | Kind::I64 => "bigint",
            Kind::Float => "double precision",
            Kind::Text | Kind::ObjectId => "text",
            Kind::Bytes => "bytea",
            Kind::Uuid => "uuid",
            Kind::Date => "text::date",
            Kind::Timestamp => "text::timestamptz",
            Kind::Json => "text::jsonb",
        };
        format!("${}::{cast}", self.count)
    }
}
