//! Reads by a key, past the pool: over connections that many share, each question sent without waiting for the answer to the
//! one before.
//!
//! The pool stands behind it: what has no answer, for whatever reason, is asked of the pool.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;

use super::{super::driver::Values, line::Line, target::Target};
use crate::{
    BoxError,
    value::{Kind, Value},
};

/// How long a statement takes at most, and for how long nothing at all is answered, before the pool is asked. Whoever reads behind
/// one that waits for a lock waits no longer.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) struct DirectReads {
    lines: Vec<Line>,
    next: AtomicUsize,
}

impl DirectReads {
    /// Reads over so many connections, made when there is something to read. A statement may take `statement`.
    ///
    /// # Errors
    /// When the connections could not be made in the way of the pool's.
    pub(super) fn new(
        pool: &PgConnectOptions,
        connections: u32,
        statement: Duration,
    ) -> Result<Self, BoxError> {
        let patience = PATIENCE.min(statement / 4);
        let target = Arc::new(Target::new(pool, patience)?);
        let lines = (0..connections).map(|_| Line::new(Arc::clone(&target))).collect();
        Ok(Self { lines, next: AtomicUsize::new(0) })
    }

    /// The row, if there is one; an error when the pool has to be asked.
    pub(super) async fn find(
        &self,
        sql: &Arc<str>,
        values: &[Value],
        kinds: &[Kind],
    ) -> Result<Option<Values>, BoxError> {
        let turn = self.next.fetch_add(1, Relaxed).checked_rem(self.lines.len()).unwrap_or_default();
        let connection =
            self.lines.get(turn).and_then(Line::connection).ok_or("there is no connection yet")?;
        connection.find(sql, values, kinds).await.map_err(|failure| {
            if failure.is_of_the_connection {
                connection.give_up();
            }
            failure.error
        })
    }
}
