//! Two thousand logins at once while the server may have 256 MiB, and how others are served meanwhile.
//!
//! The limit is on the data that a process may have (`RLIMIT_DATA`, by `prlimit --data`): all private writable memory, touched or
//! not. It needs no rights, holds in every container, and is stricter than a memory limit of cgroups, which counts what is
//! touched; a server that runs into it ends.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, ensure};
use tokio::time::sleep;

use crate::{
    latency,
    load::Load,
    memory::Memory,
    options::Run,
    requests,
    results::Flood,
    servers::{self, PASSWORD, Strategy},
};

const LOGINS: u32 = 2000;
const LIMIT_MIB: u64 = 256;
/// Seconds of requests to another route, and of those before the flood.
const SECONDS: f64 = 5.0;
const HEAD_START: f64 = 0.5;

pub async fn measure(run: &Run, folder: &Path) -> anyhow::Result<Flood> {
    let folder = folder.join("flood");
    std::fs::create_dir(&folder)?;
    let mut command = Command::new("prlimit");
    command.arg(format!("--data={}", LIMIT_MIB * 1024 * 1024)).arg("--").arg(servers::binary()?);
    let server = servers::start_limited(command, &folder)?;
    let token = servers::register_and_log_in(&server.address, Strategy::Jwt).await?;
    let credentials = format!("authorization: Bearer {token}");

    let logins = if run.quick { LOGINS / 20 } else { LOGINS };
    let me = latency::me(&server.address, &credentials, SECONDS)?;
    sleep(Duration::from_secs_f64(HEAD_START)).await;
    let flood = requests::log_in(&server.address, PASSWORD);
    let flood = Load { connections: logins, requests: Some(logins), ..flood }.start()?;
    let (flood, me) = (flood.wait()?, me.wait()?);
    // A process that has died has no memory, and this fails.
    let memory = Memory::of(server.id()).context("the server did not outlive the flood")?;
    let known = flood.statuses.keys().all(|status| [200, 503].contains(status));
    ensure!(known && flood.statuses.contains_key(&200), "{:?} {:?}", flood.statuses, flood.errors);
    let flood = Flood {
        logins,
        limit_mib: LIMIT_MIB,
        statuses: flood.statuses,
        seconds: flood.slowest / 1000.0,
        memory,
        p50_ms: me.p50,
        p99_ms: me.p99,
        slowest_ms: me.slowest,
        lost: latency::lost(&me),
    };
    println!("flood: {flood:?}");
    Ok(flood)
}
