//! A connection that many share.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use bytes::BytesMut;
use tokio::task::AbortHandle;
use tokio_postgres::{
    Client, Row, Statement,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use super::{
    super::driver::{DriverError, Values},
    binary,
    pulse::Pulse,
};
use crate::{
    BoxError,
    value::{Kind, Value},
};

pub(super) struct Connection {
    client: Client,
    pulse: Arc<Pulse>,
    task: AbortHandle,
    is_given_up: AtomicBool,
    /// Those of one store: few, and known by their address.
    statements: Mutex<Vec<(Arc<str>, Statement)>>,
}

/// Why there is no answer.
pub(super) struct Failure {
    pub(super) error: BoxError,
    /// Whether it is to be expected of other statements too.
    pub(super) is_of_the_connection: bool,
}

impl Connection {
    pub(super) const fn new(client: Client, pulse: Arc<Pulse>, task: AbortHandle) -> Self {
        let is_given_up = AtomicBool::new(false);
        Self { client, pulse, task, is_given_up, statements: Mutex::new(Vec::new()) }
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.is_given_up.load(Relaxed) && !self.client.is_closed()
    }

    /// Ends it, and with it what still waits for an answer.
    pub(super) fn give_up(&self) {
        self.is_given_up.store(true, Relaxed);
        self.task.abort();
    }

    pub(super) async fn find(
        &self,
        sql: &Arc<str>,
        values: &[Value],
        kinds: &[Kind],
    ) -> Result<Option<Values>, Failure> {
        let question = self.pulse.ask();
        let row = self.ask(sql, values).await;
        question.answered();
        row?.map(|row| read_all(&row, kinds)).transpose()
    }

    async fn ask(&self, sql: &Arc<str>, values: &[Value]) -> Result<Option<Row>, tokio_postgres::Error> {
        let statement = self.statement(sql).await?;
        let parameters: Vec<Parameter<'_>> = values.iter().map(Parameter).collect();
        let parameters: Vec<&(dyn ToSql + Sync)> =
            parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync)).collect();
        self.client.query_opt(&statement, &parameters).await
    }

    /// Prepares a statement once.
    async fn statement(&self, sql: &Arc<str>) -> Result<Statement, tokio_postgres::Error> {
        let statements = || self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, statement)) = statements().iter().find(|(known, _)| Arc::ptr_eq(known, sql)) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        statements().push((Arc::clone(sql), statement.clone()));
        Ok(statement)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        // Broken, shut down, or its statements are of no use any more: forgotten by who stands in between, or the types of
        // columns have changed.
        let is_of_the_connection = error
            .code()
            .is_none_or(|code| ["08", "0A", "26", "57P"].iter().any(|class| code.code().starts_with(class)));
        // What the database tells beside its message may be values.
        let error = match error.as_db_error() {
            Some(told) => {
                format!("the database refuses with {}: {}", told.code().code(), told.message()).into()
            }
            None => error.into(),
        };
        Self { error, is_of_the_connection }
    }
}

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        Self { error: format!("{error:?}").into(), is_of_the_connection: false }
    }
}

/// A value of the type that the statement says.
struct Parameter<'a>(&'a Value);

/// The library logs parameters, which may be tokens and addresses.
impl std::fmt::Debug for Parameter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match binary::write(self.0, out) {
            Ok(true) => Ok(IsNull::No),
            Ok(false) => Ok(IsNull::Yes),
            Err(error) => Err(format!("{error:?}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// What came, whatever its type.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Self(Some(bytes)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, BoxError> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn read_all(row: &Row, kinds: &[Kind]) -> Result<Values, Failure> {
    let mut values = Vec::with_capacity(kinds.len());
    for (index, kind) in kinds.iter().enumerate() {
        values.push(match row.try_get(index)? {
            Raw(Some(bytes)) => binary::read(*kind, bytes)?,
            Raw(None) => Value::Null,
        });
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lgs_1_the_log_of_the_driver_shows_no_values() {
        let token = Value::Text("excalibur".into());
        let shown = format!("{:?}", vec![&Parameter(&token) as &(dyn ToSql + Sync)]);
        assert!(!shown.contains("excalibur"), "{shown}");
    }
}
