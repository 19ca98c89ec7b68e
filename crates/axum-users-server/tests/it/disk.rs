//! F-15: the disk is full. The data folder is a file system of 8 MB in a mount namespace of the server's own, most of it
//! taken by a file that goes away later.

use std::{io::ErrorKind, path::PathBuf, process::Command};

use axum_users_testkit::{Server, binary};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::{CHEAP, KING, PASSWORD, Running, answer, print};

/// Leaves room for less than what SQLite writes ahead before it cleans up.
const BALLAST: usize = 5 << 20;

/// Who registers, each until the disk is full.
const WORKERS: usize = 4;

/// A server on a disk of its own, and the way to that disk from outside.
fn start(folder: TempDir) -> (Running, PathBuf) {
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let mut command = Command::new("unshare");
    // With a user namespace nobody needs to be root.
    command.args(["--map-root-user", "--mount", "sh", "-ec"]);
    command.arg("mount -t tmpfs -o size=8m,mode=700 tmpfs \"$0\"; exec \"$@\"");
    command.arg(&data).arg(binary().unwrap());
    let mut server = Server::start_by(command, folder.path(), CHEAP, "127.0.0.1:0").unwrap();
    let root = PathBuf::from(format!("/proc/{}/root", server.process().id()));
    let disk = root.join(data.strip_prefix("/").unwrap());
    (Running { server, folder }, disk)
}

fn register(running: &Running, email: &str) -> reqwest::RequestBuilder {
    running.post("/auth/register").json(&serde_json::json!({"email": email, "password": PASSWORD}))
}

async fn change_password(running: &Running, token: &str, new: &str) -> u16 {
    let change = running.patch("/users/me").bearer_auth(token).json(&serde_json::json!({"password": new}));
    answer(change).await.0.as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_15_a_full_disk_costs_503_and_nothing_acknowledged() {
    let (running, disk) = start(tempfile::tempdir().unwrap());
    std::fs::write(disk.join("ballast"), vec![7; BALLAST]).unwrap();
    running.register(KING, PASSWORD).await;

    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let (client, address) = (running.server.client.clone(), running.server.address().to_owned());
        workers.spawn(async move {
            let (mut written, mut refused) = (Vec::new(), Vec::new());
            while refused.len() < 10 {
                let email = format!("knight{worker}x{}@camelot.bt", written.len() + refused.len());
                let body = serde_json::json!({"email": email, "password": PASSWORD});
                let response =
                    client.post(format!("{address}/auth/register")).json(&body).send().await.unwrap();
                match response.status().as_u16() {
                    201 => written.push(email),
                    status => {
                        assert_eq!(status, 503, "{email}");
                        assert!(response.headers().contains_key("retry-after"));
                        refused.push(email);
                    }
                }
                assert!(written.len() < 10_000, "the disk does not fill");
            }
            (written, refused)
        });
    }
    let (written, refused): (Vec<_>, Vec<_>) = workers.join_all().await.into_iter().unzip();
    let (written, refused) = (written.concat(), refused.concat());
    print(&format!("full after {} registrations; {} more refused with 503", written.len(), refused.len()));

    // Smaller acts still find room in what the larger ones have tried to write, until they do not either.
    let rest = std::fs::write(disk.join("rest"), vec![7; BALLAST]).unwrap_err();
    assert_eq!(rest.kind(), ErrorKind::StorageFull);
    let mut password = PASSWORD.to_owned();
    let (new, token) = loop {
        let token = running.token(KING, &password).await;
        let new = format!("{password}1");
        match change_password(&running, &token, &new).await {
            200 => password = new,
            status => {
                assert_eq!(status, 503);
                break (new, token);
            }
        }
        assert!(password.len() < 1000, "the disk is not full");
    };

    // What only reads goes on, and nothing is done by halves.
    assert_eq!(running.login(KING, &new).await.0, 400);
    assert_eq!(running.login(KING, &password).await.0, 200);
    assert_eq!(running.me(&token).await.0, 200, "no session was ended for a change that did not happen");
    assert_eq!(answer(running.get("/readyz")).await.0, 200);
    let by_cookie = running.post("/auth/cookie/login").form(&[("username", KING), ("password", &password)]);
    assert_eq!(answer(by_cookie).await.0, 503, "a session is stored or not given");

    std::fs::remove_file(disk.join("ballast")).unwrap();
    std::fs::remove_file(disk.join("rest")).unwrap();
    assert_eq!(change_password(&running, &token, &new).await, 200, "it goes on without a restart");
    for email in &written {
        assert_eq!(running.login(email, PASSWORD).await.0, 200, "{email} was acknowledged and is lost");
    }
    for email in &refused {
        assert_eq!(answer(register(&running, email)).await.0, 201, "{email} was refused and is there");
    }
    // SQLite opens no file by the way from outside; nobody writes now.
    let copy = running.folder.path().join("copy.db");
    for end in ["", "-wal"] {
        let (from, to) = (format!("users.db{end}"), format!("copy.db{end}"));
        std::fs::copy(disk.join(from), copy.with_file_name(to)).unwrap();
    }
    let mut database = SqliteConnection::connect(&format!("sqlite:{}", copy.display())).await.unwrap();
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut database).await.unwrap();
    let users: i64 =
        sqlx::query_scalar("SELECT count(*) FROM \"user\"").fetch_one(&mut database).await.unwrap();
    assert_eq!(sound, "ok");
    assert_eq!(usize::try_from(users).unwrap(), 1 + written.len() + refused.len());
    let log = running.log();
    assert!(!log.contains("panicked"), "{log}");
    print(&format!(
        "after space was freed: {} acknowledged and there, {} written now",
        written.len(),
        refused.len()
    ));
}
