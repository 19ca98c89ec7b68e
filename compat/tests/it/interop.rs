//! Both programs on one database: what one does, the other sees.

use std::sync::{Arc, OnceLock};

use anyhow::{anyhow, ensure};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::harness::{Candidate, Server, Setup, Step, replay, scenario::*, simultaneously};

const EXISTS: &str = r#"{"detail":"REGISTER_USER_ALREADY_EXISTS"}"#;
const UNAUTHORIZED: &str = r#"{"detail":"Unauthorized"}"#;
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuYzXimsi7CEh7STHRA1Yh9I3Dt.4pgty";

/// What the first server does, and what the second one then does.
type Story = fn() -> Vec<(Who, Step)>;

#[derive(Clone, Copy)]
enum Who {
    First,
    Second,
}
use Who::{First, Second};

const STORIES: [(&str, Story); 9] = [
    ("a user registers here and logs in there", registers),
    ("a session opened here is read and closed there", sessions),
    ("a token signed here is read there", tokens),
    ("a password forgotten here is reset there", resets),
    ("a verification asked for here is done there", verifications),
    ("what is changed here is so there", changes),
    ("a hash made anew here is verified there", hashes),
    ("a user deactivated here is locked out there", deactivations),
    ("a user deleted here is gone there", deletions),
];

pub(crate) fn trials(candidate: Candidate) -> Vec<Trial> {
    let mut trials = Vec::new();
    let databases = [
        ("a database made by fastapi-users", Setup::Plain, Maker::Reference),
        ("a database made by us", Setup::Plain, Maker::Candidate),
        ("integer ids, made by fastapi-users", Setup::Integer, Maker::Reference),
        ("integer ids, made by us", Setup::Integer, Maker::Candidate),
    ];
    let mut number = 0;
    for (database, setup, maker) in databases {
        let shared = Arc::new(Shared::new(candidate, setup, maker));
        for (story, steps) in STORIES {
            for reversed in [false, true] {
                number += 1;
                let way = if reversed { "from us to fastapi-users" } else { "from fastapi-users to us" };
                let shared = Arc::clone(&shared);
                trials.push(Trial::test(format!("interop: {database}: {story}, {way}"), move || {
                    shared.tell(steps, reversed, number)
                }));
            }
        }
        number += 1;
        trials.push(Trial::test(
            format!("interop: {database}: REG-4: one address at both at once"),
            move || shared.register_at_once(number),
        ));
    }
    let columns = Arc::new(Shared::new(candidate, Setup::Rules, Maker::Reference));
    trials.push(Trial::test("interop: further columns of a database made by fastapi-users", move || {
        columns.tell(further_columns, false, number + 1)
    }));
    trials
}

