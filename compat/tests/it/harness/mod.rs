//! What runs a scenario against two servers and compares what they answer.

pub(crate) mod database;
pub(crate) mod jwt;
mod normal;
pub(crate) mod ours;
pub(crate) mod providers;
mod reference;
mod run;
pub(crate) mod scenario;
mod send;
mod server;
pub(crate) mod settings;
mod suite;
pub(crate) mod system;
mod variables;

pub(crate) use axum_users_testkit::Purpose;
pub(crate) use database::Database;
pub(crate) use jwt::in_seconds;
pub(crate) use run::{Comparison, Tally, compare, replay};
pub(crate) use scenario::{Scenario, Step};
pub(crate) use send::{Observation, simultaneously};
pub(crate) use server::{Candidate, Databases, LazyPair, Pair, Server};
pub(crate) use settings::Setup;
pub(crate) use suite::Suite;
pub(crate) use system::System;
