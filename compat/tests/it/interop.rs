//! Both programs on one database: what one does, the other sees.

mod migrate;
mod oauth;

use std::sync::Arc;

use anyhow::ensure;
use libtest_mimic::Trial;
use serde_json::json;

use crate::harness::{
    Candidate, Databases, LazyPair, Pair, Server, Setup, Step, Suite, System, replay, scenario::*,
    simultaneously,
};

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

/// Those of users.
const STORIES: [(&str, Story); 8] = [
    ("a user registers here and logs in there", registers),
    ("a token signed here is read there", signed_tokens),
    ("a password forgotten here is reset there", resets),
    ("a verification asked for here is done there", verifications),
    ("what is changed here is so there", changes),
    ("a hash made anew here is verified there", hashes),
    ("a user deactivated here is locked out there", deactivations),
    ("a user deleted here is gone there", deletions),
];

/// Those that concern no more than sessions.
const SESSIONS: [(&str, Story); 2] = [
    ("a session opened here is read and closed there", sessions),
    ("a session is kept here as it is there", kept_sessions),
];

/// On every system that keeps users all stories, for both kinds of id and whoever has made the database; those of sessions
/// also where only tokens are kept.
pub(crate) fn trials(suite: &Arc<Suite>, system: System) -> Vec<Trial> {
    let mut trials = Vec::new();
    let keeps_users = system.keeps_users();
    let databases = [
        ("a database made by fastapi-users", Setup::Plain, Candidate::Reference),
        ("a database made by us", Setup::Plain, Candidate::Ours),
        ("integer ids, made by fastapi-users", Setup::Integer, Candidate::Reference),
        ("integer ids, made by us", Setup::Integer, Candidate::Ours),
    ];
    // No two of all stories on a system have one number: what they leave in Redis must differ.
    let mut numbers = 1..;
    for (database, setup, maker) in databases {
        let is_made_by_us = maker == Candidate::Ours;
        if is_made_by_us && !keeps_users || setup == Setup::Integer && system == System::Mongodb {
            continue;
        }
        let pair = LazyPair::new(suite, system, setup, Databases::Shared { maker });
        let stories = if keeps_users { &[&SESSIONS[..], &STORIES[..]] } else { &[&SESSIONS[..]][..] };
        let told = stories.iter().copied().flatten().flat_map(|story| [(story, false), (story, true)]);
        for (((story, steps), reversed), number) in told.zip(&mut numbers) {
            let way = if reversed { "from us to fastapi-users" } else { "from fastapi-users to us" };
            let name = format!("{database}: {story}, {way}");
            trials.push(trial(&pair, &name, async move |pair| tell(pair, *steps, reversed, number).await));
        }
        if keeps_users {
            let name = format!("{database}: REG-4: one address at both at once");
            trials.push(trial(&pair, &name, register_at_once));
        }
    }
    if keeps_users {
        trials.extend(oauth::trials(suite, system));
        let databases = Databases::Shared { maker: Candidate::Reference };
        let pair = LazyPair::new(suite, system, Setup::Rules, databases);
        let name = "further columns of a database made by fastapi-users";
        trials.push(trial(&pair, name, async |pair| tell(pair, further_columns, false, 1).await));
        if system == System::Mariadb {
            let pair = LazyPair::new(suite, system, Setup::Plain, databases);
            let name = "letters that the collation of fastapi-users takes for one";
            trials.push(trial(&pair, name, async |pair| tell(pair, collation, false, 1).await));
        }
        if suite.candidate == Candidate::Ours {
            trials.extend(migrate::trials(suite, system));
        }
    }
    trials
}

