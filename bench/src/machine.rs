//! What a run depends on: the machine, and the versions of everything.

use std::{collections::BTreeMap, fs, process::Command};

use anyhow::Context;

use crate::{
    goal::Vectors,
    load,
    results::Machine,
    servers::{self, binary},
};

/// This machine.
pub fn describe() -> anyhow::Result<Machine> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let name = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Ok(Machine {
        processor: name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned()),
        cores: std::thread::available_parallelism()?.get(),
        vectors: Vectors::detect(),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        debug_build: cfg!(debug_assertions),
    })
}

/// The versions of what runs, by name.
pub fn versions() -> anyhow::Result<BTreeMap<String, String>> {
    let mut versions = servers::reference_versions()?;
    for (name, mut command) in [
        ("axum-users", Command::new(binary()?)),
        ("rustc", Command::new("rustc")),
        ("PostgreSQL", Command::new("psql")),
        ("Redis", Command::new("redis-server")),
        ("oha", load::command()?),
    ] {
        let output = command.arg("--version").output().with_context(|| format!("the version of {name}"))?;
        versions.insert(name.to_owned(), version(&String::from_utf8_lossy(&output.stdout)).to_owned());
    }
    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    if let Some(commit) = commit.ok().filter(|commit| commit.status.success()) {
        versions.insert("commit".to_owned(), String::from_utf8_lossy(&commit.stdout).trim().to_owned());
    }
    Ok(versions)
}

/// The first word that begins with a digit, or `v=` and a digit.
fn version(text: &str) -> &str {
    let mut words = text.split_whitespace().map(|word| word.trim_start_matches("v="));
    words.find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_what_programs_print() {
        for (text, expected) in [
            ("psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"),
            ("Redis server v=7.0.15 sha=00000000:0 bits=64", "7.0.15"),
            ("oha 1.16.0\n", "1.16.0"),
            ("", ""),
        ] {
            assert_eq!(version(text), expected);
        }
    }
}
