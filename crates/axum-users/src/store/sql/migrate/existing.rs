//! What is in the database before a migration.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    super::{dialect::Dialect, driver::Transaction},
    MigrationError,
};
use crate::value::{Kind, Value};

/// The tables that concern us.
pub(super) const TABLES: [&str; 8] = [
    "user",
    "accesstoken",
    "oauth_account",
    "revoked_token",
    "axum_users_job",
    "axum_users_event",
    "axum_users_limit",
    "axum_users_migration",
];

/// A column's name and declared type.
pub(super) type Declared = (String, String);

/// Tables with their columns, and indexes.
pub(super) struct Existing {
    columns: HashMap<&'static str, Vec<Declared>>,
    indexes: HashSet<String>,
}

impl Existing {
    pub(super) async fn read(
        transaction: &mut dyn Transaction,
        dialect: Dialect,
    ) -> Result<Self, MigrationError> {
        let mut existing = Self { columns: HashMap::new(), indexes: HashSet::new() };
        for table in TABLES {
            let kinds = [Kind::Text, Kind::Text];
            let rows = transaction.fetch(&Arc::from(dialect.columns_of(table)), Vec::new(), &kinds).await?;
            let columns = rows.into_iter().filter_map(|row| match <[Value; 2]>::try_from(row) {
                Ok([Value::Text(name), Value::Text(declared)]) => Some((name, declared)),
                _ => None,
            });
            existing.columns.insert(table, columns.collect());
            let sql = Arc::from(dialect.indexes_of(table));
            let names = transaction.fetch(&sql, Vec::new(), &[Kind::Text]).await?;
            for value in names.into_iter().flatten() {
                if let Value::Text(name) = value {
                    existing.indexes.insert(name);
                }
            }
        }
        Ok(existing)
    }

    /// The columns of a table in their order; none when there is no such table.
    pub(super) fn columns(&self, table: &str) -> &[Declared] {
        self.columns.get(table).map_or(&[], Vec::as_slice)
    }

    /// The declared type of a column.
    pub(super) fn declared(&self, table: &str, column: &str) -> Option<&str> {
        let found = self.columns(table).iter().find(|(name, _)| name.eq_ignore_ascii_case(column))?;
        Some(&found.1)
    }

    pub(super) fn has_table(&self, table: &str) -> bool {
        !self.columns(table).is_empty()
    }

    pub(super) fn has_column(&self, table: &str, column: &str) -> bool {
        self.declared(table, column).is_some()
    }

    pub(super) fn has_index(&self, name: &str) -> bool {
        self.indexes.contains(name)
    }
}
