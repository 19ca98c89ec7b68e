use std::fs;

use crate::support::{run, text};

#[test]
fn what_is_proposed_is_a_configuration_and_keeps_to_the_limits() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["calibrate", "--target-ms", "400", "--threads", "1", "--memory-mib", "13"];
    let output = run(folder.path(), &flags, "");
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && errors.is_empty(), "{said}{errors}");
    for row in ["  7 MiB         5", "  9 MiB         4", " 12 MiB         3"] {
        assert!(said.contains(row), "{said}");
    }
    assert!(!said.contains(" 19 MiB"), "more than it may have: {said}");
    let (_, settings) = said.split_once("\n\n[").expect(&said);
    let file = folder.path().join("axum-users.toml");
    fs::write(&file, format!("[{settings}")).unwrap();
    let output = run(folder.path(), &["config"], "");
    assert!(output.status.success(), "{}{said}", text(&output.stderr));
    let config: toml::Table = text(&output.stdout).parse().unwrap();
    let hashing = &config["policy_overrides"]["hashing"];
    assert_eq!(hashing["memory_kib"].as_integer(), Some(12 * 1024), "{said}");
    assert!(hashing["iterations"].as_integer().unwrap() >= 3, "{said}");
    assert_eq!(config["hashing"]["memory_mib"].as_integer(), Some(12), "{said}");
}

#[test]
fn what_cannot_be_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for flags in [["calibrate", "--memory-mib", "6"], ["calibrate", "--threads", "0"]] {
        let output = run(folder.path(), &flags, "");
        let errors = text(&output.stderr);
        assert!(!output.status.success() && errors.contains("--") | errors.contains("MiB"), "{errors}");
    }
}