fn registers() -> Vec<(Who, Step)> {
    let register =
        |email: &str| post("/auth/register").json(json!({"email": email, "password": "guinevere"}));
    vec![
        (First, register("A.<unique>@Example.com").save("/id", "id").gives(201, "A.<unique>@example.com")),
        (Second, register("a.<unique>@example.com").gives(400, EXISTS)),
        (Second, login("/auth/jwt", "a.<unique>@example.com", "guinevere").gives(200, r#""sub":"<id>""#)),
        (
            Second,
            login("/auth/jwt", "a.<unique>@example.com", "lancelot").gives(400, "LOGIN_BAD_CREDENTIALS"),
        ),
        (First, login("/auth/jwt", "a.<unique>@example.com", "guinevere").gives(200, r#""sub":"<id>""#)),
    ]
}

fn sessions() -> Vec<(Who, Step)> {
    let me =
        |status, says: &str| get("/users/me").cookie("fastapiusersauth", "<session>").gives(status, says);
    vec![
        (First, user("arthur")),
        (First, login("/auth/cookie", "<arthur.email>", "guinevere").save_cookie("session").gives(204, "")),
        (First, me(200, "<arthur.id>")),
        (Second, me(200, "<arthur.id>")),
        (Second, post("/auth/cookie/logout").cookie("fastapiusersauth", "<session>").gives(204, "Max-Age=0")),
        (First, me(401, UNAUTHORIZED)),
        (Second, me(401, UNAUTHORIZED)),
    ]
}

fn tokens() -> Vec<(Who, Step)> {
    vec![
        (First, user("arthur")),
        (
            First,
            login("/auth/jwt", "<arthur.email>", "guinevere")
                .save("/access_token", "token")
                .gives(200, "bearer"),
        ),
        (First, get("/users/me").bearer("<token>").gives(200, "<arthur.id>")),
        (Second, get("/users/me").bearer("<token>").gives(200, "<arthur.id>")),
    ]
}

fn resets() -> Vec<(Who, Step)> {
    let reset =
        |password: &str| post("/auth/reset-password").json(json!({"token": "<token>", "password": password}));
    vec![
        (First, user("arthur")),
        (First, post("/auth/forgot-password").json(json!({"email": "<arthur.email>"})).gives(202, "null")),
        (First, Step::Mail { email: "<arthur.email>", purpose: Purpose::Reset, name: "token" }),
        (Second, reset("excalibur").gives(200, "null")),
        (First, reset("lancelot").gives(400, "RESET_PASSWORD_BAD_TOKEN")),
        (Second, reset("lancelot").gives(400, "RESET_PASSWORD_BAD_TOKEN")),
        (First, login("/auth/jwt", "<arthur.email>", "excalibur").gives(200, "bearer")),
    ]
}

fn verifications() -> Vec<(Who, Step)> {
    vec![
        (First, user("arthur")),
        (
            First,
            post("/auth/request-verify-token").json(json!({"email": "<arthur.email>"})).gives(202, "null"),
        ),
        (First, Step::Mail { email: "<arthur.email>", purpose: Purpose::Verify, name: "token" }),
        (Second, post("/auth/verify").json(json!({"token": "<token>"})).gives(200, r#""is_verified":true"#)),
        (First, get("/users/me").by("arthur").gives(200, r#""is_verified":true"#)),
    ]
}

fn changes() -> Vec<(Who, Step)> {
    let change = |body| patch("/users/me").by("arthur").json(body).gives(200, "<arthur.id>");
    vec![
        (First, user("arthur")),
        (First, change(json!({"email": "new.<unique>@example.com", "password": "excalibur"}))),
        (Second, get("/users/me").by("arthur").gives(200, "new.<unique>@example.com")),
        (Second, login("/auth/jwt", "new.<unique>@example.com", "excalibur").gives(200, "bearer")),
        (Second, login("/auth/jwt", "<arthur.email>", "guinevere").gives(400, "LOGIN_BAD_CREDENTIALS")),
    ]
}

fn hashes() -> Vec<(Who, Step)> {
    let log_in = || login("/auth/jwt", "<arthur.email>", "guinevere").gives(200, "bearer");
    let hash = "SELECT hashed_password FROM \"user\" WHERE id = '<arthur.id>'";
    let set = Step::Change(
        "UPDATE \"user\" SET hashed_password = '$2b$04$abcdefghijklmnopqrstuuYzXimsi7CEh7STHRA1Yh9I3Dt.4pgty' WHERE id = '<arthur.id>'",
    );
    vec![
        (First, user("arthur")),
        (First, set),
        (First, stored(hash, BCRYPT)),
        (First, log_in()),
        (Second, stored(hash, "$argon2id$v=19$m=65536,t=3,p=4$<22>$<43>")),
        (Second, log_in()),
        (First, log_in()),
    ]
}

fn deactivations() -> Vec<(Who, Step)> {
    vec![
        (First, user("arthur")),
        (First, superuser("merlin")),
        (
            First,
            patch("/users/<arthur.id>")
                .by("merlin")
                .json(json!({"is_active": false}))
                .gives(200, "<arthur.id>"),
        ),
        (Second, get("/users/me").by("arthur").gives(401, UNAUTHORIZED)),
        (Second, login("/auth/jwt", "<arthur.email>", "guinevere").gives(400, "LOGIN_BAD_CREDENTIALS")),
    ]
}

fn deletions() -> Vec<(Who, Step)> {
    vec![
        (First, user("arthur")),
        (First, superuser("merlin")),
        (First, delete("/users/<arthur.id>").by("merlin").gives(204, "")),
        (Second, get("/users/me").by("arthur").gives(401, UNAUTHORIZED)),
        (Second, get("/users/<arthur.id>").by("merlin").gives(404, "Not Found")),
        (
            Second,
            post("/auth/register")
                .json(json!({"email": "<arthur.email>", "password": "guinevere"}))
                .save("/id", "id")
                .gives(201, "<arthur.email>"),
        ),
    ]
}

fn further_columns() -> Vec<(Who, Step)> {
    let body = json!({"email": "a.<unique>@example.com", "password": "guinevere", "first_name": "Arthur", "age": 42});
    vec![
        (
            First,
            post("/auth/register")
                .json(body)
                .save("/id", "id")
                .gives(201, r#""first_name":"Arthur","age":42"#),
        ),
        (
            Second,
            login("/auth/jwt", "a.<unique>@example.com", "guinevere")
                .save("/access_token", "token")
                .gives(200, "bearer"),
        ),
        (
            Second,
            patch("/users/me")
                .bearer("<token>")
                .json(json!({"age": 43}))
                .gives(200, r#""first_name":"Arthur","age":43"#),
        ),
        (First, get("/users/me").bearer("<token>").gives(200, r#""first_name":"Arthur","age":43"#)),
    ]
}

/// Who starts first and makes the tables.
#[derive(Clone, Copy)]
enum Maker {
    Reference,
    Candidate,
}

/// Both programs on one database, started when the first story needs them.
struct Shared {
    start: Box<dyn Fn() -> anyhow::Result<Servers> + Send + Sync>,
    servers: OnceLock<Result<Servers, String>>,
    runtime: OnceLock<Runtime>,
}

struct Servers {
    reference: Server,
    candidate: Server,
    _directory: TempDir,
}

impl Shared {
    fn new(candidate: Candidate, setup: Setup, maker: Maker) -> Self {
        let start = move || {
            let directory = tempfile::tempdir()?;
            let (settings, database) = (setup.settings(), directory.path().join("users.db"));
            let start = |kind: Candidate, name: &str| {
                let folder = directory.path().join(name);
                std::fs::create_dir(&folder)?;
                kind.start(&settings, &folder, &database)
            };
            let (reference, candidate) = match maker {
                Maker::Reference => {
                    let reference = start(Candidate::Reference, "reference")?;
                    (reference, start(candidate, "candidate")?)
                }
                Maker::Candidate => {
                    let candidate = start(candidate, "candidate")?;
                    (start(Candidate::Reference, "reference")?, candidate)
                }
            };
            Ok(Servers { reference, candidate, _directory: directory })
        };
        Self { start: Box::new(start), servers: OnceLock::new(), runtime: OnceLock::new() }
    }

    fn servers(&self) -> anyhow::Result<&Servers> {
        let started = self.servers.get_or_init(|| (self.start)().map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|error| anyhow!(error.clone()))
    }

    fn runtime(&self) -> anyhow::Result<&Runtime> {
        if self.runtime.get().is_none() {
            // Another trial may have been quicker.
            let _ = self.runtime.set(Runtime::new()?);
        }
        self.runtime.get().ok_or_else(|| anyhow!("no runtime"))
    }

    fn tell(&self, story: Story, reversed: bool, number: usize) -> Result<(), Failed> {
        let servers = self.servers().map_err(shown)?;
        let (first, second) = match reversed {
            false => (&servers.reference, &servers.candidate),
            true => (&servers.candidate, &servers.reference),
        };
        let steps: Vec<(&Server, Step)> = story()
            .into_iter()
            .map(|(who, step)| (if matches!(who, First) { first } else { second }, step))
            .collect();
        self.runtime().map_err(shown)?.block_on(replay(&steps, number)).map_err(shown)
    }

    /// One account is left, whoever was quicker; those who lost may fail as fastapi-users does (contract C3), but we
    /// never do, unless fastapi-users, which hashes on its event loop, holds the file for longer than five seconds (F-16).
    fn register_at_once(&self, number: usize) -> Result<(), Failed> {
        let servers = self.servers().map_err(shown)?;
        let race = async {
            let request = |spelling: usize| {
                let name = if spelling.is_multiple_of(2) { "Race" } else { "race" };
                post("/auth/register")
                    .json(json!({"email": format!("{name}.u{number}@example.com"), "password": "guinevere"}))
            };
            let everyone = (0..8).map(|index| {
                let server = if index % 4 < 2 { &servers.reference } else { &servers.candidate };
                (server, request(index))
            });
            let statuses = simultaneously(everyone).await?;
            let created = statuses.iter().filter(|(_, status)| *status == 201).count();
            ensure!(created == 1, "{created} registrations of one address succeeded: {statuses:?}");
            let ours = statuses.iter().filter(|(kind, _)| *kind == Candidate::Ours);
            for (kind, status) in ours {
                ensure!([201, 400, 503].contains(status), "{kind:?} answered {status}");
            }
            Ok(())
        };
        self.runtime().map_err(shown)?.block_on(race).map_err(shown)
    }
}

fn shown(error: anyhow::Error) -> Failed {
    format!("{error:#}").into()
}
