//! F-26: nobody reads what the server writes.

use std::{
    fs::File,
    process::Command,
    time::{Duration, Instant},
};

use axum_users_testkit::{Server, binary, free_port};
use reqwest::Client;
use serde_json::json;

use crate::support::{CHEAP, KING, PASSWORD, Running, answer};

/// More requests than there is room for in pipes and in memory for what they log.
const REQUESTS: usize = 8_000;
/// More mails than there is room for in a pipe.
const MAILS: usize = 200;

/// What a request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server with an output that leads elsewhere: `script` starts it by `"$0" "$@"`, and `$FOLDER` is a folder of its own.
fn start(script: &str, folder: tempfile::TempDir, settings: &str) -> Running {
    let mut command = Command::new("bash");
    command.env("FOLDER", folder.path()).args(["-c", script]).arg(binary().unwrap());
    let server =
        Server::start_by(command, folder.path(), &format!("{settings}\n{CHEAP}"), "127.0.0.1:0").unwrap();
    Running { server, folder }
}

async fn stop(mut running: Running) {
    let began = Instant::now();
    let status = running.server.process().terminate(Duration::from_secs(30)).unwrap();
    assert!(status.success(), "{status}");
    crate::support::print(&format!("it stops within {:?}", began.elapsed()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_26_a_log_that_nobody_reads_delays_nobody() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port().unwrap());
    let pipe = folder.path().join("log");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Open for reading too, so that nobody waits for a reader.
    let _unread = File::options().read(true).write(true).open(&pipe).unwrap();
    let settings = format!("metrics_listen = \"127.0.0.1:{port}\"\n[log]\nlevel = \"debug\"\n");
    let running = start("exec \"$0\" \"$@\" 2>\"$FOLDER/log\"", folder, &settings);
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
    let read_until_it_listens = "exec \"$0\" \"$@\" > >(while read -r line; do echo \"$line\"; [[ $line = listening* ]] && exec sleep 60; done)";
    let running = start(read_until_it_listens, tempfile::tempdir().unwrap(), "");
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
