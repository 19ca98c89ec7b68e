//! Any store, seen from outside: its calls are counted, and it fails or waits when told to.

use std::{
    collections::HashSet,
    path::Path,
    str::FromStr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum_users::{
    AuditEvent, AuditFilter, AuditStore, Bucket, Changes, DeadJob, Found, JobCounts, JobStore, LeasedJob,
    LimitStore, MemoryStore, MongoStore, NewJob, NewToken, NewUser, NoProfile, OAuthAccount, OAuthStore,
    PasswordHash, Profile, SqlStore, StoreError, TokenStore, User, UserStore,
};
use axum_users_testkit::{mariadb_database, mongodb_database, postgres_schema};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
    Postgres,
    Mariadb,
    Mongodb,
}

/// An SQLite file that lives as long as the test.
pub(crate) struct Database {
    folder: TempDir,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("users.db")
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    /// A connection of somebody else, as another program would open the file: foreign keys off.
    pub(crate) async fn foreign(&self) -> SqlitePool {
        Self::connect(&self.path()).await
    }

    async fn connect(path: &Path) -> SqlitePool {
        let options = SqliteConnectOptions::from_str(&format!("sqlite:{}", path.display())).unwrap();
        SqlitePool::connect_with(options.create_if_missing(true).foreign_keys(false)).await.unwrap()
    }
}

/// One of the stores, and what the test does to it.
#[derive(Clone)]
pub(crate) struct Store<P: Profile = NoProfile> {
    inner: Inner<P>,
    probe: Arc<Probe>,
    pub(crate) database: Option<Arc<Database>>,
}

#[derive(Clone)]
enum Inner<P: Profile> {
    Memory(MemoryStore<P>),
    Sql(SqlStore<P>),
    Mongo(MongoStore<P>),
}

#[derive(Default)]
struct Probe {
    calls: Mutex<Vec<&'static str>>,
    failing: Mutex<HashSet<&'static str>>,
    closed: watch::Sender<Option<&'static str>>,
    tokens: Mutex<Vec<String>>,
}

/// Stands for every verb.
const ALL: &str = "*";

impl<P: Profile> Store<P> {
    pub(crate) async fn open(kind: Kind) -> Self {
        let database = matches!(kind, Kind::Sqlite).then(|| Arc::new(Database::new()));
        let inner = match (kind, &database) {
            (_, Some(database)) => Inner::Sql(SqlStore::open(&database.url()).await.unwrap()),
            (Kind::Postgres, _) => {
                Inner::Sql(SqlStore::open(&postgres_schema().await.unwrap()).await.unwrap())
            }
            (Kind::Mariadb, _) => {
                Inner::Sql(SqlStore::open(&mariadb_database().await.unwrap()).await.unwrap())
            }
            (Kind::Mongodb, _) => Inner::Mongo(MongoStore::open(&mongodb_database().unwrap()).await.unwrap()),
            _ => Inner::Memory(MemoryStore::new()),
        };
        Self { inner, probe: Arc::default(), database }
    }

    /// From now on every verb fails.
    pub(crate) fn break_down(&self) {
        self.fail_on(ALL);
    }

    /// From now on this verb fails.
    pub(crate) fn fail_on(&self, verb: &'static str) {
        self.probe.failing.lock().unwrap().insert(verb);
    }

    pub(crate) fn recover(&self) {
        self.probe.failing.lock().unwrap().clear();
    }

    /// From now on this verb waits until [`open_gate`](Self::open_gate).
    pub(crate) fn close_gate(&self, verb: &'static str) {
        self.probe.closed.send_replace(Some(verb));
    }

    pub(crate) fn open_gate(&self) {
        self.probe.closed.send_replace(None);
    }

    /// The verbs called since the last time.
    pub(crate) fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.probe.calls.lock().unwrap())
    }

    pub(crate) fn was_called(&self, verb: &str) -> bool {
        self.probe.calls.lock().unwrap().contains(&verb)
    }

    /// Every token ever handed to the token store.
    pub(crate) fn stored_tokens(&self) -> Vec<String> {
        self.probe.tokens.lock().unwrap().clone()
    }

    /// The same store without counts, failures and gates: another node, or another program.
    pub(crate) fn ungated(&self) -> Self {
        Self { inner: self.inner.clone(), probe: Arc::default(), database: self.database.clone() }
    }

    async fn enter(&self, verb: &'static str) -> Result<(), StoreError> {
        self.probe.calls.lock().unwrap().push(verb);
        self.pass(verb).await
    }

    /// The same without counting.
    async fn pass(&self, verb: &'static str) -> Result<(), StoreError> {
        self.probe.closed.subscribe().wait_for(|closed| *closed != Some(verb)).await.unwrap();
        let failing = self.probe.failing.lock().unwrap();
        if failing.contains(verb) || failing.contains(ALL) {
            return Err(StoreError::Backend("as the test asked".into()));
        }
        Ok(())
    }
}

