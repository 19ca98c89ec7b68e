//! What was promised with 202 is kept: the process may be killed, and the mail server may be away.

use std::{
    collections::HashSet,
    net::TcpListener,
    time::{Duration, Instant},
};

use axum_users_testkit::{Server, free_port};
use serde_json::{Value, json};

use crate::{
    smtp::SmtpServer,
    support::{CHEAP, KING, PASSWORD, Running, answer, text},
};

fn settings(port: u16) -> String {
    format!(
        "[mail]\ntransport = \"smtp://127.0.0.1:{port}?tls=none\"\nfrom = \"no-reply@camelot.bt\"\n{CHEAP}"
    )
}

fn running(port: u16) -> Running {
    let folder = tempfile::tempdir().unwrap();
    Running { server: Server::start(folder.path(), &settings(port), "127.0.0.1:0").unwrap(), folder }
}

async fn forgot(running: &Running, email: &str) {
    let forgot = running.post("/auth/forgot-password").json(&json!({ "email": email }));
    assert_eq!(answer(forgot).await, (reqwest::StatusCode::ACCEPTED, Value::Null));
}

async fn until(what: &str, patience: u64, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(patience), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn killed_and_started_again(mut running: Running, port: u16) -> Running {
    running.server.process().kill().unwrap();
    let listen = running.server.listen().to_owned();
    running.server = Server::start(running.folder.path(), &settings(port), &listen).unwrap();
    running
}

/// The mail server is away, the process is killed, and the mail comes, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_1_mai_4_a_mail_that_was_promised_survives_the_process() {
    let port = free_port().unwrap();
    let running = running(port);
    running.register(KING, PASSWORD).await;
    forgot(&running, KING).await;
    let running = killed_and_started_again(running, port);
    let smtp = SmtpServer::start(port);
    until("the mail comes", 70, || !smtp.mails().is_empty()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mails = smtp.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains(KING) && mails[0].contains("/reset-password#token="), "{}", mails[0]);
    drop(running);
}

/// The process is killed while it talks to the mail server: a minute later another one sends the mail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_12_a_mail_that_was_being_sent_is_sent_after_a_minute() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let running = running(port);
    running.register(KING, PASSWORD).await;
    let start = Instant::now();
    forgot(&running, KING).await;
    let conversation = tokio::task::spawn_blocking(move || silent.accept().unwrap()).await.unwrap();
    let running = killed_and_started_again(running, port);
    drop(conversation);
    let smtp = SmtpServer::start(port);
    until("the mail comes", 75, || !smtp.mails().is_empty()).await;
    assert!(start.elapsed() > Duration::from_secs(50), "the lease was kept");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(smtp.mails().len(), 1);
    drop(running);
}

/// F-19: an orderly stop does not wait for a mail server that says nothing, and leaves the mail to the next start at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_19_a_mail_that_a_stop_interrupts_is_sent_by_the_next_start() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut running = running(port);
    running.register(KING, PASSWORD).await;
    forgot(&running, KING).await;
    let conversation = tokio::task::spawn_blocking(move || silent.accept().unwrap()).await.unwrap();
    let status = running.server.process().terminate(Duration::from_secs(20)).unwrap();
    assert!(status.success(), "{status}");
    drop(conversation);
    let smtp = SmtpServer::start(port);
    let listen = running.server.listen().to_owned();
    running.server = Server::start(running.folder.path(), &settings(port), &listen).unwrap();
    until("the mail comes", 15, || !smtp.mails().is_empty()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(smtp.mails().len(), 1);
}

/// F-10: nothing of an outage shows, and after it every mail comes, each with an id of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_10_after_an_outage_of_the_mail_server_every_mail_comes() {
    let port = free_port().unwrap();
    let running = running(port);
    let emails: Vec<String> = (0..10).map(|number| format!("knight{number}@camelot.bt")).collect();
    for email in &emails {
        running.register(email, PASSWORD).await;
        forgot(&running, email).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let smtp = SmtpServer::start(port);
    until("every mail comes", 60, || smtp.mails().len() >= emails.len()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mails = smtp.mails();
    assert_eq!(mails.len(), emails.len());
    for email in &emails {
        assert_eq!(mails.iter().filter(|mail| mail.contains(&format!("To: {email}"))).count(), 1, "{email}");
    }
    let ids: HashSet<&str> = mails.iter().flat_map(|mail| mail.lines()).filter_map(message_id).collect();
    assert_eq!(ids.len(), emails.len());
}

fn message_id(line: &str) -> Option<&str> {
    line.strip_prefix("Message-ID: ")
}

/// F-11: what the mail server refuses for good is given up at once, shown, and tried again when told to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_11_a_mail_that_is_refused_is_kept_to_look_at_and_to_try_again() {
    let (port, metrics) = (free_port().unwrap(), free_port().unwrap());
    let smtp = SmtpServer::start(port);
    smtp.refuse(true);
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("metrics_listen = \"127.0.0.1:{metrics}\"\n{}", settings(port));
    let server = Server::start(folder.path(), &settings, "127.0.0.1:0").unwrap();
    let running = Running { server, folder };
    running.register(KING, PASSWORD).await;
    forgot(&running, KING).await;
    let listed = || text(&running.command(&["jobs", "list", "--json"], "").stdout);
    until("it is given up", 20, || listed().contains(KING)).await;
    let job: Value = serde_json::from_str(&listed()).unwrap();
    assert_eq!((&job["kind"], &job["attempts"]), (&json!("forgot-password"), &json!(1)), "{job}");
    assert!(job["reason"].as_str().unwrap().contains("550"), "{job}");
    let shown = text(&running.command(&["jobs", "list"], "").stdout);
    let id = job["id"].as_str().unwrap();
    assert!(shown.starts_with(id) && shown.contains(KING) && shown.contains("550"), "{shown}");
    let figures = answer(running.server.client.get(format!("http://127.0.0.1:{metrics}/metrics"))).await.1;
    let figures = figures.as_str().unwrap();
    assert!(figures.contains("\naxum_users_jobs_waiting 0"), "{figures}");
    assert!(figures.contains("\naxum_users_jobs_dead 1"), "{figures}");

    smtp.refuse(false);
    assert!(running.command(&["jobs", "retry", id], "").status.success());
    until("the mail comes", 20, || smtp.mails().len() == 1).await;
    until("it is forgotten", 20, || listed().is_empty()).await;
    let again = running.command(&["jobs", "retry", id], "");
    assert!(!again.status.success() && text(&again.stderr).contains(id), "{}", text(&again.stderr));
    // The stable id is that of the job.
    assert!(smtp.mails()[0].contains(&format!("Message-ID: <{id}@camelot.bt>")), "{}", smtp.mails()[0]);
}
