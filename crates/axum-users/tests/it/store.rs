//! The conformance suite on every store of ours.

use axum_users::{MemoryStore, testing::store_tests};
use uuid::Uuid;

use crate::support::{Kind, Store};

store_tests!(memory_uuid, Uuid, MemoryStore::new());
store_tests!(memory_integer, i64, MemoryStore::new());
store_tests!(sqlite_uuid, Uuid, Store::open(Kind::Sqlite).await);
store_tests!(sqlite_integer, i64, Store::open(Kind::Sqlite).await);
store_tests!(postgres_uuid, Uuid, Store::open(Kind::Postgres).await);
store_tests!(postgres_integer, i64, Store::open(Kind::Postgres).await);
store_tests!(mariadb_uuid, Uuid, Store::open(Kind::Mariadb).await);
store_tests!(mariadb_integer, i64, Store::open(Kind::Mariadb).await);
