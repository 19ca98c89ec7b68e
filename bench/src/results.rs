//! What was measured, as it is written down.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{goal::Vectors, memory::Memory, servers::Kind};

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// When it began, in UTC.
    pub date: String,
    pub machine: Machine,
    /// Versions, by name.
    pub versions: BTreeMap<String, String>,
    pub rounds: u32,
    pub seconds: f64,
    pub samples: Vec<Sample>,
    pub memory: Vec<MemoryOf>,
    pub start: Option<Start>,
    pub flood: Option<Flood>,
    /// By number of users.
    #[serde(default)]
    pub growth: Vec<Growth>,
    /// Of the server, stripped if it is a release build.
    pub binary_bytes: u64,
}

/// Where it ran.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub vectors: Vectors,
    pub kernel: String,
    /// Whether programs were built without optimisation: then no figure says anything.
    pub debug_build: bool,
}

/// One round of one route at one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    pub route: String,
    pub server: Kind,
    pub round: u32,
    pub answers: u64,
    /// CPU time of the server for each request, in microseconds.
    pub cpu_us: f64,
    /// That of PostgreSQL and Redis.
    pub database_cpu_us: f64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub slowest_ms: f64,
    /// Of requests at a fixed rate, those without an answer.
    pub lost: u64,
    /// Logins that were answered meanwhile, each second.
    pub logins_per_second: Option<f64>,
}

/// The memory of a server that has been started for a group of routes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemoryOf {
    pub deployment: String,
    pub server: Kind,
    pub idle: Memory,
    pub after: Memory,
}

/// From its start to its first answer, on SQLite, in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    /// With a database that is to be made.
    pub fresh_ms: Vec<f64>,
    /// With one that is there.
    pub again_ms: Vec<f64>,
}

/// Many logins at once in little memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flood {
    pub logins: u32,
    /// What the process may have, in MiB.
    pub limit_mib: u64,
    /// How many were answered with each status.
    pub statuses: BTreeMap<u16, u64>,
    pub seconds: f64,
    pub memory: Memory,
    /// Of `/users/me` at a fixed rate meanwhile.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub slowest_ms: f64,
    pub lost: u64,
}

/// What our server takes with so many users in SQLite.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    pub users: u32,
    /// Of the database.
    pub file_bytes: u64,
    /// From its start to its first answer, in milliseconds.
    pub start_ms: Vec<f64>,
    /// Its own memory before anybody has asked, in MiB.
    pub idle_mib: f64,
    /// And after the first logins.
    pub after_logins_mib: f64,
    /// CPU time for each request, in microseconds, one for each round; this of `/users/me` with a signed token.
    pub me_us: Vec<f64>,
    /// Of `/users/{id}`, asked by a superuser, each time for another.
    pub user_us: Vec<f64>,
    /// Of `forgot-password`, each time for another, until the mail is sent.
    pub forgot_password_us: Vec<f64>,
}

impl Results {
    /// Those of the newest run that was written down.
    pub fn newest() -> anyhow::Result<Self> {
        let files = fs::read_dir(folder())?.map_while(Result::ok).map(|entry| entry.path());
        let newest = files.filter(|path| path.extension().is_some_and(|name| name == "json")).max();
        Ok(serde_json::from_slice(&fs::read(newest.context("no run was written down")?)?)?)
    }

    /// The samples of a route at a server.
    pub fn of(&self, route: &str, server: Kind) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.route == route && sample.server == server)
    }

    /// The median over the rounds of a figure.
    pub fn median(&self, route: &str, server: Kind, figure: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(self.of(route, server).map(figure).collect())
    }
}

/// Where runs of everything are written down.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
}

/// Of an even number of figures, the mean of those in the middle.
pub fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let upper = *figures.get(figures.len() / 2)?;
    let lower = *figures.get((figures.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Results of a release build with these samples' CPU times.
    pub fn example(samples: &[(&str, Kind, f64)]) -> Results {
        let sample = |&(route, server, cpu_us): &(&str, Kind, f64)| Sample {
            route: route.to_owned(),
            server,
            round: 0,
            answers: 100,
            cpu_us,
            database_cpu_us: 1.0,
            per_second: 100.0,
            p50_ms: 1.0,
            p99_ms: 2.0,
            slowest_ms: 3.0,
            lost: 0,
            logins_per_second: None,
        };
        Results {
            date: "2026-11-28T20-00".to_owned(),
            machine: Machine {
                processor: "a processor".to_owned(),
                cores: 2,
                vectors: Vectors::Avx512,
                kernel: "6.1".to_owned(),
                debug_build: false,
            },
            versions: BTreeMap::new(),
            rounds: 1,
            seconds: 1.0,
            samples: samples.iter().map(sample).collect(),
            memory: Vec::new(),
            start: None,
            flood: None,
            growth: Vec::new(),
            binary_bytes: 9_000_000,
        }
    }

    #[test]
    fn runs_before_growth_was_measured_are_read() {
        let mut old = serde_json::to_value(example(&[])).unwrap();
        assert!(old.as_object_mut().unwrap().remove("growth").is_some());
        let old: Results = serde_json::from_value(old).unwrap();
        assert!(old.growth.is_empty());
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
    }
}
