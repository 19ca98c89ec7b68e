//! Many rows by few statements.

use std::sync::Arc;

use super::{SqlStore, driver::Values};
use crate::{Profile, StoreError};

/// Up to so many rows, a power of two, are written by one statement.
const MOST_ROWS: usize = 64;

/// Statements for 1, 2, 4, … rows: so that few different ones are prepared.
pub(super) fn for_many(statement: impl Fn(usize) -> Arc<str>) -> Vec<Arc<str>> {
    (0..=MOST_ROWS.ilog2()).map(|power| statement(1 << power)).collect()
}

impl<P: Profile> SqlStore<P> {
    /// Writes rows by statements [for many](for_many), each a transaction of its own; tells how many were written.
    pub(super) async fn execute_all(
        &self,
        statements: &[Arc<str>],
        mut rows: Vec<Values>,
    ) -> Result<u64, StoreError> {
        let mut written = 0;
        while let Some(power) = rows.len().min(MOST_ROWS).checked_ilog2() {
            let Some(sql) = statements.get(power as usize) else { break };
            let later = rows.split_off(1 << power);
            written += self.execute(sql, rows.concat()).await?;
            rows = later;
        }
        Ok(written)
    }
}
