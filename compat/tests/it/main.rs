//! The same requests to fastapi-users 15.0.5 and to our server, which must answer the same.
//!
//! Needs the environment of `scripts/setup-reference`, the binary of `cargo build -p axum-users-server`, and the
//! database servers of `scripts/with-services`.
//! `COMPAT_CANDIDATE=reference` compares fastapi-users with itself.

mod backends;
mod bodies;
mod differences;
mod emails;
mod harness;
mod hashes;
mod ids;
mod interop;
mod login;
mod logout;
mod oauth;
mod register;
mod reset;
mod routes;
mod tokens;
mod users_id;
mod users_me;
mod verify;

use std::{
    collections::HashMap,
    io::Write,
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
};

use anyhow::ensure;
use libtest_mimic::{Arguments, Trial};

use crate::harness::{Candidate, Comparison, Databases, LazyPair, Scenario, Suite, System, Tally, compare};

fn main() -> ExitCode {
    match run(&Arguments::from_args()) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let suite = Arc::new(Suite::from_environment()?);
    every_difference_is_of_a_scenario()?;
    let mut trials = Vec::new();
    for system in System::ALL {
        trials.extend(comparisons(&suite, system));
        trials.extend(interop::trials(&suite, system));
    }
    let conclusion = libtest_mimic::run(arguments, trials);
    if !arguments.list {
        report(&suite, conclusion.num_filtered_out == 0 && !conclusion.has_failed())?;
    }
    Ok(conclusion.exit_code())
}

/// Every scenario that concerns a system, named `system: feature: what`; those of one set-up share a pair of servers.
fn comparisons(suite: &Arc<Suite>, system: System) -> Vec<Trial> {
    let mut pairs = HashMap::new();
    let mut trials = Vec::new();
    for (number, (scenario, build)) in (1..).zip(scenarios()) {
        if !scenario.reach.includes(system) {
            continue;
        }
        let start = || LazyPair::new(suite, system, scenario.setup, Databases::Apart);
        let pair = Arc::clone(pairs.entry(scenario.setup).or_insert_with(start));
        let suite = Arc::clone(suite);
        let trial = Trial::test(format!("{}: {}", system.name(), scenario.name), move || {
            // Built anew: the times in it count from now.
            suite.block_on(comparison(&suite, &pair, &build(), number))
        });
        trials.push(trial);
    }
    trials
}

async fn comparison(
    suite: &Suite,
    pair: &LazyPair,
    scenario: &Scenario,
    number: usize,
) -> anyhow::Result<()> {
    let listed = differences::all().filter(|_| suite.candidate == Candidate::Ours);
    let concerned = listed.filter(|difference| difference.concerns(pair.system, &scenario.name));
    let (pair, differences) = (pair.get().await?, concerned.collect());
    compare(Comparison { scenario, number, pair, differences, tally: &suite.tally }).await
}

/// A feature, and what builds its scenarios.
type Feature = (&'static str, fn() -> Vec<Scenario>);

const FEATURES: [Feature; 15] = [
    ("register", register::scenarios),
    ("login", login::scenarios),
    ("users id", users_id::scenarios),
    ("users me", users_me::scenarios),
    ("logout", logout::scenarios),
    ("tokens", tokens::scenarios),
    ("ids", ids::scenarios),
    ("hashes", hashes::scenarios),
    ("emails", emails::scenarios),
    ("reset", reset::scenarios),
    ("verify", verify::scenarios),
    ("bodies", bodies::scenarios),
    ("routes", routes::scenarios),
    ("backends", backends::scenarios),
    ("oauth", oauth::scenarios),
];

/// All scenarios, named `feature: what`, and how to build each of them again.
fn scenarios() -> impl Iterator<Item = (Scenario, impl Fn() -> Scenario + Send + 'static)> {
    FEATURES.into_iter().flat_map(|(feature, scenarios)| {
        let named =
            move |scenario: Scenario| Scenario { name: format!("{feature}: {}", scenario.name), ..scenario };
        let build = move |position| move || named(scenarios().swap_remove(position));
        scenarios()
            .into_iter()
            .enumerate()
            .map(move |(position, scenario)| (named(scenario), build(position)))
    })
}

fn every_difference_is_of_a_scenario() -> anyhow::Result<()> {
    let scenarios: Vec<Scenario> = scenarios().map(|(scenario, _)| scenario).collect();
    let runs = |difference: &differences::Difference, system| {
        let mut on_system = scenarios.iter().filter(|scenario| scenario.reach.includes(system));
        on_system.any(|scenario| difference.concerns(system, &scenario.name))
    };
    for difference in differences::all() {
        let is_of_some = match difference.systems() {
            Some(systems) => systems.iter().all(|system| runs(difference, *system)),
            None => System::ALL.into_iter().any(|system| runs(difference, system)),
        };
        ensure!(
            is_of_some,
            "the list of differences is stale: there is no scenario {:?} on {:?}",
            difference.scenario,
            difference.systems()
        );
    }
    Ok(())
}

/// Says what has been compared; `complete` is whether everything was, and ran through.
fn report(suite: &Suite, complete: bool) -> anyhow::Result<()> {
    let Tally { scenarios, steps, differences, added_claims, redactions } = &suite.tally;
    let count = |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::Relaxed);
    writeln!(
        std::io::stdout(),
        "{} scenarios, {} steps compared, {} deliberate differences, {} added claims, {} redacted inputs",
        count(scenarios),
        count(steps),
        count(differences),
        count(added_claims),
        count(redactions),
    )?;
    if complete && suite.candidate == Candidate::Ours {
        ensure!(count(added_claims) > 0, "the list of differences is stale: no token has added claims");
        ensure!(count(redactions) > 0, "the list of differences is stale: no input is redacted");
    }
    Ok(())
}
