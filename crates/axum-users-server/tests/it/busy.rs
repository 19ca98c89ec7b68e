//! F-16: another program locks the SQLite file against writers.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection, SqliteConnection};
use tokio::{sync::Notify, task::JoinSet};

use crate::support::{KING, PASSWORD, Running, answer, print};

/// Another program that has the file open.
async fn foreign(running: &Running) -> SqliteConnection {
    let file = running.folder.path().join("data/users.db");
    SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap()
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::query(sql).execute(connection).await.unwrap();
}

fn knight(number: usize) -> String {
    format!("knight{number}@camelot.bt")
}

/// Registrations of knights, all at once; gives the status of each.
fn registrations(running: &Running, count: usize) -> JoinSet<(usize, u16)> {
    let mut registrations = JoinSet::new();
    for number in 0..count {
        let body = serde_json::json!({"email": knight(number), "password": PASSWORD});
        let request = running.post("/auth/register").json(&body);
        registrations.spawn(async move {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            assert!(status != 503 || response.headers().contains_key("retry-after"));
            (number, status)
        });
    }
    registrations
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_16_writers_wait_for_another_program_and_readers_need_not() {
    let running = Running::start("");
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let mut other = foreign(&running).await;
    execute(&mut other, "BEGIN EXCLUSIVE").await;
    let writers = registrations(&running, 20);
    for _ in 0..20 {
        assert_eq!(running.me(&token).await.0, 200);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    execute(&mut other, "ROLLBACK").await;
    for (number, status) in writers.join_all().await {
        assert_eq!(status, 201, "{number}");
    }
    assert!(!running.log().contains("locked"), "{}", running.log());
}

/// Longer than the limit, which is a second here; and longer than a request may take at all, so that its transaction is
/// given up while it waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_16_a_program_that_does_not_let_go_costs_503_and_nothing_else() {
    let short = "[database]\nacquire_timeout = 1\nstatement_timeout = 1\n";
    let long = "[database]\nacquire_timeout = 60\nstatement_timeout = 60\n";
    for settings in [short, long] {
        let running = Running::start(settings);
        running.register(KING, PASSWORD).await;
        let token = running.token(KING, PASSWORD).await;
        let mut other = foreign(&running).await;
        execute(&mut other, "BEGIN EXCLUSIVE").await;
        for (number, status) in registrations(&running, 5).join_all().await {
            assert_eq!(status, 503, "{number}");
        }
        let login = running.post("/auth/cookie/login").form(&[("username", KING), ("password", PASSWORD)]);
        assert_eq!(answer(login).await.0, 503, "a session is stored or not given");
        assert_eq!(running.me(&token).await.0, 200, "readers go on");
        assert_eq!(answer(running.get("/readyz")).await.0, 200);
        execute(&mut other, "ROLLBACK").await;
        let (users, sessions): (i64, i64) =
            sqlx::query_as("SELECT (SELECT count(*) FROM \"user\"), (SELECT count(*) FROM accesstoken)")
                .fetch_one(&mut other)
                .await
                .unwrap();
        assert_eq!((users, sessions), (1, 0), "what was refused was not written");
        for (number, status) in registrations(&running, 5).join_all().await {
            assert_eq!(status, 201, "{number}: it goes on without a restart");
        }
    }
}

/// A hundred writers of ours, and another program that writes all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_16_of_a_hundred_writers_none_is_lost() {
    let running = Running::start("");
    let mut other = foreign(&running).await;
    let enough = Arc::new(Notify::new());
    let stop = Arc::clone(&enough);
    let writes = tokio::spawn(async move {
        let mut writes = 0;
        let write = async {
            loop {
                execute(&mut other, "BEGIN IMMEDIATE").await;
                tokio::time::sleep(Duration::from_millis(2)).await;
                execute(&mut other, "ROLLBACK").await;
                writes += 1;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! { () = stop.notified() => {}, () = write => {} }
        writes
    });
    let statuses = registrations(&running, 100).join_all().await;
    enough.notify_one();
    let writes = writes.await.unwrap();
    let (mut written, mut refused) = (0, 0);
    for (number, status) in statuses {
        let email = knight(number);
        match status {
            201 => {
                assert_eq!(running.login(&email, PASSWORD).await.0, 200, "{email} is lost");
                written += 1;
            }
            503 => {
                assert_eq!(running.register(&email, PASSWORD).await.0, 201, "{email} was written after all");
                refused += 1;
            }
            status => panic!("{email}: {status}"),
        }
    }
    print(&format!(
        "a hundred writers beside {writes} locks of another program: {written} acknowledged and there, {refused} refused"
    ));
    assert!(written > 0 && writes > 0);
}