/// A trial of both programs on one database.
fn trial(
    pair: &Arc<LazyPair>,
    name: &str,
    run: impl AsyncFnOnce(&Pair) -> anyhow::Result<()> + Send + 'static,
) -> Trial {
    let pair = Arc::clone(pair);
    Trial::test(format!("{}: interop: {name}", pair.system.name()), move || {
        pair.suite.block_on(async { run(pair.get().await?).await })
    })
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

/// Under the policy of fastapi-users tokens are stored as they are.
fn kept_sessions() -> Vec<(Who, Step)> {
    let log_in = |name| login("/auth/cookie", "<arthur.email>", "guinevere").save_cookie(name).gives(204, "");
    vec![
        (First, user("arthur")),
        (First, log_in("one")),
        (Second, log_in("two")),
        (First, tokens("<arthur.id>", "<arthur.session> <one> <two>")),
        (Second, post("/auth/cookie/logout").cookie("fastapiusersauth", "<one>").gives(204, "Max-Age=0")),
        (First, post("/auth/cookie/logout").cookie("fastapiusersauth", "<two>").gives(204, "Max-Age=0")),
        (First, tokens("<arthur.id>", "<arthur.session>")),
    ]
}

fn signed_tokens() -> Vec<(Who, Step)> {
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
    let hash = |read| stored("<arthur.id>", &["hashed_password"], read);
    vec![
        (First, user("arthur")),
        (First, set("<arthur.id>", "hashed_password", BCRYPT)),
        (First, hash(BCRYPT)),
        (First, log_in()),
        (Second, hash("$argon2id$v=19$m=65536,t=3,p=4$<22>$<43>")),
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

/// Contract C3: `u` is as good as `ü` to the index that fastapi-users made, but nobody else's address or token.
fn collation() -> Vec<(Who, Step)> {
    let (unicode, ascii) = ("ü.<unique>@example.com", "u.<unique>@example.com");
    let register =
        |email: &str| post("/auth/register").json(json!({"email": email, "password": "guinevere"}));
    let me = |token: &str| get("/users/me").cookie("fastapiusersauth", token);
    vec![
        (First, register(unicode).save("/id", "id").gives(201, unicode)),
        (First, login("/auth/jwt", ascii, "guinevere").gives(200, r#""sub":"<id>""#)),
        (Second, login("/auth/jwt", ascii, "guinevere").gives(400, "LOGIN_BAD_CREDENTIALS")),
        (Second, login("/auth/jwt", unicode, "guinevere").gives(200, r#""sub":"<id>""#)),
        (Second, register(ascii).gives(400, EXISTS)),
        (Second, user("arthur")),
        (
            Second,
            patch("/users/me")
                .by("arthur")
                .json(json!({"email": ascii}))
                .gives(400, "UPDATE_USER_EMAIL_ALREADY_EXISTS"),
        ),
        (First, me("ARTHUR--------------u1---------------------").gives(200, "<arthur.id>")),
        (Second, me("ARTHUR--------------u1---------------------").gives(401, UNAUTHORIZED)),
        (Second, me("<arthur.session>").gives(200, "<arthur.id>")),
    ]
}

async fn tell(pair: &Pair, story: Story, reversed: bool, number: usize) -> anyhow::Result<()> {
    let (first, second) = match reversed {
        false => (&pair.reference, &pair.candidate),
        true => (&pair.candidate, &pair.reference),
    };
    let by = |who| if matches!(who, First) { first } else { second };
    let steps: Vec<(&Server, Step)> = story().into_iter().map(|(who, step)| (by(who), step)).collect();
    replay(&steps, number).await
}

/// One account is left, whoever was quicker; those who lost may fail as fastapi-users does (contract C3), but we never
/// do, unless fastapi-users, which hashes on its event loop between writing and committing, makes us wait for longer than
/// five seconds (F-16).
async fn register_at_once(pair: &Pair) -> anyhow::Result<()> {
    let request = |index: usize| {
        let name = if index.is_multiple_of(2) { "Race" } else { "race" };
        post("/auth/register").json(json!({"email": format!("{name}@example.com"), "password": "guinevere"}))
    };
    let everyone = (0..8).map(|index| {
        let server = if index % 4 < 2 { &pair.reference } else { &pair.candidate };
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
}
