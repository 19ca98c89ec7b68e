use std::{fs, path::Path};

use crate::support::{run, text};

/// Runs the command in a folder with these settings; gives the output, and what it printed as errors.
fn migrate(folder: &Path, settings: &str, words: &[&str]) -> (String, String) {
    fs::write(folder.join("axum-users.toml"), settings).unwrap();
    let output = run(folder, &[&["migrate"], words].concat(), "");
    assert_eq!(output.status.success(), output.stderr.is_empty(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_dry_run_tells_what_would_be_done_and_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[[fields]]\nname = \"nickname\"\nkind = \"text\"\n";
    let (planned, _) = migrate(folder.path(), settings, &["--dry-run"]);
    assert!(planned.lines().next().unwrap().contains("nothing was changed"), "{planned}");
    assert!(
        planned.contains("CREATE TABLE \"user\" (") && planned.contains("\"nickname\" VARCHAR"),
        "{planned}"
    );
    assert!(!folder.path().join("data").exists(), "nothing was made");

    let (done, _) = migrate(folder.path(), settings, &[]);
    assert_eq!(planned.lines().skip(1).collect::<Vec<_>>(), done.lines().skip(1).collect::<Vec<_>>());
    let (again, _) = migrate(folder.path(), settings, &[]);
    assert!(again.contains("is up to date") && again.lines().count() == 1, "{again}");

    let before = fs::read(folder.path().join("data/users.db")).unwrap();
    let more = format!("{settings}[[fields]]\nname = \"age\"\nkind = \"integer\"\n");
    let (planned, _) = migrate(folder.path(), &more, &["--dry-run"]);
    assert!(planned.ends_with("ALTER TABLE \"user\" ADD COLUMN \"age\" BIGINT;\n"), "{planned}");
    assert_eq!(fs::read(folder.path().join("data/users.db")).unwrap(), before);
}

#[test]
fn a_database_that_cannot_be_adopted_is_refused_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "database_url = \"postgres://name:hunter2@127.0.0.1:1/users\"\n";
    for words in [&["--dry-run"][..], &[]] {
        let (_, error) = migrate(folder.path(), settings, words);
        assert!(error.contains("cannot be opened") && !error.contains("hunter2"), "{error}");
    }
}
