use serde_json::Value;

use crate::support::{KING, PASSWORD, Running, answer, text};

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
    // CLI-1: no way to put a password on the command line, where others read it.
    refused(&["user", "create", KING, "--password", "hunter22"], "", "unexpected argument");
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
