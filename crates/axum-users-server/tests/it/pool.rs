//! F-5: one connection to the database is enough. No request holds it while it does something else, or asks for a
//! second one.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use axum_users_testkit::{Postgres, Server};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;

use crate::support::{KING, PASSWORD, Running, answer, print};

const ONE: &str = "[database]\nmax_connections = 1\n";

/// How many connections our server has to PostgreSQL.
async fn connections(postgres: &Postgres) -> i64 {
    let mut connection = PgConnection::connect(&postgres.url()).await.unwrap();
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'axum-users'";
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_5_logins_share_one_connection_to_postgres() {
    let postgres = Postgres::start().unwrap();
    let running = Running::start(&format!("database_url = \"{}\"\n{ONE}", postgres.url()));
    logins_share_one_connection("PostgreSQL", &running).await;
    assert_eq!(connections(&postgres).await, 1, "it is whole, and there was never another");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_5_logins_share_one_connection_to_sqlite() {
    logins_share_one_connection("SQLite", &Running::start(ONE)).await;
}

/// By bearer token, which reads, and by cookie, which writes as well.
async fn logins_share_one_connection(database: &str, running: &Running) {
    running.register(KING, PASSWORD).await;
    for (parallel, may_be_refused) in [(50, false), (200, true)] {
        let mut logins = JoinSet::new();
        for number in 0..parallel {
            let path = if number % 2 == 0 { "/auth/jwt/login" } else { "/auth/cookie/login" };
            let login = running.post(path).form(&[("username", KING), ("password", PASSWORD)]);
            logins.spawn(async move { login.send().await.expect("an answer").status().as_u16() });
        }
        let statuses = logins.join_all().await;
        let count = |wanted: &[u16]| statuses.iter().filter(|status| wanted.contains(status)).count();
        let (answered, refused) = (count(&[200, 204]), count(&[503]));
        print(&format!(
            "{database}, one connection, {parallel} logins at once: {answered} let in, {refused} refused with 503"
        ));
        assert_eq!(answered + refused, parallel, "{statuses:?}");
        assert!(answered > 0 && (refused == 0 || may_be_refused), "{statuses:?}");
    }
    let token = running.token(KING, PASSWORD).await;
    assert_eq!(running.me(&token).await.0, 200);
    assert_eq!(running.register("merlin@camelot.bt", PASSWORD).await.0, 201);
}

/// While a password is hashed for long, the only connection answers others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_5_no_connection_is_held_while_a_password_is_hashed() {
    let folder = tempfile::tempdir().unwrap();
    let slow = format!("{ONE}[policy_overrides.hashing]\nmemory_kib = 65536\niterations = 16\n");
    let running = Running { server: Server::start(folder.path(), &slow, "127.0.0.1:0").unwrap(), folder };
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let answered = AtomicU32::new(0);
    let others = async {
        loop {
            assert_eq!(running.me(&token).await.0, 200);
            answered.fetch_add(1, Relaxed);
        }
    };
    tokio::select! {
        (status, _) = running.login(KING, PASSWORD) => assert_eq!(status, 200),
        () = others => {}
    }
    assert!(answered.load(Relaxed) > 20, "{answered:?} answers while one password was hashed");
}

/// A mail server that takes connections and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_5_no_connection_is_held_while_a_mail_is_sent() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mail = format!(
        "{ONE}[mail]\ntransport = \"smtp://{}?tls=none\"\nfrom = \"no-reply@camelot.bt\"\n",
        silent.local_addr().unwrap()
    );
    let running = Running::start(&mail);
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let forgot = running.post("/auth/forgot-password").json(&serde_json::json!({"email": KING}));
    assert_eq!(forgot.send().await.unwrap().status(), 202);
    let _conversation = tokio::task::spawn_blocking(move || silent.accept().unwrap()).await.unwrap();
    for _ in 0..20 {
        assert_eq!(running.me(&token).await.0, 200);
    }
}

/// F-4, with limits of a second: whoever holds the table does not hold up the answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_5_a_hog_costs_503_until_it_lets_go() {
    let postgres = Postgres::start().unwrap();
    let limits = format!("{ONE}acquire_timeout = 1\nstatement_timeout = 1\n");
    let running = Running::start(&format!("database_url = \"{}\"\n{limits}", postgres.url()));
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let mut hog = PgConnection::connect(&postgres.url()).await.unwrap();
    let mut lock = hog.begin().await.unwrap();
    sqlx::query("LOCK TABLE \"user\" IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let mut requests = JoinSet::new();
    for _ in 0..20 {
        let request = running.get("/users/me").bearer_auth(&token);
        requests.spawn(async move { request.send().await.unwrap() });
    }
    for response in requests.join_all().await {
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key("retry-after"));
    }
    assert_eq!(answer(running.get("/readyz")).await.0, 503);
    assert_eq!(answer(running.get("/livez")).await.0, 200);
    lock.rollback().await.unwrap();
    assert_eq!(running.me(&token).await.0, 200);
    assert_eq!(connections(&postgres).await, 1);
}
