//! PostgreSQL by sqlx.

use std::sync::Arc;

use sqlx::{
    AssertSqlSafe, Column, Encode, PgPool, Postgres, Row, Type, TypeInfo, ValueRef,
    encode::IsNull,
    postgres::{
        PgArgumentBuffer, PgArguments, PgConnectOptions, PgPoolOptions, PgRow, PgTypeInfo, types::Oid,
    },
    query::Query,
};
use time::{Date, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::{
    dialect::Dialect,
    driver::{Driver, DriverError, Transaction, Values, other},
    options::SqlOptions,
    text,
};
use crate::{
    BoxError, BoxFuture,
    value::{Kind, Value},
};

/// How many connections one store has at most, if its options do not say.
const CONNECTIONS: u32 = 16;

/// The time from which PostgreSQL counts.
const EPOCH: OffsetDateTime = datetime!(2000-01-01 00:00 UTC);

pub(super) struct PostgresDriver(PgPool);

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
        let pool = PgPoolOptions::new()
            .max_connections(options.connections_or(CONNECTIONS))
            .acquire_timeout(options.acquire());
        Ok(Self(pool.connect_with(connect).await?))
    }

    /// Works on a pool of the application.
    pub(super) const fn shared(pool: PgPool) -> Self {
        Self(pool)
    }
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
        Box::pin(async move { read_all(&bind(sql, values)?.fetch_all(&self.0).await?, kinds) })
    }

    fn execute<'a>(&'a self, sql: &'a Arc<str>, values: Values) -> BoxFuture<'a, Result<u64, DriverError>> {
        Box::pin(async move { Ok(bind(sql, values)?.execute(&self.0).await?.rows_affected()) })
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Transaction>, DriverError>> {
        Box::pin(async move {
            let transaction = self.0.begin().await?;
            Ok(Box::new(PostgresTransaction(transaction)) as Box<dyn Transaction>)
        })
    }
}

struct PostgresTransaction(sqlx::Transaction<'static, Postgres>);

impl Transaction for PostgresTransaction {
    fn fetch<'a>(
        &'a mut self,
        sql: &'a Arc<str>,
        values: Values,
        kinds: &'a [Kind],
    ) -> BoxFuture<'a, Result<Vec<Values>, DriverError>> {
        Box::pin(async move { read_all(&bind(sql, values)?.fetch_all(&mut *self.0).await?, kinds) })
    }

    fn execute<'a>(
        &'a mut self,
        sql: &'a Arc<str>,
        values: Values,
    ) -> BoxFuture<'a, Result<u64, DriverError>> {
        Box::pin(async move { Ok(bind(sql, values)?.execute(&mut *self.0).await?.rows_affected()) })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), DriverError>> {
        Box::pin(async move { Ok(self.0.commit().await?) })
    }
}

/// A `NULL` of the type that the statement says.
struct Null;

impl Type<Postgres> for Null {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Null {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxError> {
        Ok(IsNull::Yes)
    }
}

/// Dates, times and JSON go as text that the statement casts: the features of sqlx for them would change what the
/// application's own queries give.
fn bind(sql: &Arc<str>, values: Values) -> Result<Query<'static, Postgres, PgArguments>, DriverError> {
    let mut query = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
    for value in values {
        query = match value {
            Value::Null => query.bind(Null),
            Value::Bool(value) => query.bind(value),
            Value::Integer(value) => query.bind(value),
            Value::Float(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
            Value::Uuid(value) => query.bind(value),
            Value::ObjectId(value) => query.bind(value.to_string()),
            Value::Date(value) => query.bind(text::date(value).map_err(other)?),
            Value::Timestamp(value) => query.bind(text::timestamp(value).map_err(other)? + "+00"),
            Value::Json(value) => query.bind(value.to_string()),
        };
    }
    Ok(query)
}

fn read_all(rows: &[PgRow], kinds: &[Kind]) -> Result<Vec<Values>, DriverError> {
    let columns = |row| kinds.iter().enumerate().map(|(index, kind)| read(row, index, *kind)).collect();
    rows.iter().map(columns).collect()
}

/// The declared type decides how a column is read: adopted tables have other ones than those made here.
fn read(row: &PgRow, index: usize, kind: Kind) -> Result<Value, DriverError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let declared = row.try_column(index)?.type_info().name();
    let bytes = || raw.as_bytes().map_err(DriverError::Other);
    Ok(match (kind, declared) {
        (Kind::Bool, _) => Value::Bool(row.try_get_unchecked(index)?),
        (Kind::I32 | Kind::I64, "INT2") => Value::Integer(row.try_get_unchecked::<i16, _>(index)?.into()),
        (Kind::I32 | Kind::I64, "INT4") => Value::Integer(row.try_get_unchecked::<i32, _>(index)?.into()),
        (Kind::I32 | Kind::I64, _) => Value::Integer(row.try_get_unchecked(index)?),
        (Kind::Float, "FLOAT4") => Value::Float(row.try_get_unchecked::<f32, _>(index)?.into()),
        (Kind::Float, _) => Value::Float(row.try_get_unchecked(index)?),
        (Kind::Bytes, _) => Value::Bytes(row.try_get_unchecked(index)?),
        (Kind::Uuid, "UUID") => Value::Uuid(row.try_get_unchecked(index)?),
        (Kind::Uuid, _) => {
            Value::Uuid(Uuid::try_parse(&row.try_get_unchecked::<String, _>(index)?).map_err(other)?)
        }
        (Kind::Text, _) => Value::Text(row.try_get_unchecked(index)?),
        (Kind::ObjectId, _) => {
            Value::ObjectId(text::read_object_id(&row.try_get_unchecked::<String, _>(index)?)?)
        }
        (Kind::Date, _) => Value::Date(date(bytes()?).ok_or_else(out_of_range)?),
        (Kind::Timestamp, _) => Value::Timestamp(timestamp(bytes()?).ok_or_else(out_of_range)?),
        // The binary form of JSONB begins with its version.
        (Kind::Json, "JSONB") => {
            Value::Json(serde_json::from_slice(bytes()?.get(1..).unwrap_or_default()).map_err(other)?)
        }
        (Kind::Json, _) => Value::Json(serde_json::from_slice(bytes()?).map_err(other)?),
    })
}

/// Days since the epoch.
fn date(bytes: &[u8]) -> Option<Date> {
    let days = i32::from_be_bytes(bytes.try_into().ok()?);
    EPOCH.date().checked_add(time::Duration::days(days.into()))
}

/// Microseconds since the epoch.
fn timestamp(bytes: &[u8]) -> Option<OffsetDateTime> {
    let microseconds = i64::from_be_bytes(bytes.try_into().ok()?);
    EPOCH.checked_add(time::Duration::microseconds(microseconds))
}

fn out_of_range() -> DriverError {
    DriverError::Other("a stored date or time is out of range".into())
}
