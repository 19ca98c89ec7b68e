//! F-21: thousands of logins at once.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use axum_users_testkit::{Server, binary};
use reqwest::{Client, Response};
use tokio::task::JoinSet;

use crate::support::{KING, PASSWORD, Running, peak_memory, print};

const LOGINS: usize = 2_000;
/// All the memory that the server may have, and that of its hashes.
const LIMIT_MIB: u64 = 256;
const HASHES_MIB: u64 = 64;
/// For what it takes beside its hashes, of each of so many connections.
const CONNECTIONS_MIB: u64 = 64;
/// Whoever is told to come back does so, for so long.
const PATIENCE: Duration = Duration::from_secs(5);

fn client(address: [u8; 4]) -> Client {
    Client::builder().local_address(IpAddr::V4(Ipv4Addr::from(address))).build().unwrap()
}

async fn log_in(client: &Client, url: &str, email: &str, password: &str) -> Response {
    client.post(url).form(&[("username", email), ("password", password)]).send().await.unwrap()
}

/// Wrong passwords, of somebody and of nobody, from so many addresses. How often each status was answered.
async fn flood(url: &Arc<str>, addresses: usize) -> BTreeMap<u16, usize> {
    let clients: Vec<_> = (0..addresses).map(|number| client([127, 0, 1, number as u8 + 1])).collect();
    let mut logins = JoinSet::new();
    for number in 0..LOGINS {
        let (url, client) = (Arc::clone(url), clients[number % addresses].clone());
        let email = [KING, "nobody@camelot.bt"][number % 2];
        logins.spawn(async move {
            let answer = log_in(&client, &url, email, "guinevere2").await;
            let status = answer.status().as_u16();
            let later =
                answer.headers().get("retry-after").map(|seconds| seconds.to_str().unwrap().to_owned());
            let body = answer.text().await.unwrap();
            match status {
                400 => assert_eq!(body, r#"{"detail":"LOGIN_BAD_CREDENTIALS"}"#),
                503 => {
                    assert_eq!(body, r#"{"detail":"Service Unavailable"}"#);
                    assert!(later.unwrap().parse::<u32>().unwrap() >= 1, "{email}");
                }
                _ => panic!("{status} {body}"),
            }
            status
        });
    }
    let mut statuses = BTreeMap::new();
    while let Some(status) = logins.join_next().await {
        *statuses.entry(status.unwrap()).or_default() += 1;
    }
    statuses
}

/// Logs in again and again from elsewhere, and gives how many of how many came in while they had patience.
async fn log_in_beside(url: &str, until: &tokio::sync::watch::Receiver<bool>) -> (usize, usize) {
    let client = client([127, 0, 2, 1]);
    let (mut tried, mut let_in) = (0, 0);
    while !*until.borrow() {
        tried += 1;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match log_in(&client, url, KING, PASSWORD).await.status().as_u16() {
                200 => {
                    let_in += 1;
                    break;
                }
                503 => tokio::time::sleep(Duration::from_millis(200)).await,
                other => panic!("{other}"),
            }
        }
    }
    (tried, let_in)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_21_log_11_a_flood_of_logins_takes_its_budget_and_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("prlimit");
    command.arg(format!("--data={}", LIMIT_MIB << 20)).arg("--").arg(binary().unwrap());
    let settings = format!("[hashing]\nthreads = 2\nmemory_mib = {HASHES_MIB}\n");
    let server = Server::start_by(command, folder.path(), &settings, "127.0.0.1:0").unwrap();
    let mut running = Running { server, folder };
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let process = running.server.process().id();
    let before = peak_memory(process);
    let url: Arc<str> = format!("{}/auth/jwt/login", running.server.address()).into();

    for addresses in [1, 200] {
        let (ended, until) = tokio::sync::watch::channel(false);
        let beside = tokio::spawn({
            let url = Arc::clone(&url);
            async move { log_in_beside(&url, &until).await }
        });
        let me = async {
            for _ in 0..20 {
                assert_eq!(running.me(&token).await.0, 200);
            }
        };
        let (statuses, ()) = tokio::join!(flood(&url, addresses), me);
        ended.send_replace(true);
        let (tried, let_in) = beside.await.unwrap();
        let peak = peak_memory(process);
        print(&format!(
            "{LOGINS} logins from {addresses} addresses: {statuses:?}, beside them {let_in} of {tried} let in, at most {} MiB",
            peak >> 10
        ));
        assert!(statuses.contains_key(&400) && statuses.contains_key(&503), "{statuses:?}");
        assert!(tried > 0 && let_in * 10 >= tried * 9, "{let_in} of {tried}");
        assert!(peak < before + ((HASHES_MIB + CONNECTIONS_MIB) << 10), "{before} KiB before, then {peak}");
    }
    assert_eq!(running.login(KING, PASSWORD).await.0, 200);
}