macro_rules! delegate {
    ($self:ident, $verb:literal, $method:path $(, $argument:expr)*) => {{
        $self.enter($verb).await?;
        match &$self.inner {
            Inner::Memory(store) => $method(store $(, $argument)*).await,
            Inner::Sql(store) => $method(store $(, $argument)*).await,
            Inner::Mongo(store) => $method(store $(, $argument)*).await,
        }
    }};
}

impl<P: Profile> UserStore<P> for Store<P> {
    async fn get(&self, id: &P::Id) -> Result<Option<User<P>>, StoreError> {
        delegate!(self, "get", UserStore::get, id)
    }
    async fn get_by_email(&self, email: &str) -> Result<Option<User<P>>, StoreError> {
        delegate!(self, "get_by_email", UserStore::get_by_email, email)
    }
    async fn list(&self, after: Option<&P::Id>, limit: u32) -> Result<Vec<User<P>>, StoreError> {
        delegate!(self, "list", UserStore::list, after, limit)
    }
    async fn insert(&self, user: NewUser<P>) -> Result<User<P>, StoreError> {
        delegate!(self, "insert", UserStore::insert, user)
    }
    async fn insert_hidden(&self, user: NewUser<P>) -> Result<User<P>, StoreError> {
        delegate!(self, "insert_hidden", UserStore::insert_hidden, user)
    }
    async fn update(&self, id: &P::Id, changes: &Changes) -> Result<Option<User<P>>, StoreError> {
        delegate!(self, "update", UserStore::update, id, changes)
    }
    async fn delete(&self, id: &P::Id) -> Result<bool, StoreError> {
        delegate!(self, "delete", UserStore::delete, id)
    }
    async fn revoke(&self, digest: &str, expires_at: OffsetDateTime) -> Result<bool, StoreError> {
        self.probe.tokens.lock().unwrap().push(digest.to_owned());
        delegate!(self, "revoke", UserStore::<P>::revoke, digest, expires_at)
    }
    async fn get_unless_revoked(&self, id: &P::Id, digest: &str) -> Result<Option<User<P>>, StoreError> {
        delegate!(self, "get_unless_revoked", UserStore::get_unless_revoked, id, digest)
    }
    /// Uncounted: it belongs to no request.
    async fn sample_hashes(&self, limit: u32) -> Result<Vec<PasswordHash>, StoreError> {
        self.pass("sample_hashes").await?;
        match &self.inner {
            Inner::Memory(store) => store.sample_hashes(limit).await,
            Inner::Sql(store) => store.sample_hashes(limit).await,
            Inner::Mongo(store) => store.sample_hashes(limit).await,
        }
    }
}

impl<P: Profile> TokenStore<P> for Store<P> {
    async fn insert(&self, new: NewToken<'_, P>) -> Result<(), StoreError> {
        self.probe.tokens.lock().unwrap().push(new.token.to_owned());
        delegate!(self, "insert_token", TokenStore::insert, new)
    }
    async fn find(
        &self,
        token: &str,
        not_before: Option<OffsetDateTime>,
    ) -> Result<Option<Found<P>>, StoreError> {
        delegate!(self, "find_token", TokenStore::find, token, not_before)
    }
    async fn created_at(&self, token: &str) -> Result<Option<OffsetDateTime>, StoreError> {
        delegate!(self, "token_created_at", TokenStore::<P>::created_at, token)
    }
    async fn remove(&self, token: &str) -> Result<bool, StoreError> {
        delegate!(self, "remove_token", TokenStore::<P>::remove, token)
    }
    async fn remove_all(&self, user: &P::Id) -> Result<(), StoreError> {
        delegate!(self, "remove_tokens", TokenStore::remove_all, user)
    }
    async fn remove_expired(&self, now: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        delegate!(self, "remove_expired", TokenStore::<P>::remove_expired, now, limit)
    }
}

