//! Reads by a key, done by the thread that asks: to hand them to another one costs more than they do.
//!
//! The pool stands behind it: what has no answer at once, for whatever reason, is asked of the pool. Files are not mapped into
//! memory: who cuts one off, or a disk that fails, would end the process.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, OpenFlags, Row, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    super::driver::{DriverError, Values, other},
    from_text, to_stored,
};
use crate::{
    BoxError,
    value::{Kind, Value},
};

/// How long a connection is used before it is looked whether its file is still where it was, and how long none is made after a
/// failure.
const MOMENT: Duration = Duration::from_secs(1);

/// How many statements a connection keeps: more than are asked for by a key.
const STATEMENTS: usize = 32;

/// At most as many connections as threads that ask at a time.
pub(super) struct DirectReads {
    file: PathBuf,
    places: Vec<Mutex<Place>>,
}

enum Place {
    /// Nothing is opened before this time.
    Closed(Instant),
    Open {
        connection: Connection,
        file: FileId,
        seen: Instant,
    },
}

/// Which file it is, whatever its name.
type FileId = Option<(u64, u64)>;

thread_local! {
    /// Which place this thread tries first.
    static NUMBER: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Relaxed)
    };
}

impl DirectReads {
    /// Reads a file over so many connections, made when there is something to read.
    pub(super) fn new(file: &Path, connections: u32) -> Self {
        let places = (0..connections).map(|_| Mutex::new(Place::Closed(Instant::now()))).collect();
        Self { file: file.to_owned(), places }
    }

    /// The row, if there is one; an error when the pool has to be asked.
    pub(super) fn find(
        &self,
        sql: &str,
        values: &[Value],
        kinds: &[Kind],
    ) -> Result<Option<Values>, BoxError> {
        let first = NUMBER.with(|number| *number).checked_rem(self.places.len()).unwrap_or_default();
        let (behind, ahead) = self.places.split_at(first);
        let mut free = ahead.iter().chain(behind).filter_map(|place| place.try_lock().ok());
        let mut place = free.next().ok_or("every connection is in use")?;
        if let Place::Open { file, seen, .. } = &mut *place
            && seen.elapsed() > MOMENT
        {
            *seen = Instant::now();
            if *file != id_of(&self.file) {
                *place = Place::Closed(Instant::now());
            }
        }
        match &*place {
            Place::Closed(until) if *until > Instant::now() => {
                return Err("the last connection failed".into());
            }
            Place::Closed(_) => {
                // Until it is known that it can be opened.
                *place = Place::Closed(Instant::now() + MOMENT);
                let file = id_of(&self.file);
                *place = Place::Open { connection: open(&self.file)?, file, seen: Instant::now() };
            }
            Place::Open { .. } => {}
        }
        let Place::Open { connection, .. } = &*place else { return Err("there is no connection".into()) };
        find(connection, sql, values, kinds).map_err(|failure| {
            if failure.is_of_the_connection() {
                *place = Place::Closed(Instant::now() + MOMENT);
            }
            failure.into()
        })
    }
}

/// Without leave to write; it could all the same, because the last one to close the file must tidy up the log.
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA query_only = ON")?;
    Ok(connection)
}

#[cfg(unix)]
fn id_of(file: &Path) -> FileId {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Elsewhere nobody takes away a file that is in use.
#[cfg(not(unix))]
fn id_of(_: &Path) -> FileId {
    None
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error("a value is stored in a form that the pool may read: {0:?}")]
    Value(DriverError),
}

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        Self::Value(error)
    }
}

impl Failure {
    /// Whether the next statement is likely to fail as well.
    fn is_of_the_connection(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        match self {
            Self::Database(error) => {
                !matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
            }
            Self::Value(_) => false,
        }
    }
}

fn find(
    connection: &Connection,
    sql: &str,
    values: &[Value],
    kinds: &[Kind],
) -> Result<Option<Values>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(values.iter().map(Bound)))?;
    rows.next()?.map(|row| read_all(row, kinds)).transpose()
}

/// A value as it is stored; texts are not copied.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        if let Value::Text(text) = self.0 {
            return Ok(text.as_str().into());
        }
        let failed = |error| rusqlite::Error::ToSqlConversionFailure(format!("{error:?}").into());
        to_stored(self.0.clone()).map(ToSqlOutput::Owned).map_err(failed)
    }
}

