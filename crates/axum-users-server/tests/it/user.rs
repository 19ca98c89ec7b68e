use std::{io::Write, process::Stdio};

use serde_json::Value;

use crate::support::{KING, PASSWORD, Running, answer, command, text};

const NEW: &str = "excalibur7";

#[tokio::test]
async fn users_are_managed_by_command_beside_a_running_server() {
    let running = Running::start("");
    let line = |words: &[&str], input: &str| {
        let output = running.command(words, input);
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let password = format!("{PASSWORD}\n");
    let created =
        line(&["user", "create", KING, "--superuser", "--verified", "--password-stdin", "--json"], &password);
    let user: Value = serde_json::from_str(&created).unwrap();
    assert_eq!((&user["is_superuser"], &user["is_verified"]), (&true.into(), &true.into()));
    let id = user["id"].as_str().unwrap();

    // An administrator manages users over HTTP.
    running.register("wart@camelot.bt", PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    assert_eq!(answer(running.get(&format!("/users/{id}")).bearer_auth(&token)).await.1, user);

    assert!(line(&["user", "show", "KING.arthur@camelot.bt"], "").contains(id));
    assert_eq!(line(&["user", "list", "--json"], "").lines().count(), 2);
    assert_eq!(line(&["user", "list", "--limit", "1"], "").lines().count(), 1);

    line(&["user", "set-password", KING, "--password-stdin"], &format!("{NEW}\n"));
    assert_eq!(running.me(&token).await.0, 401, "a new password ends every session");
    let token = running.token(KING, NEW).await;
    line(&["user", "promote", id, "--demote"], "");
    assert_eq!(answer(running.get(&format!("/users/{id}")).bearer_auth(&token)).await.0, 403);
    line(&["user", "deactivate", KING], "");
    assert_eq!(running.me(&token).await.0, 401);
    line(&["user", "deactivate", KING, "--activate"], "");
    assert_eq!(running.me(&token).await.0, 200);
    line(&["user", "delete", KING, "--yes"], "");
    assert_eq!(running.me(&token).await.0, 401);
    assert_eq!(line(&["user", "list"], "").lines().count(), 1);
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let running = Running::start("");
    let refused = |words: &[&str], input: &str, says: &str| {
        let output = running.command(words, input);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{words:?}");
        assert!(said.contains(says), "{words:?}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    };
    refused(&["user", "show", "nobody@camelot.bt"], "", "there is no user nobody@camelot.bt");
    refused(&["user", "create", "no address", "--password-stdin"], "hunter22\n", "address");
    refused(&["user", "create", KING, "--password-stdin"], "hunter2\n", "at least 8 characters");
    refused(&["user", "create", KING], "hunter22\n", "--password-stdin");
    refused(&["user", "delete", KING], "", "there is no user");
}

/// Others read the arguments and the environment of a process, and its logs.
#[test]
fn cli_1_a_password_is_in_no_argument_and_no_environment() {
    let running = Running::start("[log]\nlevel = \"trace\"\n");
    let given = running.command(&["user", "create", KING, "--password", "hunter22"], "");
    assert!(text(&given.stderr).contains("unexpected argument"), "{}", text(&given.stderr));
    for (variable, value) in [("PASSWORD", "excalibur7"), ("AXUM_USERS_PASSWORD__VALUE", "excalibur7")] {
        let words = ["user", "create", "wart@camelot.bt"];
        let output = command(running.folder.path(), &words).env(variable, value).output().unwrap();
        assert!(!output.status.success(), "{variable} gives a password");
    }

    let words = ["user", "create", KING, "--password-stdin"];
    let mut child = command(running.folder.path(), &words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    let visible =
        ["cmdline", "environ"].map(|file| std::fs::read(format!("/proc/{}/{file}", child.id())).unwrap());
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    for seen in visible.iter().chain([&output.stdout, &output.stderr]) {
        assert!(!text(seen).contains(PASSWORD));
    }
}

#[test]
fn a_taken_address_is_refused() {
    let running = Running::start("");
    let words = ["user", "create", KING, "--password-stdin"];
    assert!(running.command(&words, "guinevere1\n").status.success());
    let again =
        running.command(&["user", "create", "King.Arthur@Camelot.bt", "--password-stdin"], "guinevere1\n");
    assert!(!again.status.success());
    assert!(
        text(&again.stderr).contains("a user with this e-mail address exists"),
        "{}",
        text(&again.stderr)
    );
}
