//! F-1: the server is killed fifty times under load; every effect that it has acknowledged is in a ledger, and is there
//! in the end. What was under way happened as a whole or not at all, and nothing that was revoked comes back.

use std::time::Duration;

use axum_users_testkit::{Postgres, Server};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{CHEAP, print};

const KILLS: usize = 50;
const WORKERS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_1_nothing_acknowledged_is_lost_on_sqlite() {
    kill_again_and_again("SQLite", CHEAP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_1_nothing_acknowledged_is_lost_on_postgres() {
    let postgres = Postgres::start().unwrap();
    kill_again_and_again("PostgreSQL", &format!("database_url = \"{}\"\n{CHEAP}", postgres.url())).await;
}

async fn kill_again_and_again(database: &str, settings: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), settings, "127.0.0.1:0").unwrap();
    let listen = server.listen().to_owned();
    let mut workers: Vec<Worker> = (0..WORKERS).map(Worker::new).collect();
    for kill in 0..KILLS {
        let mut load = JoinSet::new();
        for mut worker in workers.drain(..) {
            let (client, address) = (server.client.clone(), server.address().to_owned());
            load.spawn(async move {
                while worker.act(&client, &address).await.is_some() {}
                worker
            });
        }
        tokio::time::sleep(Duration::from_millis(40 + (kill as u64 * 37) % 120)).await;
        server.process().kill().unwrap();
        workers = load.join_all().await;
        server = Server::start(folder.path(), settings, &listen).unwrap();
    }
    let mut checked = Checked::default();
    for worker in &workers {
        for account in &worker.accounts {
            account.check(&server.client, server.address(), &mut checked).await;
        }
    }
    print(&format!("{database}: {KILLS} kills, {checked:?}"));
    assert!(checked.accounts > KILLS && checked.live > 0 && checked.ended > 0, "{checked:?}");
}

/// What the ledger held.
#[derive(Debug, Default)]
struct Checked {
    accounts: usize,
    live: usize,
    ended: usize,
    in_doubt: usize,
}

/// A client with users of its own, and the ledger of what it was told of them.
struct Worker {
    number: usize,
    accounts: Vec<Account>,
    random: u64,
}

struct Account {
    email: String,
    exists: bool,
    /// The last one acknowledged; behind it one whose answer never came.
    passwords: Vec<String>,
    sessions: Vec<(String, Session)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Session {
    Live,
    Ended,
    /// A new password was sent: ended if that was written.
    EndsWithPassword,
    /// A logout was sent.
    Unknown,
}

impl Worker {
    fn new(number: usize) -> Self {
        Self { number, accounts: Vec::new(), random: number as u64 + 1 }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % limit
    }

    /// Does something, unless the server has gone.
    async fn act(&mut self, client: &Client, address: &str) -> Option<()> {
        let known: Vec<usize> = (0..self.accounts.len())
            .filter(|index| self.accounts[*index].exists && self.accounts[*index].passwords.len() == 1)
            .collect();
        let choice = self.below(4);
        if choice == 0 || known.is_empty() {
            let email = format!("knight{}.{}@camelot.bt", self.number, self.accounts.len());
            let account =
                Account { email, exists: false, passwords: vec!["guinevere1".into()], sessions: Vec::new() };
            let body = json!({"email": account.email, "password": "guinevere1"});
            self.accounts.push(account);
            send(client.post(format!("{address}/auth/register")).json(&body), 201).await?;
            self.accounts.last_mut()?.exists = true;
            return Some(());
        }
        let index = known[self.below(known.len())];
        let new = format!("excalibur{}", self.random);
        let account = &mut self.accounts[index];
        let live = account.sessions.iter().position(|(_, session)| *session == Session::Live);
        match (choice, live) {
            (1, Some(live)) => {
                let token = account.sessions[live].0.clone();
                account.sessions[live].1 = Session::Unknown;
                send(client.post(format!("{address}/auth/jwt/logout")).bearer_auth(token), 204).await?;
                account.sessions[live].1 = Session::Ended;
            }
            (2, Some(live)) => {
                let token = account.sessions[live].0.clone();
                account.passwords.push(new.clone());
                account.turn(Session::Live, Session::EndsWithPassword);
                let change = client.patch(format!("{address}/users/me")).bearer_auth(token);
                send(change.json(&json!({"password": new})), 200).await?;
                account.passwords = vec![new];
                account.turn(Session::EndsWithPassword, Session::Ended);
                account.turn(Session::Unknown, Session::Ended);
            }
            _ => {
                let answer = send(login(client, address, &account.email, &account.passwords[0]), 200).await?;
                account.sessions.push((answer["access_token"].as_str()?.to_owned(), Session::Live));
            }
        }
        Some(())
    }
}

impl Account {
    fn turn(&mut self, from: Session, to: Session) {
        for (_, session) in self.sessions.iter_mut().filter(|(_, session)| *session == from) {
            *session = to;
        }
    }

    async fn check(&self, client: &Client, address: &str, checked: &mut Checked) {
        let mut working = Vec::new();
        for password in &self.passwords {
            let status = login(client, address, &self.email, password).send().await.unwrap().status();
            assert!([200, 400].contains(&status.as_u16()), "{}: {status}", self.email);
            if status == 200 {
                working.push(password);
            }
        }
        if !self.exists {
            checked.in_doubt += 1;
            return;
        }
        assert_eq!(working.len(), 1, "{}: one of the passwords sent last", self.email);
        let changed = working[0] != &self.passwords[0];
        checked.accounts += 1;
        checked.in_doubt += usize::from(self.passwords.len() > 1);
        for (token, session) in &self.sessions {
            let me = client.get(format!("{address}/users/me")).bearer_auth(token);
            let status = me.send().await.unwrap().status().as_u16();
            match session {
                Session::Live => {
                    assert_eq!(status, 200, "{}", self.email);
                    checked.live += 1;
                }
                Session::Ended => {
                    assert_eq!(status, 401, "{}: a revoked session has come back", self.email);
                    checked.ended += 1;
                }
                Session::EndsWithPassword => {
                    assert_eq!(status, if changed { 401 } else { 200 }, "{}: half a change", self.email);
                }
                Session::Unknown => assert!([200, 401].contains(&status), "{}: {status}", self.email),
            }
        }
    }
}

fn login(client: &Client, address: &str, email: &str, password: &str) -> RequestBuilder {
    client.post(format!("{address}/auth/jwt/login")).form(&[("username", email), ("password", password)])
}

/// The body of the answer; `None` if the server went away before it had come.
async fn send(request: RequestBuilder, expected: u16) -> Option<Value> {
    let response = request.send().await.ok()?;
    let status = response.status();
    let text = response.text().await.ok()?;
    assert_eq!(status, expected, "{text}");
    Some(serde_json::from_str(&text).unwrap_or(Value::Null))
}
