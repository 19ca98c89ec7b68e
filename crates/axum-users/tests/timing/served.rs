//! Applications that listen, with users of every kind.

use std::net::{Ipv4Addr, SocketAddr};

use axum_users::{
    Backend, Bearer, DuplicateRegistration, JobOptions, JobStore, Jwt, MongoStore, NewUser, NoProfile,
    PasswordHash, Policy, RateLimits, SqlStore, UserStore, Users,
    password::{Argon2id, PasswordHasher},
};
use axum_users_testkit::{mariadb_database, mongodb_database, postgres_schema};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const SECRET: &str = "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f";
/// New hashes take one to two milliseconds, so that what comes beside them shows more than in production.
pub(crate) const NEW: Argon2id = Argon2id { memory_kib: 16_384, iterations: 1, ..Argon2id::secure() };
/// Those of users who come from another application.
pub(crate) const IMPORTED: Argon2id = Argon2id { memory_kib: 32_768, parallelism: 4, ..NEW };
/// `guinevere1` by bcrypt with cost 6.
pub(crate) const BCRYPT: &str = "$2b$06$X/YTrK8BSiIoV3IRm2Rf/O/lD4D5JjwrVTZUZs3h7fLGVxz2hzJZK";

/// Which of the users of one kind a request is about: so many there are of each.
pub(crate) const OF_EACH: usize = 60;

/// An address of a kind of users; all are equally long.
pub(crate) fn address(kind: &str, number: usize) -> String {
    format!("{kind:_<10}{number:06}@camelot.bt")
}

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    // Ends with the test.
    _runtime: Runtime,
    _folder: TempDir,
}

#[derive(Clone, Copy)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
    Mariadb,
    Mongodb,
}

pub(crate) struct Setup<H> {
    pub(crate) database: Database,
    pub(crate) durable_jobs: bool,
    pub(crate) hasher: H,
    /// One of these after the other is the hash of a user who has a password.
    pub(crate) hashes: Vec<PasswordHash>,
}

pub(crate) fn serve<H: PasswordHasher>(setup: Setup<H>) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let address = runtime.block_on(async {
        let url = match setup.database {
            Database::Sqlite => format!("sqlite:{}", folder.path().join("users.db").display()),
            Database::Postgres => postgres_schema().await.unwrap(),
            Database::Mariadb => mariadb_database().await.unwrap(),
            Database::Mongodb => {
                let store = MongoStore::open(&mongodb_database().unwrap()).await.unwrap();
                return served_by(store, setup).await;
            }
        };
        served_by(SqlStore::open(&url).await.unwrap(), setup).await
    });
    Served { address, _runtime: runtime, _folder: folder }
}

async fn served_by<H: PasswordHasher>(
    store: impl UserStore<NoProfile> + JobStore + Clone,
    setup: Setup<H>,
) -> SocketAddr {
    for number in 0..OF_EACH {
        let hash = &setup.hashes[number % setup.hashes.len()];
        for user in users(number, hash) {
            store.insert(user).await.unwrap();
        }
    }
    let policy = Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
    let mut builder = Users::builder(store.clone(), SECRET)
        .policy(policy)
        .hasher(setup.hasher)
        .rate_limits(RateLimits::off())
        .backend(Backend::new("jwt", Bearer, Jwt::new(SECRET)));
    if setup.durable_jobs {
        builder = builder.durable_jobs(store, JobOptions::new());
    }
    let users = builder.build().unwrap();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, users.routes()).await });
    address
}

fn users(number: usize, hash: &PasswordHash) -> [NewUser; 4] {
    let user = |kind: &str| NewUser {
        id: Some(uuid::Uuid::new_v4()),
        email: address(kind, number),
        hashed_password: hash.clone(),
        is_active: true,
        is_superuser: false,
        is_verified: true,
        profile: NoProfile {},
    };
    [
        user("known"),
        NewUser { is_active: false, ..user("inactive") },
        NewUser { is_verified: false, ..user("unverified") },
        NewUser { hashed_password: PasswordHash::unusable().unwrap(), ..user("unusable") },
    ]
}