impl<P: Profile> OAuthStore<P> for Store<P> {
    async fn get_by_account(&self, name: &str, account: &str) -> Result<Option<User<P>>, StoreError> {
        delegate!(self, "get_by_account", OAuthStore::get_by_account, name, account)
    }
    async fn accounts(&self, user: &P::Id) -> Result<Vec<OAuthAccount>, StoreError> {
        delegate!(self, "accounts", OAuthStore::accounts, user)
    }
    async fn insert_with_account(
        &self,
        user: NewUser<P>,
        account: &OAuthAccount,
    ) -> Result<User<P>, StoreError> {
        delegate!(self, "insert_with_account", OAuthStore::insert_with_account, user, account)
    }
    async fn put_account(&self, user: &P::Id, account: &OAuthAccount) -> Result<(), StoreError> {
        delegate!(self, "put_account", OAuthStore::put_account, user, account)
    }
    async fn update_with_only_account(
        &self,
        user: &P::Id,
        changes: &Changes,
        account: &OAuthAccount,
    ) -> Result<Option<User<P>>, StoreError> {
        delegate!(
            self,
            "update_with_only_account",
            OAuthStore::update_with_only_account,
            user,
            changes,
            account
        )
    }
    async fn remove_account(
        &self,
        user: &P::Id,
        name: &str,
        account: &str,
        keep_last: bool,
    ) -> Result<bool, StoreError> {
        delegate!(self, "remove_account", OAuthStore::remove_account, user, name, account, keep_last)
    }
}

/// Uncounted, and not for MongoDB.
macro_rules! limits {
    ($self:ident, $verb:path, $arguments:expr) => {
        match &$self.inner {
            Inner::Memory(store) => $verb(store, $arguments).await,
            Inner::Sql(store) => $verb(store, $arguments).await,
            Inner::Mongo(_) => panic!("MongoDB keeps no limits"),
        }
    };
}

impl<P: Profile> LimitStore for Store<P> {
    async fn take(&self, buckets: &[Bucket]) -> Result<Vec<Duration>, StoreError> {
        limits!(self, LimitStore::take, buckets)
    }
    async fn give_back(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        limits!(self, LimitStore::give_back, buckets)
    }
    async fn forget(&self, keys: &[String]) -> Result<(), StoreError> {
        limits!(self, LimitStore::forget, keys)
    }
    async fn remove_expired(&self, limit: u32) -> Result<u64, StoreError> {
        limits!(self, LimitStore::remove_expired, limit)
    }
}

impl<P: Profile> JobStore for Store<P> {
    async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
        delegate!(self, "enqueue", JobStore::enqueue, job)
    }
    /// Uncounted: a worker looks for jobs whenever it likes.
    async fn lease(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<LeasedJob>, StoreError> {
        self.pass("lease_jobs").await?;
        match &self.inner {
            Inner::Memory(store) => store.lease(now, until, limit).await,
            Inner::Sql(store) => store.lease(now, until, limit).await,
            Inner::Mongo(store) => store.lease(now, until, limit).await,
        }
    }
    async fn finish(&self, job: &LeasedJob) -> Result<bool, StoreError> {
        delegate!(self, "finish_job", JobStore::finish, job)
    }
    async fn retry(&self, job: &LeasedJob, due_at: OffsetDateTime) -> Result<bool, StoreError> {
        delegate!(self, "retry_job", JobStore::retry, job, due_at)
    }
    async fn bury(&self, job: &LeasedJob, now: OffsetDateTime, reason: &str) -> Result<bool, StoreError> {
        delegate!(self, "bury_job", JobStore::bury, job, now, reason)
    }
    async fn dead(&self, limit: u32) -> Result<Vec<DeadJob>, StoreError> {
        delegate!(self, "dead_jobs", JobStore::dead, limit)
    }
    async fn revive(&self, id: Uuid, now: OffsetDateTime) -> Result<bool, StoreError> {
        delegate!(self, "revive_job", JobStore::revive, id, now)
    }
    async fn remove_dead(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        match &self.inner {
            Inner::Memory(store) => store.remove_dead(before).await,
            Inner::Sql(store) => store.remove_dead(before).await,
            Inner::Mongo(store) => store.remove_dead(before).await,
        }
    }
    async fn count(&self) -> Result<JobCounts, StoreError> {
        delegate!(self, "count_jobs", JobStore::count)
    }
}

impl<P: Profile> AuditStore for Store<P> {
    async fn record(&self, events: &[AuditEvent]) -> Result<(), StoreError> {
        delegate!(self, "record_events", AuditStore::record, events)
    }
    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        delegate!(self, "list_events", AuditStore::list, filter, after, limit)
    }
    async fn remove_before(&self, time: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        delegate!(self, "remove_events", AuditStore::remove_before, time, limit)
    }
}
