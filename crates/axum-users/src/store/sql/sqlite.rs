//! SQLite by sqlx: readers side by side, one writer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, Connection, Row, Sqlite, SqlitePool,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
        SqliteSynchronous,
    },
};
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

/// One pool of readers, one of a single writer: SQLite has one writer at a time, and a queue in front of it is
/// faster and fairer than its busy handler.
pub(super) struct SqliteDriver {
    readers: SqlitePool,
    writer: SqlitePool,
    begin: &'static str,
}

/// IMMEDIATE takes the write lock at once: a transaction that reads first and writes later could be refused half-way,
/// whatever the busy timeout.
const BEGIN: &str = "BEGIN IMMEDIATE";

impl SqliteDriver {
    /// Opens or creates a database: write-ahead log, foreign keys on, every commit on the disk before it is
    /// acknowledged, patience with other processes.
    pub(super) async fn open(url: &str, options: &SqlOptions) -> Result<Self, BoxError> {
        let connect = url
            .parse::<SqliteConnectOptions>()?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(options.statement());
        let pool = |connections| {
            SqlitePoolOptions::new().max_connections(connections).acquire_timeout(options.acquire())
        };
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        if in_memory {
            // Each connection would be a database of its own, which lasts as long as the connection.
            let only = pool(1).min_connections(1).idle_timeout(None).max_lifetime(None);
            return Ok(Self::shared(only.connect_with(connect).await?));
        }
        // When the disk is full SQLite takes a transaction back by itself; the driver believes that it is still open, and
        // begins no other on that connection.
        let writer = pool(1).before_acquire(|connection, _| {
            let is_usable = !connection.is_in_transaction();
            Box::pin(std::future::ready(Ok(is_usable)))
        });
        let writer = connected(writer, &connect, options.statement()).await?;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let both = options.connections_or(u32::try_from(cores * 2).unwrap_or(4) + 1);
        if both == 1 {
            return Ok(Self::shared(writer));
        }
        Ok(Self { readers: pool(both - 1).connect_with(connect).await?, writer, begin: BEGIN })
    }

    /// Opens a database to read it only; one that does not exist is taken for an empty one.
    pub(super) async fn open_to_read(url: &str, options: &SqlOptions) -> Result<Self, BoxError> {
        let connect = url.parse::<SqliteConnectOptions>()?.busy_timeout(options.statement());
        let connect = match connect.get_filename() {
            file if file.exists() => connect.read_only(true),
            _ => SqliteConnectOptions::new(),
        };
        let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(options.acquire());
        let pool = pool.connect_with(connect).await?;
        Ok(Self { begin: "BEGIN", ..Self::shared(pool) })
    }

    /// Works on a pool of the application.
    pub(super) fn shared(pool: SqlitePool) -> Self {
        Self { readers: pool.clone(), writer: pool, begin: BEGIN }
    }
}

/// Connects, and again while another process switches a new file to the write-ahead log: for that it needs the file alone,
/// and SQLite refuses others at once, whatever the busy timeout (fault F-18).
async fn connected(
    pool: SqlitePoolOptions,
    connect: &SqliteConnectOptions,
    patience: Duration,
) -> Result<SqlitePool, sqlx::Error> {
    let start = Instant::now();
    loop {
        match pool.clone().connect_with(connect.clone()).await {
            Err(error) if is_busy(&error) && start.elapsed() < patience => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            other => return other,
        }
    }
}

/// `SQLITE_BUSY`, with any of its extended codes.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}

impl Driver for SqliteDriver {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn fetch<'a>(
        &'a self,
        sql: &'a Arc<str>,
        values: Values,
        kinds: &'a [Kind],
    ) -> BoxFuture<'a, Result<Vec<Values>, DriverError>> {
        Box::pin(async move { read_all(&bind(sql, values)?.fetch_all(&self.readers).await?, kinds) })
    }

    fn execute<'a>(&'a self, sql: &'a Arc<str>, values: Values) -> BoxFuture<'a, Result<u64, DriverError>> {
        Box::pin(async move { Ok(bind(sql, values)?.execute(&self.writer).await?.rows_affected()) })
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Transaction>, DriverError>> {
        Box::pin(async move {
            let transaction = self.writer.begin_with(self.begin).await?;
            Ok(Box::new(SqliteTransaction(transaction)) as Box<dyn Transaction>)
        })
    }
}

struct SqliteTransaction(sqlx::Transaction<'static, Sqlite>);

impl Transaction for SqliteTransaction {
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

fn bind(sql: &Arc<str>, values: Values) -> Result<Query<'static, Sqlite, SqliteArguments>, DriverError> {
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

fn read_all(rows: &[SqliteRow], kinds: &[Kind]) -> Result<Vec<Values>, DriverError> {
    let columns = |row| kinds.iter().enumerate().map(|(index, kind)| read(row, index, *kind)).collect();
    rows.iter().map(columns).collect()
}

/// What is stored decides, not the declared type: SQLite keeps what it was given.
fn read(row: &SqliteRow, index: usize, kind: Kind) -> Result<Value, DriverError> {
    let read_text = || row.try_get_unchecked::<Option<String>, _>(index);
    let value = match kind {
        Kind::Bool => row.try_get_unchecked::<Option<bool>, _>(index)?.map(Value::Bool),
        Kind::I32 | Kind::I64 => row.try_get_unchecked::<Option<i64>, _>(index)?.map(Value::Integer),
        Kind::Float => row.try_get_unchecked::<Option<f64>, _>(index)?.map(Value::Float),
        Kind::Bytes => row.try_get_unchecked::<Option<Vec<u8>>, _>(index)?.map(Value::Bytes),
        Kind::Text => read_text()?.map(Value::Text),
        Kind::Uuid => parsed(read_text()?, Uuid::try_parse)?.map(Value::Uuid),
        Kind::ObjectId => read_text()?.as_deref().map(text::read_object_id).transpose()?.map(Value::ObjectId),
        Kind::Date => parsed(read_text()?, text::read_date)?.map(Value::Date),
        Kind::Timestamp => parsed(read_text()?, text::read_timestamp)?.map(Value::Timestamp),
        Kind::Json => parsed(read_text()?, |text| serde_json::from_str(text))?.map(Value::Json),
    };
    Ok(value.unwrap_or(Value::Null))
}

fn parsed<T, E: std::error::Error + Send + Sync + 'static>(
    text: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, DriverError> {
    text.map(|text| parse(&text)).transpose().map_err(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_kind_survives_the_way_to_the_file_and_back() {
        let driver = SqliteDriver::open("sqlite::memory:", &SqlOptions::new()).await.unwrap();
        let values = vec![
            Value::Bool(true),
            Value::Integer(i64::MIN),
            Value::Float(0.1),
            Value::Text("ü".into()),
            Value::Bytes(vec![0, 255]),
            Value::Uuid(Uuid::from_u128(1)),
            Value::Date(time::macros::date!(2026 - 02 - 28)),
            Value::Timestamp(time::macros::datetime!(2026-02-28 12:00:00.000_001 UTC)),
            Value::Json(serde_json::json!({"a": [1, null]})),
            Value::Null,
        ];
        use Kind::{Bool, Bytes, Date, Float, I64, Json, Text, Timestamp, Uuid as Id};
        let kinds = [Bool, I64, Float, Text, Bytes, Id, Date, Timestamp, Json, Text];
        let sql = "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?".into();
        assert_eq!(driver.fetch(&sql, values.clone(), &kinds).await.unwrap(), [values]);
    }
}
