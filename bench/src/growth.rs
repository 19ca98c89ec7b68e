//! What our server takes with few and with many users in SQLite.

mod rows;

use std::{path::Path, process::Command, time::Duration};

use axum_users_testkit::Process;

use self::rows::Known;
use crate::{
    cpu,
    load::Load,
    memory,
    options::Run,
    requests,
    results::Growth,
    servers::{self, EMAIL, Strategy},
    start,
};

/// Numbers of users.
const USERS: [u32; 2] = [10_000, 1_000_000];
const FEW_USERS: [u32; 2] = [1000, 10_000];
/// Starts on each database.
const STARTS: u32 = 5;
/// For the end of a server.
const PATIENCE: Duration = Duration::from_secs(20);
/// Users who ask `/users/me` in each round, one after the other.
const ASKING: usize = 2;
/// How much shorter than that of another route each measurement is, for there are three of each database.
const SHORTER: f64 = 0.5;

pub async fn measure(run: &Run, folder: &Path) -> anyhow::Result<Vec<Growth>> {
    let mut databases = Vec::new();
    for users in numbers(run) {
        let folder = folder.join(format!("growth_{users}"));
        std::fs::create_dir(&folder)?;
        databases.push(Database::fill(run, &folder, users).await?);
    }
    for round in 0..run.rounds() {
        for database in &mut databases {
            database.round(run, round).await?;
        }
    }
    Ok(databases.into_iter().map(|database| database.growth).collect())
}

/// How many users there are, the fewest first.
fn numbers(run: &Run) -> Vec<u32> {
    let mut numbers = if run.quick { FEW_USERS } else { USERS }.to_vec();
    numbers.extend(&run.growth_users);
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// One with so many users, and a server on it.
struct Database {
    server: Process,
    /// Headers of users from all over the table, who take turns.
    asking: Vec<String>,
    /// `/users/{id}` and `forgot-password`, each time for another.
    user: Load,
    forgot_password: Load,
    growth: Growth,
}

impl Database {
    async fn fill(run: &Run, folder: &Path, users: u32) -> anyhow::Result<Self> {
        let start = || servers::start_limited(Command::new(servers::binary()?), folder);
        let mut server = start()?;
        servers::register(&server.address).await?;
        server.terminate(PATIENCE)?;
        let file = servers::database_file(folder);
        let known = rows::add(&file, users).await?;
        let mut growth = Growth { users, file_bytes: std::fs::metadata(&file)?.len(), ..Growth::default() };
        for _ in 0..if run.quick { 1 } else { STARTS } {
            growth.start_ms.push(start::first_answer(folder)?);
        }

        let server = start()?;
        cpu::settle(&[server.id()]).await?;
        growth.idle_mib = memory::own(server.id())?;
        let superuser = log_in(&server, EMAIL).await?;
        let mut asking = Vec::new();
        for email in spread(&known, run.rounds() as usize * ASKING) {
            asking.push(log_in(&server, email).await?);
        }
        cpu::settle(&[server.id()]).await?;
        growth.after_logins_mib = memory::own(server.id())?;

        let ids = known.iter().map(|known| known.id.clone());
        let emails = known.iter().map(|known| known.email.clone());
        Ok(Self {
            user: requests::users(&server.address, &superuser, ids, folder)?,
            forgot_password: requests::forgot_password(&server.address, emails, folder)?,
            server,
            asking,
            growth,
        })
    }

    async fn round(&mut self, run: &Run, round: u32) -> anyhow::Result<()> {
        let seconds = run.seconds() * SHORTER;
        let mut me = 0.0;
        for credentials in self.asking.iter().skip(round as usize * ASKING).take(ASKING) {
            let load = requests::me(&self.server.address, credentials);
            me += self.cost(load, seconds / ASKING as f64, 200).await? / ASKING as f64;
        }
        let user = self.cost(self.user.clone(), seconds, 200).await?;
        let forgot_password = self.cost(self.forgot_password.clone(), seconds, 202).await?;
        println!(
            "growth, {} users, round {}: /users/me {me:.1}, /users/{{id}} {user:.1}, forgot-password {forgot_password:.1} µs CPU",
            self.growth.users,
            round + 1
        );
        self.growth.me_us.push(me);
        self.growth.user_us.push(user);
        self.growth.forgot_password_us.push(forgot_password);
        Ok(())
    }

    /// CPU time of the server for each request, with the work that follows the answers, in microseconds.
    async fn cost(&self, load: Load, seconds: f64, status: u16) -> anyhow::Result<f64> {
        let id = [self.server.id()];
        cpu::settle(&id).await?;
        let before = cpu::used(&id)?;
        let answers = Load { seconds, ..load }.run()?;
        answers.expect(status, 0.0)?;
        cpu::settle(&id).await?;
        let used = cpu::used(&id)? - before;
        Ok(used.as_secs_f64() * 1e6 / answers.count() as f64)
    }
}

/// Gives a header.
async fn log_in(server: &Process, email: &str) -> anyhow::Result<String> {
    let token = servers::log_in(&server.address, Strategy::Jwt, email).await?;
    Ok(format!("authorization: Bearer {token}"))
}

/// Addresses of so many users, with the same distance between them.
fn spread(known: &[Known], count: usize) -> impl Iterator<Item = &str> {
    (0..count)
        .filter_map(move |number| known.get((2 * number + 1) * known.len() / (2 * count)))
        .map(|known| known.email.as_str())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::options::Options;

    #[test]
    fn numbers_of_users_as_asked() {
        let of = |arguments: &[&str]| numbers(&Options::parse_from([&["bench"], arguments].concat()).run);
        assert_eq!(of(&[]), [10_000, 1_000_000]);
        assert_eq!(of(&["--growth-users", "10000000,20000,10000"]), [10_000, 20_000, 1_000_000, 10_000_000]);
        assert_eq!(of(&["--quick"]), [1000, 10_000]);
        assert!(Options::try_parse_from(["bench", "--growth-users", "10"]).is_err());
    }

    #[test]
    fn who_asks_comes_from_all_over_the_table() {
        let known: Vec<_> =
            (0..100).map(|number| Known { id: String::new(), email: number.to_string() }).collect();
        assert_eq!(spread(&known, 4).collect::<Vec<_>>(), ["12", "37", "62", "87"]);
        assert_eq!(spread(&known, 1).collect::<Vec<_>>(), ["50"]);
        assert_eq!(spread(&[], 2).count(), 0);
    }
}
