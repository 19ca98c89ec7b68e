//! F-17: the disk does not always keep what it is given: the system answers some calls of `fsync` with an error.

use std::process::Command;

use axum_users_testkit::{Server, binary};
use sqlx::{Connection, SqliteConnection};

use crate::support::{CHEAP, PASSWORD, Running, print};

/// How often a thread may flush before all its flushes fail. A connection whose flush failed is replaced, by one with a
/// thread of its own.
const FLUSHES: usize = 10;

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
    while refused.len() < 5 {
        let email = format!("knight{}@camelot.bt", written.len() + refused.len());
        match running.register(&email, PASSWORD).await.0.as_u16() {
            201 => written.push(email),
            status => {
                assert_eq!(status, 503, "{email}");
                refused.push(email);
            }
        }
        assert!(written.len() <= FLUSHES * (1 + refused.len()), "acknowledged although it was not kept");
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
        "a disk that fails now and then: {} acknowledged and all there, {} refused with 503",
        written.len(),
        refused.len()
    ));
}
