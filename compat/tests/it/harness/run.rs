//! Runs a scenario on both servers at once, step by step.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::{
    Candidate, Pair, Purpose, Scenario, Server, Step, System, jwt, normal, providers,
    send::{Content, Observation, send},
    settings::Secrets,
    variables::Variables,
};
use crate::differences::{self, Difference};

/// What has been compared so far.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) scenarios: AtomicUsize,
    pub(crate) steps: AtomicUsize,
    pub(crate) differences: AtomicUsize,
    /// Claims that only our tokens have, and inputs that only we redact.
    pub(crate) added_claims: AtomicUsize,
    pub(crate) redactions: AtomicUsize,
}

pub(crate) struct Comparison<'a> {
    pub(crate) scenario: &'a Scenario,
    /// Makes addresses and ids of this scenario its own.
    pub(crate) number: usize,
    pub(crate) pair: &'a Pair,
    /// Those of this scenario.
    pub(crate) differences: Vec<&'a Difference>,
    pub(crate) tally: &'a Tally,
}

/// Runs all steps, until one differs in a way that is not listed.
pub(crate) async fn compare(comparison: Comparison<'_>) -> anyhow::Result<()> {
    let Comparison { scenario, number, pair, differences, tally } = comparison;
    let mut reference = Side::new(&pair.reference, number);
    let mut candidate = Side::new(&pair.candidate, number);
    let system = pair.reference.system();
    let mut compared = 0;
    for step in &scenario.steps {
        let (expected, actual) = tokio::join!(reference.perform(step, tally), candidate.perform(step, tally));
        let at = || format!("step {}, {}", compared + 1, label(step));
        let expected = expected.with_context(|| format!("fastapi-users at {}", at()))?;
        let actual = actual.with_context(|| format!("the candidate at {}", at()))?;
        let (Some(mut expected), Some(actual)) = (expected, actual) else { continue };
        as_intended(step, &expected, system, &reference.variables).with_context(at)?;
        compared += 1;
        tally.steps.fetch_add(1, Ordering::Relaxed);
        if pair.candidate.kind == Candidate::Ours {
            tally.redactions.fetch_add(redact_inputs(&mut expected, &actual), Ordering::Relaxed);
        }
        let at = || format!("step {compared}, {}", label(step));
        match differences.iter().find(|difference| difference.step == compared) {
            None if expected == actual => {}
            None => bail!("{} differs\n--- fastapi-users:\n{expected}\n--- the candidate:\n{actual}", at()),
            Some(_) if expected == actual => {
                bail!("the list of differences is stale: at {} both answer\n{actual}", at())
            }
            Some(difference) => {
                difference.check(&actual).with_context(at)?;
                tally.differences.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    if let Some(difference) = differences.iter().find(|difference| difference.step > compared) {
        bail!("the list of differences is stale: there is no step {}", difference.step);
    }
    tally.scenarios.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Runs steps on two servers that share one database; each must answer as fastapi-users would.
pub(crate) async fn replay(steps: &[(&Server, Step)], number: usize) -> anyhow::Result<()> {
    let tally = Tally::default();
    let mut variables = Side::initial(number);
    let mut mails = HashMap::new();
    for (position, (server, step)) in steps.iter().enumerate() {
        let mut side = Side { server, variables, mails };
        let at = || format!("step {}, {:?}: {}", position + 1, server.kind, label(step));
        if let Some(observation) = side.perform(step, &tally).await.with_context(at)? {
            as_intended(step, &observation, server.system(), &side.variables).with_context(at)?;
        }
        Side { variables, mails, .. } = side;
    }
    Ok(())
}

/// What one server has told.
struct Side<'a> {
    server: &'a Server,
    variables: Variables,
    /// How many mails have been read, by server, address and purpose.
    mails: HashMap<(String, String, Purpose), usize>,
}

impl<'a> Side<'a> {
    fn new(server: &'a Server, number: usize) -> Self {
        Self { server, variables: Self::initial(number), mails: HashMap::new() }
    }

    fn initial(number: usize) -> Variables {
        let mut variables = Variables::default();
        variables.shared("unique", format!("u{number}"));
        variables.shared("number", number.to_string());
        variables
    }

    async fn perform(&mut self, step: &Step, tally: &Tally) -> anyhow::Result<Option<Observation>> {
        let Self { server, variables, mails } = self;
        let is_ours = server.kind == Candidate::Ours;
        let mut added = |name: &str, value: &Value| {
            let added = is_ours && differences::is_added_claim(name, value);
            tally.added_claims.fetch_add(usize::from(added), Ordering::Relaxed);
            added
        };
        Ok(match step {
            Step::Seed(person) => {
                person.seed(server, variables).await?;
                None
            }
            Step::Forge { name, purpose, header, claims } => {
                let secret = match *purpose {
                    "jwt" => Secrets::SHARED.jwt,
                    "reset" => Secrets::SHARED.reset,
                    "verification" => Secrets::SHARED.verification,
                    "oauth_state" => Secrets::SHARED.oauth_state,
                    other => other,
                };
                let token = jwt::sign(header, &variables.fill(&claims.to_string()), secret)?;
                variables.own(name, token);
                None
            }
            Step::Code { name, says } => {
                let says = variables.fill_json(says).to_string();
                variables.own(name, providers::code(&says));
                None
            }
            Step::Set { user, column, value } => {
                server.database.set(&variables.fill(user), column, &variables.fill_json(value)).await?;
                None
            }
            Step::Remove { user } => {
                server.database.remove(&variables.fill(user)).await?;
                None
            }
            Step::Send(request, _) => Some(send(server, request, variables, &mut added).await?),
            Step::Stored { user, columns, .. } => {
                let cell = |cell: Option<String>| match cell {
                    Some(text) => normal::cell(&text, variables),
                    None => "null".to_owned(),
                };
                let row = server.database.user(&variables.fill(user), columns).await?;
                let row: Option<Vec<String>> = row.map(|row| row.into_iter().map(cell).collect());
                Some(Observation::text(row.map_or("none".to_owned(), |row| row.join(" | "))))
            }
            Step::Tokens { user, .. } => {
                let mut tokens = server.database.tokens(&variables.fill(user)).await?;
                tokens.iter_mut().for_each(|token| *token = normal::cell(token, variables));
                tokens.sort();
                let tokens = if tokens.is_empty() { "none".to_owned() } else { tokens.join(" ") };
                Some(Observation::text(tokens))
            }
            Step::Accounts { user, .. } => {
                let rows = server.database.accounts(&variables.fill(user)).await?;
                let mut rows: Vec<String> = rows.into_iter().map(account).collect();
                rows.sort();
                Some(Observation::text(if rows.is_empty() { "none".to_owned() } else { rows.join("; ") }))
            }
            Step::Mail { email, purpose, name } => {
                let email = variables.fill(email);
                let read = mails.entry((server.address().to_owned(), email.clone(), *purpose)).or_default();
                let token = server.mailed_token(&email, *purpose, *read).await?;
                *read += 1;
                let shown = jwt::describe(&token, variables, &mut added).context("a mail without a token")?;
                variables.own(name, token);
                Some(Observation::text(shown.to_string()))
            }
            Step::NoMail { email, purpose } => {
                let tokens = server.mailed_tokens(&variables.fill(email), *purpose).await?;
                Some(Observation::text(format!("{} mails", tokens.len())))
            }
        })
    }
}

/// Whether fastapi-users answered what the scenario is about.
fn as_intended(
    step: &Step,
    observation: &Observation,
    system: System,
    variables: &Variables,
) -> anyhow::Result<()> {
    let shown = observation.to_string();
    match step {
        Step::Send(_, expected) => {
            let (status, says) = expected.on(system);
            let says = variables.fill_shared(says);
            let intended = observation.status == Some(status) && shown.contains(&says);
            ensure!(intended, "expected {status} with {says:?}, but the answer is\n{shown}");
        }
        Step::Stored { read, .. } | Step::Tokens { read, .. } | Step::Accounts { read, .. } => {
            let read = variables.fill_shared(read.on(system).1);
            ensure!(shown == read, "expected to be stored\n{read}\nbut found\n{shown}");
        }
        Step::NoMail { .. } => ensure!(shown == "0 mails", "expected no mail, but there are {shown}"),
        Step::Seed(_)
        | Step::Forge { .. }
        | Step::Code { .. }
        | Step::Set { .. }
        | Step::Remove { .. }
        | Step::Mail { .. } => {}
    }
    Ok(())
}

fn label(step: &Step) -> String {
    match step {
        Step::Seed(person) => format!("the user {}", person.name),
        Step::Forge { name, .. } => format!("the token {name}"),
        Step::Code { name, .. } => format!("the code {name}"),
        Step::Set { user, column, value } => format!("{column} of {user} = {value}"),
        Step::Remove { user } => format!("{user} removed"),
        Step::Send(request, _) => format!("{} {}", request.method, request.path),
        Step::Mail { email, purpose, .. } | Step::NoMail { email, purpose } => {
            format!("mail to {email} ({purpose:?})")
        }
        Step::Stored { user, columns, .. } => format!("{} of {user}", columns.join(", ")),
        Step::Tokens { user, .. } => format!("tokens of {user}"),
        Step::Accounts { user, .. } => format!("accounts of {user}"),
    }
}

/// The last column is a time.
fn account(mut columns: Vec<Option<String>>) -> String {
    if let Some(Some(expiry)) = columns.last_mut()
        && let Ok(seconds) = expiry.parse()
    {
        *expiry = jwt::remaining(seconds);
    }
    let columns: Vec<String> =
        columns.into_iter().map(|column| column.unwrap_or("null".to_owned())).collect();
    columns.join(" | ")
}

/// Redacts in the expected 422 what the actual one redacts, and tells how much that was.
fn redact_inputs(expected: &mut Observation, actual: &Observation) -> usize {
    let (Content::Json(expected), Content::Json(actual)) = (&mut expected.body, &actual.body) else {
        return 0;
    };
    let Some(errors) = expected.get_mut("detail").and_then(Value::as_array_mut) else { return 0 };
    let redact = |(position, error): (usize, &mut Value)| {
        let theirs = error.get_mut("input")?;
        let ours = actual.get("detail")?.get(position)?.get("input")?;
        Some(redact_like(theirs, ours))
    };
    errors.iter_mut().enumerate().filter_map(redact).sum()
}

fn redact_like(theirs: &mut Value, ours: &Value) -> usize {
    match (theirs, ours) {
        (theirs, Value::String(text)) if text == "[redacted]" && !theirs.is_null() && theirs != ours => {
            *theirs = ours.clone();
            1
        }
        (Value::Object(theirs), Value::Object(ours)) => {
            let pairs = theirs.iter_mut().filter_map(|(name, member)| Some((member, ours.get(name)?)));
            pairs.map(|(theirs, ours)| redact_like(theirs, ours)).sum()
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            theirs.iter_mut().zip(ours).map(|(theirs, ours)| redact_like(theirs, ours)).sum()
        }
        _ => 0,
    }
}
