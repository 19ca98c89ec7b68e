//! What the compiler says to those who make a mistake: every promise kept at compile time, pinned by its message.
//!
//! After a change that is meant, `TRYBUILD=overwrite` writes the messages anew: read them before they are committed.

use std::process::Command;

/// The words are those of the oldest compiler that builds this, `rust-version`. Newer ones say the same in others.
#[test]
fn mistakes_are_told_where_they_are_made() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = String::from_utf8(Command::new(rustc).arg("--version").output().unwrap().stdout).unwrap();
    let pinned = env!("CARGO_PKG_RUST_VERSION");
    if version.starts_with(&format!("rustc {pinned}")) {
        trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
    } else {
        eprintln!("the messages are pinned for rustc {pinned}, this is {version}");
    }
}
