//! `axum-users migrate` on a database that fastapi-users goes on using.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use libtest_mimic::Trial;
use serde_json::json;
use tokio::task::spawn_blocking;

use super::{Story, changes, further_columns, registers, sessions, tell};
use crate::harness::{
    Candidate, Database, Pair, Server, Setup, Suite, System, ours, scenario::*, simultaneously,
};

const PASSWORD: &str = "guinevere";

const STORIES: [Story; 3] = [registers, sessions, changes];

pub(super) fn trials(suite: &Arc<Suite>, system: System) -> impl Iterator<Item = Trial> {
    let setups: [(_, _, &[Story]); 3] = [
        ("usual ids", Setup::Plain, &STORIES),
        ("integer ids", Setup::Integer, &STORIES),
        ("further columns", Setup::Rules, &[further_columns]),
    ];
    let has_setup = move |setup| setup != Setup::Integer || system.is_sql();
    setups.into_iter().filter(move |(_, setup, _)| has_setup(*setup)).map(move |(ids, setup, stories)| {
        let suite = Arc::clone(suite);
        let name = format!("{}: interop: migrate while fastapi-users runs: {ids}", system.name());
        Trial::test(name, move || suite.block_on(while_it_runs(&suite, system, setup, stories)))
    })
}

async fn while_it_runs(suite: &Suite, system: System, setup: Setup, stories: &[Story]) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let root = directory.path().to_owned();
    let settings = setup.settings(system);
    let database = Arc::new(Database::create(system, &suite.services, &root, false).await?);
    let reference = Candidate::Reference.start(&settings, &root.join("reference"), &database)?;
    let (migration, migrating) = (settings.clone(), Arc::clone(&database));
    let folder = root.clone();
    let migrate = move |words: &[&str]| ours::migrate(words, &migration, &folder, &migrating);

    let planned = migrate(&["--dry-run"])?;
    ensure!(planned.contains("nothing was changed"), "{planned}");
    // What fastapi-users has not made, and nothing that it has.
    let (ours, theirs) = match system {
        System::Mongodb => (["oauth_accounts_owner", "RevokedToken"], "case_insensitive_email_index"),
        _ => (["ix_user_email_lower", "revoked_token"], "ix_user_email ON"),
    };
    ensure!(ours.iter().all(|name| planned.contains(name)), "{planned}");
    ensure!(
        !planned.contains("DROP") && !planned.contains("dropIndex") && !planned.contains(theirs),
        "{planned}"
    );
    ensure!(migrate(&["--dry-run"])? == planned, "a dry run changed the database");

    let done = Arc::new(AtomicBool::new(false));
    let serving = register_until(&reference, &done);
    let finished = Arc::clone(&done);
    let migrated = spawn_blocking(move || {
        // Not before fastapi-users is at work.
        std::thread::sleep(Duration::from_millis(500));
        let output = migrate(&[]);
        finished.store(true, Ordering::Relaxed);
        anyhow::Ok((output?, migrate(&[])?))
    });
    let (served, migrated) = tokio::join!(serving, migrated);
    let (changed, again) = migrated??;
    let served = served.context("fastapi-users, while the database was changed")?;
    let statements = |output: &str| output.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    ensure!(statements(&changed) == statements(&planned), "not as planned:\n{planned}\n{changed}");
    ensure!(again.contains("is up to date") && again.lines().count() == 1, "{again}");

    let candidate = suite.candidate.start(&settings, &root.join("candidate"), &database)?;
    let pair = Pair { reference, candidate, _directory: directory };
    for (number, story) in (1..).step_by(2).zip(stories) {
        tell(&pair, *story, false, number).await?;
        tell(&pair, *story, true, number + 1).await?;
    }
    // Those who registered before and after are there for both.
    let everyone = [0, served].into_iter().flat_map(|index| {
        [&pair.reference, &pair.candidate].map(|server| (server, login("/auth/jwt", &email(index), PASSWORD)))
    });
    let answers = simultaneously(everyone).await?;
    ensure!(answers.iter().all(|(_, status)| *status == 200), "{answers:?}");
    Ok(())
}

/// Registers one user after another, and one more when `done`; gives the number of the last one.
async fn register_until(server: &Server, done: &AtomicBool) -> anyhow::Result<usize> {
    let mut index = 0;
    loop {
        let was_done = done.load(Ordering::Relaxed);
        let body = json!({"email": email(index), "password": PASSWORD, "first_name": "Arthur"});
        let answers = simultaneously([(server, post("/auth/register").json(body))]).await?;
        let statuses: Vec<u16> = answers.into_iter().map(|(_, status)| status).collect();
        match statuses[..] {
            [201] if was_done => return Ok(index),
            [201] => index += 1,
            // MariaDB gives up a transaction that has read a table and writes to it while the table is changed.
            [500] if server.system() == System::Mariadb && !was_done => {}
            _ => bail!("user {index}: {statuses:?}"),
        }
    }
}

fn email(index: usize) -> String {
    format!("migrating.{index}@example.com")
}
