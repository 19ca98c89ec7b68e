//! MySQL and MariaDB by sqlx.

use std::sync::Arc;

use sqlx::{
    AssertSqlSafe, Column, Executor, MySql, MySqlPool, Row, TypeInfo, ValueRef,
    mysql::{MySqlArguments, MySqlConnectOptions, MySqlPoolOptions, MySqlRow},
    query::Query,
};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};
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

/// A limit for locks, in whole seconds, and one for statements, and an error for what does not fit. MariaDB reads what
/// stands behind `M!`, MySQL what stands behind `50708`.
fn settings(options: &SqlOptions) -> String {
    let milliseconds = options.statement().as_millis();
    format!(
        "SET innodb_lock_wait_timeout = {}, sql_mode = concat(@@sql_mode, ',STRICT_TRANS_TABLES') \
         /*M!, max_statement_time = {}.{:03} *//*!50708 , max_execution_time = {milliseconds} */",
        milliseconds.div_ceil(1000),
        milliseconds / 1000,
        milliseconds % 1000,
    )
}

pub(super) struct MysqlDriver(MySqlPool);

impl MysqlDriver {
    /// Connects; the URL's `ssl-mode` says how. The time zone is the server's, as it is for fastapi-users: that writes UTC
    /// into a column of type TIMESTAMP, which the zone of each session shifts. Our own columns have none.
    pub(super) async fn open(url: &str, options: &SqlOptions) -> Result<Self, BoxError> {
        let connect: MySqlConnectOptions = url.parse()?;
        let settings: Arc<str> = settings(options).into();
        let pool = MySqlPoolOptions::new()
            .max_connections(options.connections_or(CONNECTIONS))
            .acquire_timeout(options.acquire())
            .after_connect(move |connection, _| {
                let settings = AssertSqlSafe(Arc::clone(&settings));
                Box::pin(async move { connection.execute(settings).await.map(drop) })
            });
        Ok(Self(pool.connect_with(connect.timezone(None)).await?))
    }

    /// Works on a pool of the application.
    pub(super) const fn shared(pool: MySqlPool) -> Self {
        Self(pool)
    }
}

impl Driver for MysqlDriver {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
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
            Ok(Box::new(MysqlTransaction(transaction)) as Box<dyn Transaction>)
        })
    }
}

struct MysqlTransaction(sqlx::Transaction<'static, MySql>);

impl Transaction for MysqlTransaction {
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

/// Dates, times and JSON go as text, which the column makes its own: the features of sqlx for them would change what the
/// application's own queries give.
fn bind(sql: &Arc<str>, values: Values) -> Result<Query<'static, MySql, MySqlArguments>, DriverError> {
    let mut query = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
    for value in values {
        query = match value {
            Value::Null => query.bind(None::<String>),
            Value::Bool(value) => query.bind(value),
            Value::Integer(value) => query.bind(value),
            Value::Float(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
            Value::Uuid(value) => query.bind(value.hyphenated().to_string()),
            Value::ObjectId(value) => query.bind(value.to_string()),
            Value::Date(value) => query.bind(text::date(value).map_err(other)?),
            Value::Timestamp(value) => query.bind(text::timestamp(value).map_err(other)?),
            Value::Json(value) => query.bind(value.to_string()),
        };
    }
    Ok(query)
}

fn read_all(rows: &[MySqlRow], kinds: &[Kind]) -> Result<Vec<Values>, DriverError> {
    let columns = |row| kinds.iter().enumerate().map(|(index, kind)| read(row, index, *kind)).collect();
    rows.iter().map(columns).collect()
}

/// Integers are read in their width; adopted tables have other ones than those made here.
fn read(row: &MySqlRow, index: usize, kind: Kind) -> Result<Value, DriverError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let declared = row.try_column(index)?.type_info().name();
    let bytes = || row.try_get_unchecked::<&[u8], _>(index);
    let string = || row.try_get_unchecked::<String, _>(index);
    Ok(match kind {
        Kind::Bool => Value::Bool(row.try_get_unchecked::<i64, _>(index)? != 0),
        Kind::I32 | Kind::I64 => Value::Integer(row.try_get_unchecked(index)?),
        Kind::Float if declared == "FLOAT" => Value::Float(row.try_get_unchecked::<f32, _>(index)?.into()),
        Kind::Float => Value::Float(row.try_get_unchecked(index)?),
        Kind::Text => Value::Text(string()?),
        Kind::Bytes => Value::Bytes(row.try_get_unchecked(index)?),
        Kind::Uuid => Value::Uuid(Uuid::try_parse(&string()?).map_err(other)?),
        Kind::ObjectId => Value::ObjectId(text::read_object_id(&string()?)?),
        Kind::Date => Value::Date(moment(bytes()?).ok_or_else(out_of_range)?.date()),
        Kind::Timestamp => Value::Timestamp(moment(bytes()?).ok_or_else(out_of_range)?),
        Kind::Json => Value::Json(serde_json::from_slice(bytes()?).map_err(other)?),
    })
}

/// The binary form of a date, or of a date and time in UTC: its length, then year, month, day, and hour, minute, second,
/// and microseconds, each group left out if it and those behind it are zero.
fn moment(bytes: &[u8]) -> Option<OffsetDateTime> {
    let (_, fields) = bytes.split_first()?;
    let byte = |index: usize| fields.get(index).copied().unwrap_or(0);
    let year = i32::from(u16::from_le_bytes([byte(0), byte(1)]));
    let date = Date::from_calendar_date(year, Month::try_from(byte(2)).ok()?, byte(3)).ok()?;
    let microseconds = u32::from_le_bytes([byte(7), byte(8), byte(9), byte(10)]);
    let time = Time::from_hms_micro(byte(4), byte(5), byte(6), microseconds).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}

fn out_of_range() -> DriverError {
    DriverError::Other("a stored date or time is out of range".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn dates_and_times_have_four_lengths() {
        let day = [4, 0xEA, 0x07, 2, 28];
        let seconds = [7, 0xEA, 0x07, 2, 28, 12, 30, 59];
        let micros = [11, 0xEA, 0x07, 2, 28, 12, 30, 59, 0x40, 0xE2, 0x01, 0x00];
        assert_eq!(moment(&day), Some(datetime!(2026-02-28 00:00 UTC)));
        assert_eq!(moment(&seconds), Some(datetime!(2026-02-28 12:30:59 UTC)));
        assert_eq!(moment(&micros), Some(datetime!(2026-02-28 12:30:59.123_456 UTC)));
        assert_eq!(moment(&[0]), None, "0000-00-00 is no date");
        assert_eq!(moment(&[]), None);
    }
}
