//! What was done is kept, shown by command, and survives the process.

use std::time::{Duration, Instant};

use axum_users_testkit::{Server, free_port, postgres_schema};
use serde_json::{Value, json};

use crate::support::{CHEAP, KING, PASSWORD, Running, answer, text};

/// The events that a command lists, the first one first.
fn listed(running: &Running, words: &[&str]) -> Vec<Value> {
    let output = running.command(&[&["events", "list", "--json"], words].concat(), "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let events =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>();
    events.into_iter().rev().collect()
}

fn acts(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["act"].as_str().unwrap()).collect()
}

/// Acts, kills the process a second later, and acts again.
async fn keeps_what_was_done(database: &str) {
    let mut running = Running::start(database);
    let user = running.register(KING, PASSWORD).await.1;
    running.login(KING, "canary-wrong").await;
    running.login("canary-typed-as-name", PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let listen = running.server.listen().to_owned();
    running.server.process().kill().unwrap();
    let before = ["registered", "login_failed", "login_failed", "login"];
    assert_eq!(acts(&listed(&running, &[])), before);
    running.server = Server::start(running.folder.path(), &format!("{database}\n{CHEAP}"), &listen).unwrap();
    let change = json!({"password": "excalibur-in-the-stone"});
    assert_eq!(answer(running.patch("/users/me").bearer_auth(&token).json(&change)).await.0, 200);

    // An orderly stop writes what waits.
    assert!(running.server.process().terminate(Duration::from_secs(20)).unwrap().success());
    let events = listed(&running, &[]);
    assert_eq!(acts(&events), [&before[..], &["password_changed"]].concat());
    let id = user["id"].as_str().unwrap();
    assert_eq!(
        (events[1]["user"].as_str(), events[1]["reason"].as_str()),
        (Some(id), Some("wrong_password"))
    );
    assert_eq!((events[2].get("user"), events[2]["reason"].as_str()), (None, Some("unknown_user")));
    assert!(events.iter().all(|event| event["address"] == "127.0.0.1"), "{events:?}");
    let shown = text(&running.command(&["events", "list"], "").stdout);
    assert!(!shown.contains("canary") && !format!("{events:?}").contains("canary"), "LGS-1, LGS-3");
    let log = running.log();
    assert!(
        log.contains("password_changed") && log.contains("axum_users::audit"),
        "it is logged, too: {log}"
    );

    // What commands do is kept as well.
    assert!(running.command(&["user", "promote", KING], "").status.success());
    assert!(running.command(&["user", "delete", KING, "--yes"], "").status.success());
    let last = listed(&running, &["--limit", "2"]);
    assert_eq!(acts(&last), ["user_changed_by_administrator", "user_deleted"]);
    assert_eq!(last[0]["changes"], json!(["promoted"]));
    assert!(last[0].get("address").is_none());
}

#[tokio::test]
async fn f_1_what_was_done_survives_the_process_on_sqlite() {
    keeps_what_was_done("").await;
}

#[tokio::test]
async fn f_1_what_was_done_survives_the_process_on_postgres() {
    keeps_what_was_done(&format!("database_url = {:?}", postgres_schema().await.unwrap())).await;
}

#[tokio::test]
async fn events_are_found_by_user_act_and_time() {
    let running = Running::start("");
    running.login(KING, "before there was one").await;
    running.register(KING, PASSWORD).await;
    running.register("merlin@camelot.bt", PASSWORD).await;
    let id = answer(running.get("/users/me").bearer_auth(running.token(KING, PASSWORD).await)).await.1["id"]
        .clone();
    let start = Instant::now();
    while listed(&running, &[]).len() < 4 {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    let find = |words: &[&str]| listed(&running, words);
    let of_king = ["login_failed", "registered", "login"];
    assert_eq!(acts(&find(&["--user", "King.Arthur@CAMELOT.bt"])), of_king);
    assert_eq!(acts(&find(&["--user", id.as_str().unwrap()])), of_king, "the address is that of the user");
    assert_eq!(find(&["--user", "nobody@camelot.bt"]).len(), 0);
    assert_eq!(acts(&find(&["--act", "registered", "--since", "24h"])), ["registered"; 2]);
    assert_eq!(find(&["--since", "0s"]).len(), 0);
    let page = find(&["--limit", "1"]);
    let after = find(&["--limit", "1", "--after", page[0]["id"].as_str().unwrap()]);
    assert_eq!((acts(&page), acts(&after)), (vec!["login"], vec!["registered"]));
    for (words, says) in [
        (["--act", "logged_in"], "login_failed"),
        (["--since", "yesterday"], "24h"),
        (["--after", "1"], "--after"),
    ] {
        let refused = running.command(&[&["events", "list"], &words[..]].concat(), "");
        assert!(!refused.status.success() && text(&refused.stderr).contains(says), "{words:?}");
    }
}

#[tokio::test]
async fn events_are_counted_and_can_be_switched_off() {
    let port = free_port().unwrap();
    let metrics = format!("metrics_listen = \"127.0.0.1:{port}\"\n");
    let figures = async |running: &Running| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let metrics = running.server.client.get(format!("http://127.0.0.1:{port}/metrics"));
        answer(metrics).await.1.as_str().unwrap().to_owned()
    };
    let running = Running::start(&metrics);
    running.login(KING, PASSWORD).await;
    let shown = figures(&running).await;
    assert!(shown.contains("\naxum_users_audit_events_written_total 1"), "{shown}");
    assert!(shown.contains("\naxum_users_audit_events_dropped_total 0"), "{shown}");
    drop(running);

    let running = Running::start(&format!("{metrics}[audit]\nenabled = false\n"));
    running.login(KING, PASSWORD).await;
    let shown = figures(&running).await;
    assert!(shown.contains("\naxum_users_audit_events_written_total 0"), "{shown}");
    let refused = running.command(&["events", "list"], "");
    assert!(!refused.status.success() && text(&refused.stderr).contains("audit.enabled"));
    let log = running.log();
    assert!(log.contains("login_failed"), "it is logged all the same: {log}");
}

#[test]
fn cfg_2_events_are_kept_for_a_day_at_least() {
    let folder = tempfile::tempdir().unwrap();
    for days in ["0", "36501"] {
        let settings = format!("[audit]\nkeep_days = {days}\n");
        std::fs::write(folder.path().join("axum-users.toml"), settings).unwrap();
        let refused = crate::support::run(folder.path(), &["config"], "");
        assert!(!refused.status.success() && text(&refused.stderr).contains("audit.keep_days"), "{days}");
    }
}
