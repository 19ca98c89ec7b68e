//! The conformance suite on every store of ours.

use std::time::Duration;

use axum_users::{
    MemoryStore, NewUser, NoProfile, ObjectId, PasswordHash, UserStore, limit_store_tests,
    testing::{Limits, Sample, audit_store_tests, job_store_tests, oauth_store_tests, store_tests},
};
use time::OffsetDateTime;
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
store_tests!(mongodb_object_id, ObjectId, Store::open(Kind::Mongodb).await, milliseconds());
store_tests!(mongodb_uuid, Uuid, Store::open(Kind::Mongodb).await, milliseconds());
// Ids of MongoDB in other databases.
store_tests!(memory_object_id, ObjectId, MemoryStore::new());
store_tests!(sqlite_object_id, ObjectId, Store::open(Kind::Sqlite).await);
store_tests!(postgres_object_id, ObjectId, Store::open(Kind::Postgres).await);
store_tests!(mariadb_object_id, ObjectId, Store::open(Kind::Mariadb).await);

oauth_store_tests!(accounts_in_memory_uuid, Uuid, MemoryStore::new());
oauth_store_tests!(accounts_in_memory_integer, i64, MemoryStore::new());
oauth_store_tests!(accounts_in_sqlite_uuid, Uuid, Store::open(Kind::Sqlite).await);
oauth_store_tests!(accounts_in_sqlite_integer, i64, Store::open(Kind::Sqlite).await);
oauth_store_tests!(accounts_in_postgres_uuid, Uuid, Store::open(Kind::Postgres).await);
oauth_store_tests!(accounts_in_postgres_integer, i64, Store::open(Kind::Postgres).await);
oauth_store_tests!(accounts_in_mariadb_uuid, Uuid, Store::open(Kind::Mariadb).await);
oauth_store_tests!(accounts_in_mariadb_integer, i64, Store::open(Kind::Mariadb).await);
oauth_store_tests!(accounts_in_mongodb_object_id, ObjectId, Store::open(Kind::Mongodb).await, milliseconds());
oauth_store_tests!(accounts_in_mongodb_uuid, Uuid, Store::open(Kind::Mongodb).await, milliseconds());

job_store_tests!(jobs_in_memory, MemoryStore::<NoProfile>::new());
job_store_tests!(jobs_in_sqlite, Store::<NoProfile>::open(Kind::Sqlite).await);
job_store_tests!(jobs_in_postgres, Store::<NoProfile>::open(Kind::Postgres).await);
job_store_tests!(jobs_in_mariadb, Store::<NoProfile>::open(Kind::Mariadb).await);
job_store_tests!(jobs_in_mongodb, Store::<NoProfile>::open(Kind::Mongodb).await);

audit_store_tests!(events_in_memory, MemoryStore::<NoProfile>::new());
audit_store_tests!(events_in_sqlite, Store::<NoProfile>::open(Kind::Sqlite).await);
audit_store_tests!(events_in_postgres, Store::<NoProfile>::open(Kind::Postgres).await);
audit_store_tests!(events_in_mariadb, Store::<NoProfile>::open(Kind::Mariadb).await);
audit_store_tests!(events_in_mongodb, Store::<NoProfile>::open(Kind::Mongodb).await);
limit_store_tests!(limits_in_memory, MemoryStore::<NoProfile>::new());
limit_store_tests!(limits_in_sqlite, Store::<NoProfile>::open(Kind::Sqlite).await);
limit_store_tests!(limits_in_postgres, Store::<NoProfile>::open(Kind::Postgres).await);
limit_store_tests!(limits_in_mariadb, Store::<NoProfile>::open(Kind::Mariadb).await);

fn milliseconds() -> Limits {
    Limits::default().timestamp(Duration::from_millis(1))
}

/// Who came first came from elsewhere, with other hashes.
#[tokio::test]
async fn log_2_samples_hold_hashes_of_every_age() {
    for kind in [Kind::Memory, Kind::Sqlite, Kind::Postgres, Kind::Mariadb] {
        let store = Store::<Sample<i64>>::open(kind).await;
        for number in 0..60 {
            let new = NewUser {
                id: None,
                email: format!("knight{number}@camelot.bt"),
                hashed_password: PasswordHash::new(if number < 45 { "old" } else { "new" }),
                is_active: true,
                is_superuser: false,
                is_verified: false,
                profile: Sample::default(),
            };
            UserStore::insert(&store, new).await.unwrap();
        }
        let sample = store.sample_hashes(20).await.unwrap();
        let old = sample.iter().filter(|hash| hash.as_str() == "old").count();
        assert!((10..=20).contains(&sample.len()), "{kind:?}: {}", sample.len());
        assert!((old * 4).abs_diff(sample.len() * 3) <= 4, "{kind:?}: {old} of {}", sample.len());
    }
}

#[tokio::test]
async fn a_digest_whose_time_has_passed_is_new_again() {
    for kind in [Kind::Memory, Kind::Sqlite, Kind::Postgres, Kind::Mariadb, Kind::Mongodb] {
        let store = Store::<Sample<Uuid>>::open(kind).await;
        let now = OffsetDateTime::now_utc();
        let (past, later) = (now - Duration::from_secs(1), now + Duration::from_secs(3600));
        for (expires_at, is_first) in [(past, true), (past, true), (later, true), (past, false)] {
            assert_eq!(store.revoke("digest", expires_at).await.unwrap(), is_first, "{kind:?}");
        }
    }
}
