use std::{fs, path::Path};

use axum_users::password::{BreachFilter, BreachFilterError, BuiltFilter, build_breach_filter};
use serde_json::json;

use super::{KNOWN, REASON, sha1};
use crate::support::{KING, Kind, TestApp, jwt};

/// A list as it is downloaded: these passwords, in the order of their hashes, each seen as often as its place says.
fn list(passwords: &[String]) -> String {
    let lines = passwords.iter().enumerate().map(|(count, password)| format!("{}:{count}", sha1(password)));
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines.join("\r\n")
}

fn build(list: &str, target: &Path, min_count: u64) -> Result<BuiltFilter, BreachFilterError> {
    build_breach_filter(list.as_bytes(), target, min_count, |done| assert!((0.0..=1.0).contains(&done)))
}

async fn app(filter: &Path) -> TestApp {
    let filter = BreachFilter::open(filter).unwrap();
    TestApp::with(Kind::Memory, |builder, _| builder.hooks(filter).backend(jwt())).await
}

#[tokio::test]
async fn reg_8_passwords_of_the_list_are_refused_without_asking_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("breached.filter");
    // More parts are empty than not, and some have several.
    let mut known: Vec<_> = (0..3000).map(|number| format!("breached {number}")).collect();
    known.push(KNOWN.to_owned());
    let built = build(&list(&known), &target, 0).unwrap();
    assert_eq!((built.passwords, built.bytes), (3001, fs::metadata(&target).unwrap().len()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unfinished is left");

    let app = app(&target).await;
    let refusal = json!({"code": "REGISTER_INVALID_PASSWORD", "reason": REASON});
    for password in [KNOWN, "breached 0", "breached 1234", "breached 2999"] {
        app.register(KING, password).await.assert_detail(400, refusal.clone());
    }
    for number in 0..50 {
        let answer = app.register(&format!("{number}@camelot.bt"), &format!("never seen {number}")).await;
        assert_eq!(answer.status, 201, "{number}");
    }

    // What was seen less often than is asked for is not held.
    assert_eq!(build(&list(&known), &target, 2999).unwrap().passwords, 2);
}

#[test]
fn lists_that_would_make_another_filter_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("breached.filter");
    let hashes = list(&["one".to_owned(), "two".to_owned()]);
    let backwards = hashes.lines().rev().collect::<Vec<_>>().join("\n");
    for (list, says) in [
        (backwards.as_str(), "line 2 of the list: the hashes are not in order"),
        ("password", "line 1 of the list: it does not begin with 40"),
        (&format!("{}:many", sha1("one")), "line 1 of the list: there is no count"),
        (&"F".repeat(500), "line 1 of the list: it does not begin"),
    ] {
        let error = build(list, &target, 1).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
        assert!(!target.exists(), "{says}");
    }
    assert!(matches!(
        build_breach_filter(&b"\xff\xfe\n"[..], &target, 1, |_| ()),
        Err(BreachFilterError::List { line: 1, .. })
    ));
    assert_eq!(build("", &target, 1).unwrap().passwords, 0);
    // Hashes alone, one line twice, and blank lines.
    let plain = format!("\u{feff}{0}\n{0}\n\n", sha1("one"));
    assert_eq!(build(&plain, &target, 1).unwrap().passwords, 1);
}

#[tokio::test]
async fn what_is_no_filter_is_refused_at_the_start_and_a_damaged_one_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("breached.filter");
    assert!(matches!(BreachFilter::open(&target), Err(BreachFilterError::File { .. })));
    build(&list(&[KNOWN.to_owned()]), &target, 0).unwrap();
    let whole = fs::read(&target).unwrap();
    let mut other = whole.clone();
    other[0] ^= 1;
    let mut backwards = whole.clone();
    backwards[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
    for spoilt in [&whole[..whole.len() - 1], &whole[..100], b"", &other, &backwards] {
        fs::write(&target, spoilt).unwrap();
        assert!(matches!(BreachFilter::open(&target), Err(BreachFilterError::NotAFilter { .. })));
    }
    let mut damaged = whole;
    let first = damaged.len() - 30;
    damaged[first..].fill(0xff);
    fs::write(&target, &damaged).unwrap();
    let app = app(&target).await;
    assert_eq!(app.register(KING, KNOWN).await.status, 201);
}
