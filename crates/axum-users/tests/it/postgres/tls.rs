//! TLS as the URL says: what must be encrypted is, or nothing is sent.

use std::time::Duration;

use axum_users::{NoProfile, SqlStore, User, UserStore};
use axum_users_testkit::Postgres;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::support::Authority;

/// A PostgreSQL whose certificate is for this name.
fn with_tls(authority: &Authority, name: &str) -> Postgres {
    let (certificate, key) = authority.pair(name);
    Postgres::start_with("ssl = on\n", &[("server.crt", &certificate), ("server.key", &key)]).unwrap()
}

/// The error with all its causes; `None` when the database was opened.
async fn refused(url: &str) -> Option<String> {
    let error = SqlStore::<NoProfile>::open(url).await.err()?;
    let mut shown = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        shown.push_str(&format!(": {error}"));
        source = error.source();
    }
    Some(shown)
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let postgres = Postgres::start().unwrap();
    for mode in ["require", "verify-ca", "verify-full"] {
        let said = refused(&format!("{}?sslmode={mode}", postgres.url())).await.expect(mode);
        assert!(said.contains("server does not support TLS"), "{mode}: {said}");
    }
    assert_eq!(refused(&format!("{}?sslmode=prefer", postgres.url())).await, None);
}

#[tokio::test]
async fn a_certificate_is_verified_to_its_name() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let trust = |name: &str, authority: &Authority| {
        let file = folder.path().join(name);
        std::fs::write(&file, authority.pem()).unwrap();
        file.display().to_string()
    };
    let (ours, other) = (trust("ours.pem", &authority), trust("other.pem", &stranger));
    let postgres = with_tls(&authority, "127.0.0.1");
    let url = format!("{}?sslmode=verify-full&sslrootcert=", postgres.url());
    assert_eq!(refused(&format!("{url}{ours}")).await, None);
    let said = refused(&format!("{url}{other}")).await.expect("an unknown issuer");
    assert!(said.contains("invalid peer certificate"), "{said}");

    // The store itself is connected so, not only its first connection: the pool, and what reads past it.
    let store = SqlStore::<NoProfile>::open(&format!("{url}{ours}")).await.unwrap();
    for _ in 0..20 {
        let nobody: Option<User> = store.get(&Uuid::nil()).await.unwrap();
        assert!(nobody.is_none());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut witness = PgConnection::connect(&format!("{}?sslmode=disable", postgres.url())).await.unwrap();
    let sql = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
               WHERE application_name = 'axum-users'";
    let encrypted: Vec<bool> = sqlx::query_scalar(sql).fetch_all(&mut witness).await.unwrap();
    assert!(encrypted.len() >= 3 && encrypted.iter().all(|encrypted| *encrypted), "{encrypted:?}");
    drop(store);

    let postgres = with_tls(&authority, "db.camelot.bt");
    let url = format!("{}?sslrootcert={ours}&sslmode=", postgres.url());
    let said = refused(&format!("{url}verify-full")).await.expect("another name");
    assert!(said.contains("not valid for name"), "{said}");
    assert_eq!(refused(&format!("{url}verify-ca")).await, None, "whose name is not asked for");
}
