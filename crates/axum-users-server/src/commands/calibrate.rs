//! What password hashes cost on this machine, and which parameters take the time that a login may take.

use std::{
    io::{self, IsTerminal, Write},
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use axum_users::password::{Argon2id, PasswordHasher, PoolOptions};

use crate::args;

/// MiB, and the fewest passes with so much: what OWASP takes for equally strong (Password Storage Cheat Sheet), and more.
const CANDIDATES: [(u32, u32); 11] =
    [(7, 5), (9, 4), (12, 3), (19, 2), (32, 2), (46, 1), (64, 1), (96, 1), (128, 1), (192, 1), (256, 1)];
/// The most passes that are verified.
const MOST_PASSES: u32 = 16;
/// How long each candidate is measured at least, and how often.
const MEASURED: Duration = Duration::from_millis(400);
const TIMES: usize = 5;

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    hasher: Argon2id,
    milliseconds: f64,
}

/// Measures, and prints a table and a proposal.
pub fn run(command: &args::Calibrate) -> anyhow::Result<()> {
    let usual = PoolOptions::default();
    let threads = command.threads.unwrap_or(usual.threads);
    let target = f64::from(command.target_ms);
    ensure!(threads > 0 && command.target_ms > 0, "`--threads` and `--target-ms` are at least 1");
    let budget = command.memory_mib.unwrap_or(usual.memory / (1024 * 1024));
    let mut rows = Vec::new();
    for (mib, fewest) in CANDIDATES {
        if u64::from(mib).saturating_mul(threads as u64) > budget {
            continue;
        }
        progress(&format!("measuring {mib} MiB"));
        let least = Argon2id { memory_kib: mib * 1024, iterations: fewest, ..Argon2id::secure() };
        let least = Row { hasher: least, milliseconds: measure(least, threads)? };
        rows.push(least);
        let passes = passes_within(least, target);
        if passes > fewest {
            let hasher = Argon2id { iterations: passes, ..least.hasher };
            rows.push(Row { hasher, milliseconds: measure(hasher, threads)? });
        }
        if least.milliseconds > target {
            break;
        }
    }
    progress("");
    super::print(&table(&rows, threads, target));
    let Some(proposed) = proposal(&rows, target) else {
        bail!(
            "nothing that is strong enough takes {} ms or less with {threads} threads and {budget} MiB: give more of them",
            command.target_ms
        );
    };
    super::print(&settings(proposed, threads));
    Ok(())
}

/// The median of one hash in milliseconds, while all threads hash.
fn measure(hasher: Argon2id, threads: usize) -> anyhow::Result<f64> {
    let start = Barrier::new(threads);
    let times = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| times(hasher, &start))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err("the hasher panicked".into())))
            .collect::<Result<Vec<_>, _>>()
    });
    let times = times.map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut times: Vec<f64> = times.into_iter().flatten().collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().context("nothing was measured")
}

fn times(hasher: Argon2id, start: &Barrier) -> Result<Vec<f64>, axum_users::BoxError> {
    // Brings the memory.
    let first = hasher.hash("to be measured");
    start.wait();
    first?;
    let (begun, mut times) = (Instant::now(), Vec::new());
    while times.len() < TIMES || begun.elapsed() < MEASURED {
        let one = Instant::now();
        hasher.hash("to be measured")?;
        times.push(one.elapsed().as_secs_f64() * 1000.0);
    }
    hasher.release_memory();
    Ok(times)
}

/// As many passes as the time suffices for: a pass costs about the same each.
fn passes_within(least: Row, target: f64) -> u32 {
    let per_pass = least.milliseconds / f64::from(least.hasher.iterations);
    ((target / per_pass) as u32).min(MOST_PASSES)
}

/// The most memory that keeps to the time, and then the most passes (RFC 9106 §4).
fn proposal(rows: &[Row], target: f64) -> Option<Row> {
    // What was just measured within the target may be a little over it in the next moment.
    let within = rows.iter().filter(|row| row.milliseconds <= target * 1.02);
    within.copied().max_by_key(|row| (row.hasher.memory_kib, row.hasher.iterations))
}

fn table(rows: &[Row], threads: usize, target: f64) -> String {
    let mut lines = vec![
        format!(
            "Argon2id on {threads} threads at once, one lane each; a login may take {target} ms (an idle machine tells the truth)"
        ),
        String::new(),
        "memory    passes   ms a hash   logins a second   memory of all threads".to_owned(),
    ];
    for Row { hasher, milliseconds } in rows {
        let mib = hasher.memory_kib / 1024;
        let logins = threads as f64 * 1000.0 / milliseconds;
        let too_long = if *milliseconds > target * 1.02 { "   too long" } else { "" };
        lines.push(format!(
            "{mib:>3} MiB {:>9} {milliseconds:>11.1} {logins:>17.0} {:>19} MiB{too_long}",
            hasher.iterations,
            u64::from(mib) * threads as u64,
        ));
    }
    lines.join("\n")
}

fn settings(Row { hasher, milliseconds }: Row, threads: usize) -> String {
    let Argon2id { memory_kib, iterations, parallelism, .. } = hasher;
    let logins = threads as f64 * 1000.0 / milliseconds;
    format!(
        "\nProposed: {logins:.0} logins a second, each {milliseconds:.0} ms.\n\n\
         [policy_overrides.hashing]\nmemory_kib = {memory_kib}\niterations = {iterations}\nparallelism = {parallelism}\n\n\
         [hashing]\nthreads = {threads}\nmemory_mib = {}",
        u64::from(memory_kib / 1024) * threads as u64
    )
}

/// On a terminal only: there it makes place for the next one.
fn progress(text: &str) {
    if io::stderr().is_terminal() {
        // Nobody watching is no error.
        let _ = write!(io::stderr(), "\r{text:<20}{}", if text.is_empty() { "\r" } else { "" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(mib: u32, iterations: u32, milliseconds: f64) -> Row {
        let hasher = Argon2id { memory_kib: mib * 1024, iterations, ..Argon2id::secure() };
        Row { hasher, milliseconds }
    }

    #[test]
    fn the_most_memory_within_the_time_is_proposed_and_then_the_most_passes() {
        let rows =
            [row(19, 2, 10.0), row(19, 9, 49.0), row(64, 1, 30.0), row(64, 2, 51.0), row(128, 1, 70.0)];
        assert_eq!(proposal(&rows, 50.0), Some(row(64, 2, 51.0)), "2 % are within the noise");
        assert_eq!(proposal(&rows, 40.0), Some(row(64, 1, 30.0)));
        assert_eq!(proposal(&rows, 5.0), None);
    }

    #[test]
    fn passes_fill_the_time() {
        assert_eq!(passes_within(row(19, 2, 10.0), 51.0), 10);
        assert_eq!(passes_within(row(19, 2, 10.0), 5.0), 1);
        assert_eq!(passes_within(row(7, 5, 1.0), 1000.0), MOST_PASSES);
    }
}
