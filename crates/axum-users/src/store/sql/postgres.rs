//! PostgreSQL by sqlx, and past its pool what is read by a key.

mod binary;
mod connection;
mod line;
mod outdated;
mod pulse;
mod reads;
mod target;
mod tls;

use std::{sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, Encode, PgPool, Postgres, Row, Type, ValueRef,
    encode::IsNull,
    postgres::{
        PgArgumentBuffer, PgArguments, PgConnectOptions, PgPoolOptions, PgRow, PgTypeInfo, types::Oid,
    },
    query::Query,
};

use self::{
    outdated::{is_outdated, prepare_anew},
    reads::DirectReads,
};
use super::{
    dialect::Dialect,
    driver::{Driver, DriverError, Transaction, Values},
    options::SqlOptions,
};
use crate::{
    BoxError, BoxFuture,
    value::{Kind, Value},
};

/// How many connections one store has at most, if its options do not say.
const CONNECTIONS: u32 = 16;

pub(super) struct PostgresDriver {
    pool: PgPool,
    direct: Option<DirectReads>,
}

impl PostgresDriver {
    /// Connects; the URL's `sslmode` says how.
    pub(super) async fn open(url: &str, options: &SqlOptions) -> Result<Self, BoxError> {
        let connect: PgConnectOptions = url.parse()?;
        let wait = options.statement().as_millis().to_string();
        let connect = connect.application_name("axum-users").options([
            ("timezone", "UTC"),
            ("statement_timeout", &wait),
            ("lock_timeout", &wait),
        ]);
        let all = options.connections_or(CONNECTIONS);
        // The pool keeps most of them.
        let for_direct = if options.reads_directly() { (all / 2).min(2) } else { 0 };
        let direct = direct(&connect, for_direct, options.statement());
        let in_pool = if direct.is_some() { all - for_direct } else { all };
        let pool = PgPoolOptions::new().max_connections(in_pool).acquire_timeout(options.acquire());
        Ok(Self { pool: pool.connect_with(connect).await?, direct })
    }

    /// Works on a pool of the application.
    pub(super) const fn shared(pool: PgPool) -> Self {
        Self { pool, direct: None }
    }
}

/// What reads past the pool; nothing without connections, or where they could not be made in its way.
fn direct(pool: &PgConnectOptions, connections: u32, statement: Duration) -> Option<DirectReads> {
    if connections == 0 {
        return None;
    }
    let direct = DirectReads::new(pool, connections, statement);
    direct
        .inspect_err(|reason| {
            let reason = &**reason as &dyn std::error::Error;
            tracing::info!(reason, "reads by a key go through the pool");
        })
        .ok()
}

impl Driver for PostgresDriver {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn fetch<'a>(
        &'a self,
        sql: &'a Arc<str>,
        values: Values,
        kinds: &'a [Kind],
    ) -> BoxFuture<'a, Result<Vec<Values>, DriverError>> {
        Box::pin(async move {
            let mut connection = self.pool.acquire().await?;
            let rows = match bind(sql, values.clone()).fetch_all(&mut *connection).await {
                Err(error) if is_outdated(&error) => {
                    prepare_anew(&mut connection, &self.pool).await?;
                    bind(sql, values).fetch_all(&mut *connection).await
                }
                rows => rows,
            };
            read_all(&rows?, kinds)
        })
    }

    fn find<'a>(
        &'a self,
        sql: &'a Arc<str>,
        values: Values,
        kinds: &'a [Kind],
    ) -> BoxFuture<'a, Result<Option<Values>, DriverError>> {
        Box::pin(async move {
            if let Some(direct) = &self.direct {
                match direct.find(sql, &values, kinds).await {
                    Ok(row) => return Ok(row),
                    Err(reason) => {
                        let reason = &*reason as &dyn std::error::Error;
                        tracing::debug!(reason, "a read by a key goes through the pool");
                    }
                }
            }
            Ok(self.fetch(sql, values, kinds).await?.into_iter().next())
        })
    }

    fn execute<'a>(&'a self, sql: &'a Arc<str>, values: Values) -> BoxFuture<'a, Result<u64, DriverError>> {
        Box::pin(async move { Ok(bind(sql, values).execute(&self.pool).await?.rows_affected()) })
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Transaction>, DriverError>> {
        Box::pin(async move {
            let transaction = self.pool.begin().await?;
            let pool = self.pool.clone();
            Ok(Box::new(PostgresTransaction { transaction, pool }) as Box<dyn Transaction>)
        })
    }
}

struct PostgresTransaction {
    transaction: sqlx::Transaction<'static, Postgres>,
    pool: PgPool,
}

impl Transaction for PostgresTransaction {
    fn fetch<'a>(
        &'a mut self,
        sql: &'a Arc<str>,
        values: Values,
        kinds: &'a [Kind],
    ) -> BoxFuture<'a, Result<Vec<Values>, DriverError>> {
        Box::pin(async move {
            match bind(sql, values).fetch_all(&mut *self.transaction).await {
                Err(error) if is_outdated(&error) => {
                    prepare_anew(&mut self.transaction, &self.pool).await?;
                    Err(error.into())
                }
                rows => read_all(&rows?, kinds),
            }
        })
    }

    fn execute<'a>(
        &'a mut self,
        sql: &'a Arc<str>,
        values: Values,
    ) -> BoxFuture<'a, Result<u64, DriverError>> {
        Box::pin(async move { Ok(bind(sql, values).execute(&mut *self.transaction).await?.rows_affected()) })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), DriverError>> {
        Box::pin(async move { Ok(self.transaction.commit().await?) })
    }
}

/// A value of the type that the statement says.
struct Parameter(Value);

impl Type<Postgres> for Parameter {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Parameter {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxError> {
        match binary::write(&self.0, &mut **out) {
            Ok(true) => Ok(IsNull::No),
            Ok(false) => Ok(IsNull::Yes),
            Err(error) => Err(format!("{error:?}").into()),
        }
    }
}

/// The types that sqlx has for dates, times and JSON are features of it, which would change what the application's own queries
/// give.
fn bind(sql: &Arc<str>, values: Values) -> Query<'static, Postgres, PgArguments> {
    let query = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
    values.into_iter().fold(query, |query, value| query.bind(Parameter(value)))
}

fn read_all(rows: &[PgRow], kinds: &[Kind]) -> Result<Vec<Values>, DriverError> {
    let columns = |row| kinds.iter().enumerate().map(|(index, kind)| read(row, index, *kind)).collect();
    rows.iter().map(columns).collect()
}

fn read(row: &PgRow, index: usize, kind: Kind) -> Result<Value, DriverError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    binary::read(kind, raw.as_bytes().map_err(DriverError::Other)?)
}
