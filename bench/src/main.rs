//! The benchmark: axum-users beside the real fastapi-users, a session check in the shape of axum-login's, and the least work that
//! each route can be. What it measures and how is in README.md.

mod cpu;
mod flood;
mod goal;
mod growth;
mod latency;
mod load;
mod machine;
mod measure;
mod memory;
mod options;
mod page;
mod plot;
mod programs;
mod requests;
mod results;
mod route;
mod servers;
mod start;
mod summary;
mod table;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;
use clap::Parser;
use time::OffsetDateTime;

use self::{
    options::{Command, Options, Run},
    results::Results,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    match options.command {
        None => tokio::select! {
            done = run(&options.run) => done,
            // What was started ends with this program, if it ends in order.
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        },
        Some(Command::Page) => page::write(&Results::newest()?),
        Some(Command::Limit { strategy, database, redis }) => {
            programs::limit::run(&strategy, &database, &redis).await
        }
        Some(Command::AxumLoginShape { database }) => programs::axum_login::run(&database).await,
        Some(Command::Hashes { seconds }) => programs::hashes::run(Duration::from_secs_f64(seconds)),
    }
}

/// What is measured beside routes.
const START: &str = "start";
const FLOOD: &str = "flood";
const GROWTH: &str = "growth";

async fn run(run: &Run) -> anyhow::Result<()> {
    for name in &run.only {
        let known = [START, FLOOD, GROWTH].contains(&name.as_str()) || route::find(name).is_some();
        let names: Vec<_> = route::ROUTES.iter().map(|route| route.name).collect();
        ensure!(known, "{name} is unknown: there are {}, {START}, {FLOOD} and {GROWTH}", names.join(", "));
    }
    let begin = Instant::now();
    let folder = tempfile::tempdir()?;
    let mut results = Results {
        date: now()?,
        machine: machine::describe()?,
        versions: machine::versions()?,
        rounds: run.rounds(),
        seconds: run.seconds(),
        samples: Vec::new(),
        memory: Vec::new(),
        start: None,
        flood: None,
        growth: Vec::new(),
        binary_bytes: std::fs::metadata(servers::binary()?)?.len(),
    };
    if run.wants(START) {
        results.start = Some(start::measure(run, folder.path())?);
    }
    measure::routes(run, folder.path(), &mut results).await?;
    if run.wants(FLOOD) {
        results.flood = Some(flood::measure(run, folder.path()).await?);
    }
    if run.wants(GROWTH) {
        results.growth = growth::measure(run, folder.path()).await?;
    }
    let mut tables = vec![table::goals(&results), table::throughput(&results), table::growth(&results)];
    tables.push(table::conditions(&results) + "\n");
    tables.retain(|table| !table.is_empty());
    let tables = tables.join("\n");
    println!("\n{tables}\ntook {} s", begin.elapsed().as_secs());
    match &run.output {
        Some(folder) => write(&results, folder, &tables),
        None if run.is_whole() => {
            write(&results, &results::folder(), &tables)?;
            page::write(&results)
        }
        None => Ok(()),
    }
}

/// The raw figures and the tables.
fn write(results: &Results, folder: &Path, tables: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join(format!("{}.json", results.date));
    std::fs::write(&file, serde_json::to_string_pretty(results)? + "\n")?;
    std::fs::write(file.with_extension("md"), format!("# {}\n\n{tables}", results.date))?;
    println!("written to {}", file.display());
    Ok(())
}

/// Such as `2026-11-28T19-30`.
fn now() -> anyhow::Result<String> {
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]-[minute]");
    Ok(OffsetDateTime::now_utc().format(format)?)
}
