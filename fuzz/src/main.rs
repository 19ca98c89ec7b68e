//! libFuzzer on the parser, or the engines of Argon2, named by `FUZZ_TARGET`: one program, so that it is linked once.

#![no_main]

use std::sync::LazyLock;

use axum_users::fuzzing::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/axum-users-server/src/args.rs"]
mod args;
#[allow(dead_code, unused_imports)]
#[path = "../../crates/axum-users-server/src/config/mod.rs"]
mod config;
mod engines;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET is set by scripts/fuzz");
    match name.as_str() {
        "settings" => return settings,
        "argon2" => return engines::agree,
        _ => {}
    }
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("there is no target {name}")).1
});

/// The server's configuration file: refused with a reason in one line, or taken.
fn settings(data: &[u8]) {
    use clap::Parser;

    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
    let file = FOLDER.path().join("axum-users.toml");
    std::fs::write(&file, data).expect("a file");
    let words = ["axum-users", "serve", "--config", file.to_str().expect("a path")];
    if let Err(error) = config::Config::load(&args::Args::parse_from(words)) {
        assert!(!format!("{error:#}").is_empty());
    }
}

fuzz_target!(|data: &[u8]| TARGET(data));
