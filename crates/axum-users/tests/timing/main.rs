//! Whether the time of an answer tells who exists: measured over HTTP, by itself and one test after the other. The twins that
//! count work instead of time are `log_2_…`, `fgt_1_…` and `reg_2_…` in `tests/it`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod client;
mod load;
mod measure;
mod served;

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum_users::{
    BoxError,
    password::{Argon2id, HashClass, PasswordHash, PasswordHasher, Verdict},
};

use crate::{
    client::post,
    load::Load,
    measure::{Class, Report},
    served::{BCRYPT, Database, IMPORTED, NEW, OF_EACH, Served, Setup, address, serve},
};

const PASSWORD: &str = "guinevere1";

/// Nothing else runs while times are measured.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Logins with a wrong password, but for inactive users, of this kind of users.
fn login(name: &'static str, kind: &'static str) -> Class {
    let password = if kind == "inactive" { PASSWORD } else { "guinevere2" };
    let request = move |number: usize| {
        // The classes of those who do not exist are drawn by their address: many are a better sample of them.
        let number = if kind == "nobody" { number } else { number % OF_EACH };
        let body = format!("username={}&password={password}", address(kind, number).replace('@', "%40"));
        post("/auth/jwt/login", "application/x-www-form-urlencoded", &body)
    };
    Class { name, status: 400, request: Box::new(request) }
}

