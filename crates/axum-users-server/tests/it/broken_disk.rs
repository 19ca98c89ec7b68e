//! F-17: the disk does not keep what it is given. From some moment on the system answers every `fsync` with an error.

use std::process::Command;

use axum_users_testkit::{Server, binary};
use sqlx::{Connection, SqliteConnection};

use crate::support::{CHEAP, PASSWORD, Running, print};

/// How often the thread that writes may flush: some for the tables, and then one for each registration.
const FLUSHES: u32 = 40;

#[tokio::test]
async fn f_17_what_the_disk_has_not_kept_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("strace");
    // With -D the server is our child, and can be killed.
    command.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]);
    command.args(["-e", &format!("inject=fsync,fdatasync:error=EIO:when={FLUSHES}+")]);
    command.arg(binary().unwrap());
    let server = Server::start_by(command, folder.path(), CHEAP, "127.0.0.1:0").unwrap();
    let mut running = Running { server, folder };
    let (mut written, mut refused) = (Vec::new(), Vec::new());
    while refused.len() < 10 {
        let email = format!("knight{}@camelot.bt", written.len() + refused.len());
        match running.register(&email, PASSWORD).await.0.as_u16() {
            201 => written.push(email),
            status => {
                assert_eq!(status, 503, "{email}");
                refused.push(email);
            }
        }
        assert!(written.len() <= FLUSHES as usize, "acknowledged although nothing is kept");
    }
    assert!(!written.is_empty());
    assert_eq!(running.login(&written[0], PASSWORD).await.0, 200, "what only reads goes on");

    running.server.process().kill().unwrap();
    running.server = Server::start(running.folder.path(), CHEAP, "127.0.0.1:0").unwrap();
    for email in &written {
        assert_eq!(running.login(email, PASSWORD).await.0, 200, "{email} was acknowledged and is lost");
    }
    let file = running.folder.path().join("data/users.db");
    let mut database = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut database).await.unwrap();
    assert_eq!(sound, "ok");
    print(&format!(
        "a disk that keeps nothing: {} acknowledged before it broke and all there, {} refused with 503",
        written.len(),
        refused.len()
    ));
}
