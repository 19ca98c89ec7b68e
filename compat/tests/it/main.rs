//! The same requests to fastapi-users 15.0.5 and to our server, which must answer the same.
//!
//! Needs the environment of `scripts/setup-reference` and the binary of `cargo build -p axum-users-server`.
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

use anyhow::{anyhow, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::{runtime::Runtime, sync::OnceCell};

use crate::harness::{Candidate, Comparison, Pair, Scenario, Setup, Tally, compare};

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
    let suite = Arc::new(Suite::new()?);
    let scenarios = scenarios();
    every_difference_is_of_a_scenario(&scenarios)?;
    let mut trials = interop::trials(suite.candidate);
    for (number, scenario) in scenarios.into_iter().enumerate() {
        let suite = Arc::clone(&suite);
        trials.push(Trial::test(scenario.name.clone(), move || suite.compare(&scenario, number)));
    }
    let conclusion = libtest_mimic::run(arguments, trials);
    if !arguments.list {
        suite.report(conclusion.num_filtered_out == 0 && !conclusion.has_failed())?;
    }
    Ok(conclusion.exit_code())
}

/// All scenarios, named `feature: what`.
fn scenarios() -> Vec<Scenario> {
    let features = [
        ("register", register::scenarios()),
        ("login", login::scenarios()),
        ("users id", users_id::scenarios()),
        ("users me", users_me::scenarios()),
        ("logout", logout::scenarios()),
        ("tokens", tokens::scenarios()),
        ("ids", ids::scenarios()),
        ("hashes", hashes::scenarios()),
        ("emails", emails::scenarios()),
        ("reset", reset::scenarios()),
        ("verify", verify::scenarios()),
        ("bodies", bodies::scenarios()),
        ("routes", routes::scenarios()),
        ("backends", backends::scenarios()),
    ];
    let named = features.into_iter().flat_map(|(feature, scenarios)| {
        scenarios
            .into_iter()
            .map(move |scenario| Scenario { name: format!("{feature}: {}", scenario.name), ..scenario })
    });
    named.collect()
}

fn every_difference_is_of_a_scenario(scenarios: &[Scenario]) -> anyhow::Result<()> {
    for difference in differences::ALL {
        ensure!(
            scenarios.iter().any(|scenario| difference.concerns(&scenario.name)),
            "the list of differences is stale: there is no scenario {:?}",
            difference.scenario
        );
    }
    Ok(())
}

struct Suite {
    candidate: Candidate,
    pairs: HashMap<Setup, OnceCell<Result<Pair, String>>>,
    tally: Tally,
    runtime: Runtime,
}

impl Suite {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            candidate: Candidate::from_environment()?,
            pairs: Setup::ALL.into_iter().map(|setup| (setup, OnceCell::new())).collect(),
            tally: Tally::default(),
            runtime: tokio::runtime::Builder::new_multi_thread().enable_all().build()?,
        })
    }

    fn compare(&self, scenario: &Scenario, number: usize) -> Result<(), Failed> {
        let comparison = async {
            let servers = self.pairs.get(&scenario.setup).ok_or_else(|| anyhow!("no such set-up"))?;
            let start =
                async || Pair::start(scenario.setup, self.candidate).map_err(|error| format!("{error:#}"));
            let pair = servers.get_or_init(start).await.as_ref().map_err(|error| anyhow!(error.clone()))?;
            let listed = if self.candidate == Candidate::Ours { differences::ALL } else { &[] };
            let differences =
                listed.iter().filter(|difference| difference.concerns(&scenario.name)).collect();
            compare(Comparison { scenario, number, pair, differences, tally: &self.tally }).await
        };
        self.runtime.block_on(comparison).map_err(|error| format!("{error:#}").into())
    }

    /// Says what has been compared; `complete` is whether everything was, and ran through.
    fn report(&self, complete: bool) -> anyhow::Result<()> {
        let Tally { scenarios, steps, differences, added_claims, redactions } = &self.tally;
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
        if complete && self.candidate == Candidate::Ours {
            ensure!(count(added_claims) > 0, "the list of differences is stale: no token has added claims");
            ensure!(count(redactions) > 0, "the list of differences is stale: no input is redacted");
        }
        Ok(())
    }
}
