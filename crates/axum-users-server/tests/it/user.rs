use std::{
    io::Write,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{CHEAP, KING, PASSWORD, Running, answer, command, run, text};

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
    let seen_of = |file| std::fs::read(format!("/proc/{}/{file}", child.id())).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !text(&seen_of("cmdline")).contains(KING) {
        assert!(Instant::now() < deadline, "it waits for the password");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Only root reads the environment of a process that keeps its memory private.
    let visible = ["cmdline", "environ"].map(seen_of);
    child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
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

/// CLI-2: on an empty folder, so that each of them also makes the database and its secrets.
#[test]
fn cli_2_of_ten_who_create_one_superuser_one_does() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("axum-users.toml"), CHEAP).unwrap();
    let words = ["user", "create", KING, "--superuser", "--password-stdin"];
    let outputs = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..10).map(|_| scope.spawn(|| run(folder.path(), &words, "guinevere1\n"))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let refused: Vec<String> =
        outputs.iter().filter(|output| !output.status.success()).map(|output| text(&output.stderr)).collect();
    assert_eq!(refused.len(), 9, "{refused:?}");
    assert!(
        refused.iter().all(|said| said.contains("a user with this e-mail address exists")),
        "{refused:?}"
    );
    assert_eq!(text(&run(folder.path(), &["user", "list"], "").stdout).lines().count(), 1);
}

/// CLI-2: killed at whatever moment, it has done all or nothing.
#[tokio::test]
async fn cli_2_a_killed_command_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("axum-users.toml"), CHEAP).unwrap();
    let mut done = 0;
    for round in 0..12_u64 {
        let email = format!("knight{round}@camelot.bt");
        let mut command = std::process::Command::new(axum_users_testkit::binary().unwrap());
        command.args(["user", "create", &email, "--superuser", "--password-stdin", "--data-dir", "data"]);
        command.current_dir(folder.path()).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // It may be gone before it has read.
        let _ = child.stdin.take().unwrap().write_all(b"guinevere1\n");
        std::thread::sleep(Duration::from_millis(round * round * 2));
        let _ = child.kill();
        child.wait().unwrap();
        let listed = run(folder.path(), &["user", "list", "--json"], "");
        assert!(listed.status.success(), "{}", text(&listed.stderr));
        let count = text(&listed.stdout).matches(&email).count();
        assert!(count <= 1);
        let again = run(
            folder.path(),
            &["user", "create", &email, "--superuser", "--password-stdin"],
            "guinevere1\n",
        );
        assert_eq!(again.status.success(), count == 0, "{}", text(&again.stderr));
        done += count;
    }
    assert_eq!(text(&run(folder.path(), &["user", "list"], "").stdout).lines().count(), 12);
    crate::support::print(&format!("of twelve commands that were killed {done} had created their user"));
}

/// ADM-4: users are listed by command only, by the key, within bounds.
#[tokio::test]
async fn adm_4_odd_pages_are_refused_or_empty() {
    let running = Running::start("");
    let mut ids = Vec::new();
    for number in 0..5 {
        let (_, user) = running.register(&format!("knight{number}@camelot.bt"), PASSWORD).await;
        ids.push(user["id"].as_str().unwrap().to_owned());
    }
    ids.sort();
    let list = |words: &[&str]| running.command(&[&["user", "list"], words].concat(), "");
    for (words, lines) in [
        (["--limit", "0"], 0),
        (["--limit", "1"], 1),
        (["--limit", "1000000000"], 5),
        (["--limit", "4294967295"], 5),
        (["--after", &ids[1]], 3),
        (["--after", &ids[4]], 0),
        (["--after", "00000000-0000-0000-0000-000000000000"], 5),
        (["--after", "ffffffff-ffff-ffff-ffff-ffffffffffff"], 0),
    ] {
        let output = list(&words);
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout).lines().count(), lines, "{words:?}");
    }
    for words in [
        ["--limit", "-1"],
        ["--limit", "4294967296"],
        ["--limit", "1e9"],
        ["--limit", ""],
        ["--after", "' OR 1=1 --"],
        ["--after", "%%%"],
        ["--after", "0"],
        ["--after", ""],
    ] {
        let output = list(&words);
        assert!(!output.status.success() && output.stdout.is_empty(), "{words:?}");
        assert!(!text(&output.stderr).contains("panicked"), "{words:?}");
    }
    // No route lists.
    let admin = ["user", "create", "merlin@camelot.bt", "--superuser", "--password-stdin"];
    assert!(running.command(&admin, "guinevere1\n").status.success());
    let token = running.token("merlin@camelot.bt", PASSWORD).await;
    for path in ["/users", "/users/", "/users?limit=0", "/users/?page_size=-1"] {
        assert!(
            [404, 405].contains(&answer(running.get(path).bearer_auth(&token)).await.0.as_u16()),
            "{path}"
        );
    }
}
