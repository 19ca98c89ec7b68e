use axum_users_testkit::free_port;

use crate::support::{KING, PASSWORD, Running, answer, run, text};

#[tokio::test]
async fn metrics_have_an_address_of_their_own_and_tell_nothing_of_users() {
    let port = free_port().unwrap();
    let running = Running::start(&format!("metrics_listen = \"127.0.0.1:{port}\""));
    running.register(KING, PASSWORD).await;
    running.token(KING, PASSWORD).await;
    let metrics = running.server.client.get(format!("http://127.0.0.1:{port}/metrics"));
    let (status, figures) = answer(metrics).await;
    let figures = figures.as_str().unwrap();
    assert_eq!(status, 200);
    assert!(figures.contains("\naxum_users_password_operations_total 2"), "{figures}");
    assert!(figures.contains("\naxum_users_expired_tokens_removed_total 0"), "{figures}");
    assert!(figures.contains("\naxum_users_password_queue 0"), "{figures}");
    assert!(figures.contains("\naxum_users_password_wait_seconds_count 2"), "{figures}");
    assert!(figures.contains("\naxum_users_password_hash_seconds_bucket{le=\"5\"} 2"), "{figures}");
    assert!(figures.contains("\naxum_users_password_memory_bytes 65536"), "{figures}");
    assert!(!figures.contains("camelot"), "LGS-1: {figures}");
    assert_eq!(answer(running.get("/metrics")).await.0, 404);
}

#[test]
fn an_address_in_use_is_refused_by_name() {
    let running = Running::start("");
    let taken = running.server.listen();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("axum-users.toml"), format!("metrics_listen = \"{taken}\"")).unwrap();
    let output = run(folder.path(), &["serve", "--listen", "127.0.0.1:0"], "");
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("`metrics_listen`"), "{error}");
}