fn read_all(row: &Row<'_>, kinds: &[Kind]) -> Result<Values, Failure> {
    let mut values = Vec::with_capacity(kinds.len());
    for (index, kind) in kinds.iter().enumerate() {
        values.push(read(row.get_ref(index)?, *kind)?);
    }
    Ok(values)
}

/// What is stored as it should be. Whatever else SQLite may have kept is read by the pool.
fn read(stored: ValueRef<'_>, kind: Kind) -> Result<Value, DriverError> {
    Ok(match (stored, kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), Kind::Bool) => Value::Bool(number != 0),
        (ValueRef::Integer(number), Kind::I32 | Kind::I64) => Value::Integer(number),
        (ValueRef::Real(number), Kind::Float) => Value::Float(number),
        (ValueRef::Blob(bytes), Kind::Bytes) => Value::Bytes(bytes.to_vec()),
        (ValueRef::Text(text), kind) => from_text(str::from_utf8(text).map_err(other)?, kind)?,
        (odd, kind) => {
            return Err(DriverError::Other(format!("{} for {kind:?}", odd.data_type()).into()));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(folder: &tempfile::TempDir) -> (DirectReads, Connection) {
        let file = folder.path().join("users.db");
        let writer = Connection::open(&file).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (k TEXT, n INTEGER)").unwrap();
        writer.execute_batch("INSERT INTO t VALUES ('a', 1), ('odd', 'x')").unwrap();
        (DirectReads::new(&file, 2), writer)
    }

    fn number(reads: &DirectReads, key: &str) -> Result<Option<Values>, BoxError> {
        reads.find("SELECT n FROM t WHERE k = ?", &[Value::Text(key.to_owned())], &[Kind::I64])
    }

    #[test]
    fn what_was_committed_is_read_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (reads, writer) = reads(&folder);
        assert_eq!(number(&reads, "a").unwrap(), Some(vec![Value::Integer(1)]));
        assert_eq!(number(&reads, "b").unwrap(), None);
        writer.execute_batch("UPDATE t SET n = 2").unwrap();
        assert_eq!(number(&reads, "a").unwrap(), Some(vec![Value::Integer(2)]));
        assert!(reads.find("DELETE FROM t", &[], &[]).is_err());
        assert_eq!(writer.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
    }

    #[test]
    fn odd_values_are_left_to_the_pool() {
        let folder = tempfile::tempdir().unwrap();
        let (reads, writer) = reads(&folder);
        writer.execute_batch("UPDATE t SET n = 'x' WHERE k = 'odd'").unwrap();
        assert!(number(&reads, "odd").is_err());
        assert!(number(&reads, "a").is_ok(), "the connection goes on");
    }

    #[test]
    fn a_file_that_was_replaced_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (reads, writer) = reads(&folder);
        assert!(number(&reads, "a").is_ok());
        drop(writer);
        std::fs::remove_file(folder.path().join("users.db")).unwrap();
        let _ = std::fs::remove_file(folder.path().join("users.db-wal"));
        let _ = std::fs::remove_file(folder.path().join("users.db-shm"));
        std::thread::sleep(MOMENT + Duration::from_millis(100));
        assert!(number(&reads, "a").is_err(), "there is no file");
        let writer = Connection::open(folder.path().join("users.db")).unwrap();
        writer.execute_batch("CREATE TABLE t (k TEXT, n INTEGER); INSERT INTO t VALUES ('a', 7)").unwrap();
        std::thread::sleep(MOMENT + Duration::from_millis(100));
        assert_eq!(number(&reads, "a").unwrap(), Some(vec![Value::Integer(7)]));
    }

    #[test]
    fn who_closes_the_file_last_leaves_no_log() {
        let folder = tempfile::tempdir().unwrap();
        let (reads, writer) = reads(&folder);
        assert!(number(&reads, "a").is_ok());
        drop(writer);
        assert!(folder.path().join("users.db-wal").exists());
        drop(reads);
        assert!(!folder.path().join("users.db-wal").exists(), "a copy of the file would lack what is in it");
    }

    #[test]
    fn threads_read_side_by_side_or_are_sent_to_the_pool() {
        let folder = tempfile::tempdir().unwrap();
        let (reads, _writer) = reads(&folder);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut left = 100;
                    while left > 0 {
                        match number(&reads, "a") {
                            Ok(row) => {
                                assert_eq!(row, Some(vec![Value::Integer(1)]));
                                left -= 1;
                            }
                            Err(_) => std::thread::yield_now(),
                        }
                    }
                });
            }
        });
    }
}
