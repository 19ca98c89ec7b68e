//! Routes: rounds in which one server after the other is asked the same.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, ensure};

use crate::{
    cpu, latency,
    memory::Memory,
    options::Run,
    programs::hashes::Bare,
    requests,
    results::{MemoryOf, Results, Sample},
    route::{Act, ROUTES, Route},
    servers::{Kind, Running, Services},
};

/// Requests before the first round: connections, prepared statements, memory.
const WARM_UP: u32 = 64;

/// Measures all routes that are wanted.
pub async fn routes(run: &Run, folder: &Path, results: &mut Results) -> anyhow::Result<()> {
    let wanted: Vec<&Route> = ROUTES.iter().filter(|route| run.wants(route.name)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let services = Services::start()?;
    for group in wanted.chunk_by(|one, next| one.deployment == next.deployment) {
        deployment(run, group, &services, folder, results).await?;
    }
    Ok(())
}

/// Those that are asked of the same servers.
async fn deployment(
    run: &Run,
    group: &[&Route],
    services: &Services,
    folder: &Path,
    results: &mut Results,
) -> anyhow::Result<()> {
    let Some(deployment) = group.first().map(|route| route.deployment) else { return Ok(()) };
    let mut kinds: Vec<Kind> = group.iter().flat_map(|route| route.servers).copied().collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.retain(|&kind| kind != Kind::BareHash);
    let mut servers = Vec::new();
    for kind in kinds {
        servers.push(Running::start(kind, deployment, services, folder).await?);
    }
    for route in group {
        for round in 0..run.rounds() {
            for &kind in route.servers {
                let server = servers.iter().find(|server| server.kind == kind);
                let sample = match server {
                    None => bare_hash(run, route, round)?,
                    Some(server) => {
                        let sample = sample(run, route, server, services, folder, round).await;
                        sample.with_context(|| format!("{}, {}", kind.name(), route.name))?
                    }
                };
                report(&sample);
                results.samples.push(sample);
            }
        }
    }
    for server in servers {
        let idle = server.idle;
        let after = Memory::of(server.id())?;
        results.memory.push(MemoryOf { deployment: deployment.name(), server: server.kind, idle, after });
    }
    Ok(())
}

async fn sample(
    run: &Run,
    route: &Route,
    server: &Running,
    services: &Services,
    folder: &Path,
    round: u32,
) -> anyhow::Result<Sample> {
    if route.act == Act::MeDuringLogins {
        return latency::sample(run, route, server, round).await;
    }
    let mut load = requests::load(route.act, server, folder, round)?;
    if round == 0 && !run.quick {
        load.requests = Some(if route.act.hashes() { load.connections } else { WARM_UP });
        load.run()?.expect(route.act.expected(), requests::tolerated(route.act))?;
        load.requests = None;
    }
    load.seconds = run.seconds();
    let (own, databases) = ([server.id()], services.ids()?);
    cpu::settle(&[own[0], databases[0]]).await?;
    let before = (cpu::used(&own)?, cpu::used(&databases)?);
    let answers = load.run()?;
    answers.expect(route.act.expected(), requests::tolerated(route.act))?;
    cpu::settle(&[own[0], databases[0]]).await?;
    let after = (cpu::used(&own)?, cpu::used(&databases)?);
    let each = |used: Duration| used.as_secs_f64() * 1e6 / answers.count() as f64;
    Ok(Sample {
        route: route.name.to_owned(),
        server: server.kind,
        round,
        answers: answers.count(),
        cpu_us: each(after.0 - before.0),
        database_cpu_us: each(after.1 - before.1),
        per_second: answers.per_second,
        p50_ms: answers.p50,
        p99_ms: answers.p99,
        slowest_ms: answers.slowest,
        lost: 0,
        logins_per_second: None,
    })
}

fn bare_hash(run: &Run, route: &Route, round: u32) -> anyhow::Result<Sample> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["hashes", "--seconds", &run.seconds().to_string()]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bare: Bare = serde_json::from_slice(&output.stdout)?;
    Ok(Sample {
        route: route.name.to_owned(),
        server: Kind::BareHash,
        round,
        answers: bare.hashes,
        cpu_us: bare.cpu_ms * 1000.0 / bare.hashes as f64,
        database_cpu_us: 0.0,
        per_second: bare.hashes as f64 / bare.seconds,
        p50_ms: 0.0,
        p99_ms: 0.0,
        slowest_ms: 0.0,
        lost: 0,
        logins_per_second: None,
    })
}

fn report(sample: &Sample) {
    println!(
        "{:<20} {:<19} round {}: {:>9.1} + {:>7.1} µs CPU, {:>8.1}/s, p50 {:>7.2} ms, p99 {:>7.2} ms",
        sample.route,
        sample.server.name(),
        sample.round + 1,
        sample.cpu_us,
        sample.database_cpu_us,
        sample.per_second,
        sample.p50_ms,
        sample.p99_ms
    );
}
