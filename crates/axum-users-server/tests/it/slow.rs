//! F-20: clients that take their time, or all places.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use axum_users_testkit::{Server, binary};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    raw::{connect, connect_narrow, read_to_end, status},
    support::{CHEAP, KING, PASSWORD, Running, print},
};

/// How many slow clients there are of each kind.
const MANY: usize = 60;

/// How many files are asked for and not read: more than systems keep for who does not read.
const FILES: usize = 20;

/// Sends a byte now and then, and gives what was answered in the end, and after how long.
async fn drip(mut stream: TcpStream, start: &str) -> (String, Duration) {
    let began = Instant::now();
    let _ = stream.write_all(start.as_bytes()).await;
    let (mut read, mut write) = stream.into_split();
    let dripping = tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(30), read.read_to_end(&mut answer)).await;
    let _ = ended.expect("the connection is cut");
    dripping.abort();
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

/// Answers of a healthy client that connects anew each time, until `until`: their number, and the slowest but for one in a
/// hundred.
async fn served(running: &Running, token: &str, until: Instant) -> (usize, Duration) {
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let url = format!("{}/users/me", running.server.address());
    let mut times = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        let response = client.get(&url).bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), 200);
        times.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times.sort_unstable();
    (times.len(), times[times.len() * 99 / 100 - 1])
}

/// How many files and sockets a process has open.
fn descriptors(process: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

/// The time a process has computed.
fn computed(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // There are a hundred in a second on Linux.
    Duration::from_millis(ticks * 10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_20_slow_clients_are_cut_and_others_served() {
    let mut running = Running::start("");
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let process = running.server.process().id();
    let before = descriptors(process);

    let (mut heads, mut bodies, mut silent, mut deaf) =
        (JoinSet::new(), JoinSet::new(), JoinSet::new(), JoinSet::new());
    for _ in 0..MANY {
        heads.spawn(drip(connect(&running).await, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: "));
        bodies.spawn(drip(
            connect(&running).await,
            "POST /auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: 1000\r\n\r\n",
        ));
        let mut stream = connect(&running).await;
        silent.spawn(async move { (read_to_end(&mut stream).await, Instant::now()) });
        let mut stream = connect_narrow(&running).await;
        deaf.spawn(async move {
            let file =
                "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            stream.write_all(file.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(13)).await;
            let mut answer = Vec::new();
            // What was under way when it was cut may still be there.
            let _ = stream.read_to_end(&mut answer).await;
            answer.len()
        });
    }
    let began = Instant::now();
    let (count, slowest) = served(&running, &token, began + Duration::from_secs(8)).await;
    print(&format!("beside {} slow clients {count} requests in at most {slowest:?}", 4 * MANY));
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");

    for (answer, time) in heads.join_all().await {
        assert!(answer.is_empty() && time < Duration::from_secs(8), "{time:?}: {answer}");
    }
    for (answer, ended) in silent.join_all().await {
        assert!(answer.is_empty() && ended - began < Duration::from_secs(8), "{:?}", ended - began);
    }
    for (answer, time) in bodies.join_all().await {
        assert!(status(&answer) == 408 && time < Duration::from_secs(12), "{time:?}: {answer}");
    }
    let whole = running.get("/docs/swagger-ui-bundle.js").send().await.unwrap().bytes().await.unwrap().len();
    for received in deaf.join_all().await {
        assert!(received < FILES * whole, "who does not read is cut");
    }
    let returned = Instant::now();
    while descriptors(process) > before + 4 {
        assert!(returned.elapsed() < Duration::from_secs(5), "{} of {before}", descriptors(process));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// More clients than file descriptors.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_20_a_flood_of_connections_leaves_room_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 256 && exec \"$0\" \"$@\""]).arg(binary().unwrap());
    let server = Server::start_by(command, folder.path(), CHEAP, "127.0.0.1:0").unwrap();
    let mut running = Running { server, folder };
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let process = running.server.process().id();

    let mut flood = Vec::new();
    for number in 0..400 {
        let mut stream = connect(&running).await;
        if number % 2 == 0 {
            let _ = stream.write_all(b"GET /livez HTTP/1.1\r\n").await;
        }
        flood.push(stream);
    }
    let open = descriptors(process);
    assert!(open < 256, "{open}");
    let (began, computed_before) = (Instant::now(), computed(process));
    let (count, slowest) = served(&running, &token, began + Duration::from_secs(2)).await;
    let computed = computed(process) - computed_before;
    print(&format!(
        "beside {} connections to a server that can have 256 files {count} requests in at most {slowest:?}, {computed:?} computed",
        flood.len(),
    ));
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");

    // While it cannot serve more, it waits without computing.
    let mut busy = JoinSet::new();
    for _ in 0..200 {
        busy.spawn(drip(
            connect(&running).await,
            "POST /auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: 1000\r\n\r\n",
        ));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = self::computed(process);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let computed = self::computed(process) - before;
    assert!(computed < Duration::from_secs(1), "{computed:?} of 2 s");
    drop((busy, flood));
    assert_eq!(running.me(&token).await.0, 200);
    let log = running.log();
    assert!(!log.contains("panicked") && log.len() < 10_000, "{log}");
}

#[tokio::test]
async fn a_connection_stays_open_between_requests() {
    let running = Running::start("");
    let mut stream = connect(&running).await;
    for _ in 0..2 {
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        assert!(answer[..length].ends_with(b"ok"), "{:?}", String::from_utf8_lossy(&answer[..length]));
        // Longer than the head of a request may take.
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
}
