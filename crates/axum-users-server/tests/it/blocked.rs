//! F-26: nobody reads what the server writes.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use axum_users_testkit::{Server, binary, free_port};
use reqwest::Client;
use serde_json::json;

use crate::support::{CHEAP, KING, PASSWORD, Running, answer, print};

/// More requests than there is room for in pipes and in memory for what they log.
const REQUESTS: usize = 8_000;
/// More mails than there is room for in a pipe.
const MAILS: usize = 200;

/// What a request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server of whose standard output nobody reads a line after that it listens, nor of its standard error.
fn start(settings: &str) -> Running {
    let script = "exec \"$0\" \"$@\" > >(while read -r line; do echo \"$line\"; [[ $line = listening* ]] && exec sleep 60; done) 2>&1";
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("bash");
    command.args(["-c", script]).arg(binary().unwrap());
    let settings = format!("{settings}\n{CHEAP}");
    let server = Server::start_by(command, folder.path(), &settings, "127.0.0.1:0").unwrap();
    Running { server, folder }
}

async fn stop(mut running: Running) {
    let began = Instant::now();
    let status = running.server.process().terminate(Duration::from_secs(30)).unwrap();
    assert!(status.success(), "{status}");
    print(&format!("it stops within {:?}", began.elapsed()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_26_a_log_that_nobody_reads_delays_nobody() {
    let port = free_port().unwrap();
    let running = start(&format!("metrics_listen = \"127.0.0.1:{port}\"\n[log]\nlevel = \"debug\"\n"));
    let client = Client::builder().timeout(PATIENCE).build().unwrap();
    let url = format!("{}/livez", running.server.address());
    for number in 0..REQUESTS {
        let response = client.get(&url).send().await;
        let response = response.unwrap_or_else(|error| panic!("request {number}: {error}"));
        assert_eq!(response.status(), 200);
    }
    let figures = answer(client.get(format!("http://127.0.0.1:{port}/metrics"))).await.1;
    let figures = figures.as_str().unwrap();
    let dropped = figures.lines().find_map(|line| line.strip_prefix("axum_users_log_lines_dropped_total "));
    assert!(dropped.unwrap().parse::<u64>().unwrap() > 0, "{figures}");
    stop(running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_26_printed_mails_that_nobody_reads_delay_nobody() {
    let running = start("");
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    for number in 0..MAILS {
        let email = format!("knight{number}@camelot.bt");
        assert_eq!(running.register(&email, PASSWORD).await.0, 201);
        let asked = running.post("/auth/forgot-password").json(&json!({"email": email}));
        assert_eq!(answer(asked.timeout(PATIENCE)).await.0, 202, "mail {number}");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..20 {
        let me = running.get("/users/me").bearer_auth(&token).timeout(PATIENCE);
        assert_eq!(answer(me).await.0, 200);
    }
    stop(running).await;
}
