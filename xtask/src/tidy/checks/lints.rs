//! Unsafe code stands in one crate, which is held to every other lint of the workspace.

use super::{Files, text};

/// Its manifest repeats the lints, since a `forbid` cannot be taken back.
const ENGINE: &str = "crates/axum-users-argon2/Cargo.toml";
/// The lints of the workspace, or at least that one.
const FORBIDS: [&str; 2] = ["[lints]\nworkspace = true", "unsafe_code = \"forbid\""];

pub(super) fn no_unsafe_code(files: &Files) -> Vec<String> {
    // The workspace's own, and fuzz/, which is a workspace of its own for libFuzzer alone.
    let others = files.iter().filter(|(path, _)| path.ends_with("/Cargo.toml") && !path.starts_with("fuzz/"));
    let forbids = |manifest: &str| FORBIDS.iter().any(|lint| manifest.contains(lint));
    let free = others.filter(|(path, manifest)| *path != ENGINE && !forbids(manifest));
    free.map(|(path, _)| format!("{path}: does not forbid unsafe code")).collect()
}

pub(super) fn engine(files: &Files) -> Vec<String> {
    let Some(manifest) = files.get(ENGINE) else { return Vec::new() };
    let own = ["unsafe_code = \"allow\"", "undocumented_unsafe_blocks = \"deny\""];
    let workspace = text(files, "Cargo.toml").split("[workspace.lints.").skip(1);
    let tables = workspace.map(|table| table.split("\n[").next().unwrap_or_default());
    let lints = tables.flat_map(|table| table.lines().skip(1)).filter(|line| line.contains(" = "));
    let repeated =
        lints.filter(|line| !line.starts_with("unsafe_code") && !line.starts_with("unexpected_cfgs"));
    let missing = repeated.chain(own).filter(|lint| !manifest.lines().any(|line| line == *lint));
    missing.map(|lint| format!("{ENGINE}: has not the lint {lint}")).collect()
}
