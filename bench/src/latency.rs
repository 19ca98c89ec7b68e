//! How long `/users/me` takes while others log in: requests at a fixed rate, whether those before have been answered or not.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    load::{Answers, Load, Running as Asking},
    options::Run,
    requests,
    results::Sample,
    route::Route,
    servers::{PASSWORD, Running},
};

/// Requests each second.
pub const RATE: u32 = 50;
/// Connections that log in.
const LOGGING_IN: u32 = 4;
/// Before the first request, in seconds.
const HEAD_START: f64 = 0.5;
/// More seconds than of other routes, for there are few requests in one.
const LONGER: f64 = 1.5;

pub async fn sample(run: &Run, route: &Route, server: &Running, round: u32) -> anyhow::Result<Sample> {
    let seconds = run.seconds() * LONGER;
    let logins = requests::log_in(server.address(), PASSWORD);
    let logins = Load { connections: LOGGING_IN, seconds: seconds + HEAD_START, ..logins }.start()?;
    sleep(Duration::from_secs_f64(HEAD_START)).await;
    let answers = me(server.address(), &server.credentials, seconds)?.wait()?;
    let logins = logins.wait()?;
    logins.expect(200, 0.0)?;
    Ok(Sample {
        route: route.name.to_owned(),
        server: server.kind,
        round,
        answers: answers.count(),
        cpu_us: 0.0,
        database_cpu_us: 0.0,
        per_second: answers.per_second,
        p50_ms: answers.p50,
        p99_ms: answers.p99,
        slowest_ms: answers.slowest,
        lost: lost(&answers),
        logins_per_second: Some(logins.per_second),
    })
}

/// Asks `/users/me` at the fixed rate.
pub fn me(address: &str, credentials: &str, seconds: f64) -> anyhow::Result<Asking> {
    Load { seconds, rate: Some(RATE), ..requests::me(address, credentials) }.start()
}

/// How many got no answer, or another than the user.
pub fn lost(answers: &Answers) -> u64 {
    let others = answers.statuses.iter().filter(|(status, _)| **status != 200).map(|(_, count)| count);
    others.sum::<u64>() + answers.errors.values().sum::<u64>()
}
