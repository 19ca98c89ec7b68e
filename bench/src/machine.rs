//! What a run depends on: the machine, and the versions of everything.

use std::{collections::BTreeMap, fs, process::Command};

use serde_json::Value;

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
pub fn versions() -> anyhow::Result<BTreeMap<String, Value>> {
    let first_line = |command: &mut Command| -> anyhow::Result<Value> {
        let output = command.output()?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().into())
    };
    Ok(BTreeMap::from([
        ("axum-users".to_owned(), first_line(Command::new(binary()?).arg("--version"))?),
        ("rustc".to_owned(), first_line(Command::new("rustc").arg("--version"))?),
        ("PostgreSQL".to_owned(), first_line(Command::new("psql").arg("--version"))?),
        ("Redis".to_owned(), first_line(Command::new("redis-server").arg("--version"))?),
        ("load generator".to_owned(), load::version()?.into()),
        ("reference".to_owned(), servers::versions()?),
    ]))
}
