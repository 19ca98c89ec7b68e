//! SQLite by sqlx: readers side by side, one writer; and past the pool what is read by a key.

mod reads;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::types::Value as Stored;
use sqlx::{
    AssertSqlSafe, Connection, Row, Sqlite, SqlitePool,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
        SqliteSynchronous,
    },
};
use uuid::Uuid;

use self::reads::DirectReads;
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
    /// Closed first: who closes the file last tidies up the log, and waits for it.
    direct: Option<DirectReads>,
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
        let cores = u32::try_from(cores).unwrap_or(2);
        let all = options.connections_or(cores * 2 + 1);
        if all == 1 {
            return Ok(Self::shared(writer));
        }
        let may_be_direct = options.reads_directly() && is_plain(url);
        let for_direct = if may_be_direct { cores.min((all - 1) / 2) } else { 0 };
        let direct = (for_direct > 0).then(|| DirectReads::new(connect.get_filename(), for_direct));
        let readers = pool(all - 1 - for_direct).connect_with(connect).await?;
        Ok(Self { direct, readers, writer, begin: BEGIN })
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
        Self { direct: None, readers: pool.clone(), writer: pool, begin: BEGIN }
    }
}

/// Whether the URL names a file and says nothing of how it is opened, but that it is written to.
fn is_plain(url: &str) -> bool {
    let (file, parameters) = url.split_once('?').unwrap_or((url, ""));
    !file.contains("file:") && matches!(parameters, "" | "mode=rwc" | "mode=rw")
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

    fn find<'a>(
        &'a self,
        sql: &'a Arc<str>,
        values: Values,
        kinds: &'a [Kind],
    ) -> BoxFuture<'a, Result<Option<Values>, DriverError>> {
        Box::pin(async move {
            if let Some(direct) = &self.direct {
                match direct.find(sql, &values, kinds) {
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
        query = match to_stored(value)? {
            Stored::Null => query.bind(None::<String>),
            Stored::Integer(value) => query.bind(value),
            Stored::Real(value) => query.bind(value),
            Stored::Text(value) => query.bind(value),
            Stored::Blob(value) => query.bind(value),
        };
    }
    Ok(query)
}

/// The form in which SQLite keeps a value.
fn to_stored(value: Value) -> Result<Stored, DriverError> {
    Ok(match value {
        Value::Null => Stored::Null,
        Value::Bool(value) => Stored::Integer(value.into()),
        Value::Integer(value) => Stored::Integer(value),
        Value::Float(value) => Stored::Real(value),
        Value::Text(value) => Stored::Text(value),
        Value::Bytes(value) => Stored::Blob(value),
        Value::Uuid(value) => Stored::Text(value.hyphenated().to_string()),
        Value::ObjectId(value) => Stored::Text(value.to_string()),
        Value::Date(value) => Stored::Text(text::date(value).map_err(other)?),
        Value::Timestamp(value) => Stored::Text(text::timestamp(value).map_err(other)?),
        Value::Json(value) => Stored::Text(value.to_string()),
    })
}

/// What is kept as text. A text that should be something else is an error.
fn from_text(text: &str, kind: Kind) -> Result<Value, DriverError> {
    Ok(match kind {
        Kind::Text => Value::Text(text.to_owned()),
        Kind::Uuid => Value::Uuid(Uuid::try_parse(text).map_err(other)?),
        Kind::ObjectId => Value::ObjectId(text::read_object_id(text)?),
        Kind::Date => Value::Date(text::read_date(text).map_err(other)?),
        Kind::Timestamp => Value::Timestamp(text::read_timestamp(text).map_err(other)?),
        Kind::Json => Value::Json(serde_json::from_str(text).map_err(other)?),
        Kind::Bool | Kind::I32 | Kind::I64 | Kind::Float | Kind::Bytes => {
            return Err(DriverError::Other("a stored text is where something else should be".into()));
        }
    })
}

fn read_all(rows: &[SqliteRow], kinds: &[Kind]) -> Result<Vec<Values>, DriverError> {
    let columns = |row| kinds.iter().enumerate().map(|(index, kind)| read(row, index, *kind)).collect();
    rows.iter().map(columns).collect()
}

/// What is stored decides, not the declared type: SQLite keeps what it was given.
fn read(row: &SqliteRow, index: usize, kind: Kind) -> Result<Value, DriverError> {
    let value = match kind {
        Kind::Bool => row.try_get_unchecked::<Option<bool>, _>(index)?.map(Value::Bool),
        Kind::I32 | Kind::I64 => row.try_get_unchecked::<Option<i64>, _>(index)?.map(Value::Integer),
        Kind::Float => row.try_get_unchecked::<Option<f64>, _>(index)?.map(Value::Float),
        Kind::Bytes => row.try_get_unchecked::<Option<Vec<u8>>, _>(index)?.map(Value::Bytes),
        Kind::Text | Kind::Uuid | Kind::ObjectId | Kind::Date | Kind::Timestamp | Kind::Json => {
            let text = row.try_get_unchecked::<Option<String>, _>(index)?;
            text.map(|text| from_text(&text, kind)).transpose()?
        }
    };
    Ok(value.unwrap_or(Value::Null))
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