fn asking(path: &'static str, name: &'static str, kind: &'static str) -> Class {
    let request = move |number: usize| {
        let email = address(kind, number % OF_EACH);
        post(path, "application/json", &format!(r#"{{"email":"{email}"}}"#))
    };
    Class { name, status: 202, request: Box::new(request) }
}

fn register(name: &'static str, kind: impl Fn(usize) -> String + 'static) -> Class {
    let request = move |number: usize| {
        let email = kind(number);
        post(
            "/auth/register",
            "application/json",
            &format!(r#"{{"email":"{email}","password":"my name is Lancelot"}}"#),
        )
    };
    Class { name, status: 201, request: Box::new(request) }
}

fn with_hashes<H: PasswordHasher>(hasher: H, hashes: Vec<PasswordHash>) -> Served {
    serve(Setup { database: Database::Sqlite, durable_jobs: false, hasher, hashes })
}

fn hash(of: Argon2id) -> PasswordHash {
    of.hash(PASSWORD).unwrap()
}

#[test]
fn log_2_times_of_logins_tell_nothing() {
    let _alone = alone();
    let mut report = Report::new("login, SQLite");
    let new = with_hashes(NEW, vec![hash(NEW)]);
    let wrong = login("wrong password", "known");
    report.compare(&new, &wrong, &login("unknown", "nobody"));
    report.compare(&new, &wrong, &login("inactive", "inactive"));
    report.compare(&new, &wrong, &login("account at a provider only", "unusable"));

    let bcrypt = with_hashes(NEW, vec![PasswordHash::new(BCRYPT)]);
    let wrong = login("imported bcrypt", "known");
    report.compare(&bcrypt, &wrong, &login("unknown", "nobody"));
    report.compare(&bcrypt, &wrong, &login("provider only", "unusable"));
    let argon2 = with_hashes(NEW, vec![hash(IMPORTED)]);
    report.compare(&argon2, &login("imported Argon2", "known"), &login("unknown", "nobody"));
    let mixed = vec![PasswordHash::new(BCRYPT), hash(NEW), hash(IMPORTED), hash(NEW)];
    let mixed = with_hashes(NEW, mixed);
    report.compare(&mixed, &login("bcrypt and two of Argon2", "known"), &login("unknown", "nobody"));

    let _load = Load::half();
    let wrong = login("half the cores busy: wrong", "known");
    let under_load = with_hashes(NEW, vec![hash(NEW)]);
    report.compare(&under_load, &wrong, &login("unknown", "nobody"));
    report.compare(&under_load, &wrong, &login("provider only", "unusable"));
    report.finish();
}

#[test]
fn fgt_1_ver_1_times_of_asking_for_mails_tell_nothing() {
    let _alone = alone();
    for (title, database, durable_jobs) in [
        ("forgot password and request verify, SQLite, jobs in memory", Database::Sqlite, false),
        ("forgot password and request verify, SQLite, durable jobs", Database::Sqlite, true),
        ("forgot password and request verify, PostgreSQL, durable jobs", Database::Postgres, true),
    ] {
        let mut report = Report::new(title);
        let served = serve(Setup { database, durable_jobs, hasher: NEW, hashes: vec![hash(NEW)] });
        let path = "/auth/forgot-password";
        let known = asking(path, "forgot: known", "known");
        for (name, kind) in [
            ("unknown", "nobody"),
            ("inactive", "inactive"),
            ("unverified", "unverified"),
            ("provider only", "unusable"),
        ] {
            report.compare(&served, &known, &asking(path, name, kind));
        }
        let path = "/auth/request-verify-token";
        let unverified = asking(path, "verify: unverified", "unverified");
        for (name, kind) in [("verified", "known"), ("unknown", "nobody"), ("inactive", "inactive")] {
            report.compare(&served, &unverified, &asking(path, name, kind));
        }
        report.finish();
    }
}

/// With the hash of production: a new row costs its indexes as well.
#[test]
fn reg_2_times_of_hidden_duplicates_tell_nothing() {
    let _alone = alone();
    let mut report = Report::new("register, duplicates hidden").after_the_jobs();
    for (name, database, durable_jobs) in [
        ("SQLite, jobs in memory: new", Database::Sqlite, false),
        ("PostgreSQL, jobs in memory: new", Database::Postgres, false),
        ("PostgreSQL, durable jobs: new", Database::Postgres, true),
        ("MariaDB, jobs in memory: new", Database::Mariadb, false),
        ("MongoDB, jobs in memory: new", Database::Mongodb, false),
    ] {
        let hasher = Argon2id::secure();
        let served = serve(Setup { database, durable_jobs, hasher, hashes: vec![hash(NEW)] });
        // Numbers of one measurement are not those of the next, which begins again.
        let new = std::cell::Cell::new(0);
        let new = register(name, move |_| address("new", new.replace(new.get() + 1)));
        let taken = register("taken", |number| address("known", number % OF_EACH));
        report.compare(&served, &new, &taken);
    }
    report.finish();
}

/// Verifies no hash of nobody.
struct WithoutDecoys(Argon2id);

impl PasswordHasher for WithoutDecoys {
    fn hash(&self, password: &str) -> Result<PasswordHash, BoxError> {
        self.0.hash(password)
    }
    fn verify(&self, password: &str, hash: &PasswordHash) -> Verdict {
        let is_decoy = self.0.class(hash) == HashClass::Like(hash.clone());
        if is_decoy { Verdict::Mismatch } else { self.0.verify(password, hash) }
    }
    fn class(&self, hash: &PasswordHash) -> HashClass {
        self.0.class(hash)
    }
}

/// Takes all hashes for new ones.
struct WithoutClasses(Argon2id);

impl PasswordHasher for WithoutClasses {
    fn hash(&self, password: &str) -> Result<PasswordHash, BoxError> {
        self.0.hash(password)
    }
    fn verify(&self, password: &str, hash: &PasswordHash) -> Verdict {
        self.0.verify(password, hash)
    }
}

/// A measurement that would not find what is to be found would be no proof.
#[test]
fn log_2_what_is_left_out_is_noticed() {
    let _alone = alone();
    let mut report = Report::new("login where something is left out");
    let wrong = || login("wrong password", "known");
    let served = with_hashes(WithoutDecoys(NEW), vec![hash(NEW)]);
    report.tell_apart(&served, &wrong(), &login("unknown, without a hash", "nobody"));
    report.tell_apart(&served, &wrong(), &login("provider only, without a hash", "unusable"));
    let mixed = vec![hash(NEW), hash(IMPORTED)];
    let served = with_hashes(WithoutClasses(NEW), mixed);
    report.tell_apart(&served, &wrong(), &login("unknown, without classes", "nobody"));
    report.finish();
}
