//! The forms in which ids are read, in paths and in tokens, and the one in which they are written.

use serde_json::json;

use crate::harness::{
    Scenario,
    Setup::{self, Integer, Plain},
    Step,
    System::{Mariadb, Postgres},
    in_seconds,
    scenario::*,
};

const UNAUTHORIZED: &str = r#"{"detail":"Unauthorized"}"#;
const NOT_FOUND: &str = r#"{"detail":"Not Found"}"#;
const BAD_RESET: &str = r#"{"detail":"RESET_PASSWORD_BAD_TOKEN"}"#;
const BAD_VERIFY: &str = r#"{"detail":"VERIFY_USER_BAD_TOKEN"}"#;
const FAILURE: &str = "Internal Server Error";

/// 2^63, which no SQL integer holds.
const TOO_LARGE: &str = "9223372036854775808";

pub(crate) fn scenarios() -> Vec<Scenario> {
    let tables = uuids().into_iter().chain(integers()).chain(beyond_ascii_digits());
    let mut all: Vec<Scenario> = tables.map(Scenario::of_sql).collect();
    all.extend(object_ids().into_iter().map(Scenario::of_mongodb));
    all
}

/// What Python takes for a number, each a scenario of its own since we read none of them.
fn beyond_ascii_digits() -> impl Iterator<Item = Scenario> {
    let uuids = [
        "0x<arthur.tail>",
        "0X<arthur.tail>",
        "+0<arthur.tail>",
        "0_<arthur.tail>",
        " 0<arthur.tail>",
        "\u{3000}0<arthur.tail>",
        "٠٠<arthur.tail>",
        "０0<arthur.tail>",
    ];
    let integers = ["٠<arthur.id>", "０<arthur.id>"];
    let uuids = uuids.into_iter().map(|id| ("a UUID as Python reads hexadecimal integers", Plain, id));
    let integers = integers.into_iter().map(|id| ("an integer in the digits of other scripts", Integer, id));
    uuids.chain(integers).map(|(name, setup, id)| read(&format!("{name}: {id}"), setup, &[id]))
}

/// Each text in the path and in `sub`, where it must be read as Arthur's id.
fn read(name: &str, setup: Setup, ids: &[&str]) -> Scenario {
    let uses = ids.iter().flat_map(|id| {
        [
            get(format!("/users/{id}")).by("merlin").gives(200, "<arthur.id>"),
            session(id),
            get("/users/me").bearer("<token>").gives(200, "<arthur.id>"),
        ]
    });
    scenario(name, setup, [superuser("merlin"), user("arthur")].into_iter().chain(uses))
}

/// Each text in the path and in `sub`, where it must be nobody's id.
fn refused(name: &str, setup: Setup, ids: &[&str]) -> Scenario {
    let uses = ids.iter().flat_map(|id| {
        [
            get(format!("/users/{id}")).by("merlin").gives(404, NOT_FOUND),
            session(id),
            get("/users/me").bearer("<token>").gives(401, UNAUTHORIZED),
        ]
    });
    scenario(name, setup, [superuser("merlin"), user("arthur")].into_iter().chain(uses))
}

fn session(id: &str) -> Step {
    forge("token", "jwt", json!({"sub": id, "aud": ["fastapi-users:auth"], "exp": in_seconds(3600)}))
}

/// A verify token with each text as `sub`, and what the last step answers.
fn verified_by(name: &str, setup: Setup, status: u16, says: &str, ids: &[&str]) -> Scenario {
    let uses = ids.iter().flat_map(|id| {
        let claims = json!({"sub": id, "email": "<arthur.email>", "aud": "fastapi-users:verify"});
        [
            set("<arthur.id>", "is_verified", false),
            forge("token", "verification", claims),
            post("/auth/verify").json(json!({"token": "<token>"})).gives(status, says),
        ]
    });
    scenario(name, setup, [user("arthur")].into_iter().chain(uses))
}

/// A reset token with each text as `sub`, and what the last step answers.
fn reset_by(name: &str, setup: Setup, status: u16, says: &str, ids: &[&str]) -> Scenario {
    let uses = ids.iter().flat_map(|id| [reset_token(id), reset().gives(status, says)]);
    scenario(name, setup, [user("arthur")].into_iter().chain(uses))
}

fn reset_token(id: &str) -> Step {
    let fingerprint = "<arthur.fingerprint>";
    let claims = json!({"sub": id, "password_fgpt": fingerprint, "aud": "fastapi-users:reset"});
    forge("token", "reset", claims)
}

fn reset() -> Request {
    post("/auth/reset-password").json(json!({"token": "<token>", "password": "x"}))
}

fn uuids() -> Vec<Scenario> {
    let wrong = ["<arthur.id>0", "0<arthur.tail>", "zz<arthur.tail>", "", "nobody"];
    vec![
        read("a UUID as it is written", Plain, &["<arthur.id>"]),
        read("a UUID in upper case", Plain, &["<arthur.upper>"]),
        read("a UUID without hyphens", Plain, &["00<arthur.tail>"]),
        read("a UUID in braces", Plain, &["{<arthur.id>}", "{00<arthur.tail>}"]),
        read("a UUID as a URN", Plain, &["urn:uuid:<arthur.id>", "urn:uuid:<arthur.upper>"]),
        read(
            "a UUID in other notations",
            Plain,
            &[
                "0-0-<arthur.tail>",
                "----<arthur.id>----",
                "{{<arthur.id>",
                "<arthur.id>}",
                "uuid:<arthur.id>",
                "<arthur.id>urn:",
                "urn:uuid:{<arthur.id>}",
            ],
        ),
        refused(
            "what is no UUID",
            Plain,
            &[
                "<arthur.id>0",
                "0<arthur.tail>",
                "000<arthur.tail>",
                "zz<arthur.tail>",
                "-0<arthur.tail>",
                "__<arthur.tail>",
                " <arthur.id>",
                "(<arthur.id>)",
                "URN:UUID:<arthur.id>",
                "<arthur.email>",
                "1",
                "{}",
                "00000000-0000-0000-0000-000000000000",
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
            ],
        ),
        verified_by(
            "a UUID in a verify token",
            Plain,
            200,
            "<arthur.id>",
            &["<arthur.upper>", "00<arthur.tail>", "{<arthur.id>}", "urn:uuid:<arthur.id>"],
        ),
        verified_by("no UUID in a verify token", Plain, 400, BAD_VERIFY, &wrong),
        reset_by("a UUID in a reset token", Plain, 200, "null", &["{00<arthur.tail>}"]),
        reset_by("no UUID in a reset token", Plain, 400, BAD_RESET, &wrong),
        scenario(
            "a UUID in other forms is that user's",
            Plain,
            [
                superuser("merlin"),
                user("arthur"),
                patch("/users/00<arthur.tail>")
                    .by("merlin")
                    .json(json!({"is_verified": true}))
                    .gives(200, r#""id":"<arthur.id>""#),
                delete("/users/<arthur.upper>").by("merlin").gives(204, ""),
                stored("<arthur.id>", &["email"], "none"),
            ],
        ),
    ]
}

fn object_ids() -> Vec<Scenario> {
    let wrong = ["<arthur.id>0", "0<arthur.tail>", "zz<arthur.tail>", "", "nobody"];
    vec![
        read("an object id as it is written", Plain, &["<arthur.id>"]),
        read("an object id in upper case", Plain, &["<arthur.upper>"]),
        refused(
            "what is no object id",
            Plain,
            &[
                "<arthur.id>0",
                "0<arthur.tail>",
                "zz<arthur.tail>",
                "0x<arthur.tail>",
                " <arthur.id>",
                "{<arthur.id>}",
                "<arthur.email>",
                "1",
                "00000000-0000-4000-8000-000000000000",
                "000000000000000000000000",
                "abcdefghijkl",
            ],
        ),
        verified_by("an object id in a verify token", Plain, 200, "<arthur.id>", &["<arthur.upper>"]),
        verified_by("no object id in a verify token", Plain, 400, BAD_VERIFY, &wrong),
        reset_by("an object id in a reset token", Plain, 200, "null", &["<arthur.upper>"]),
        reset_by("no object id in a reset token", Plain, 400, BAD_RESET, &wrong),
    ]
}

/// MariaDB compares with whatever number it is given.
fn fails(request: Request) -> Step {
    request.gives(500, FAILURE).on(&[Mariadb], 404, NOT_FOUND)
}

fn integers() -> Vec<Scenario> {
    let long = "1".repeat(4301);
    let wrong = ["<arthur.id>.0", "0x1", "", "nobody", "<arthur.id>0"];
    vec![
        scenario(
            "an integer is written as a number",
            Integer,
            [
                user("arthur"),
                get("/users/me").by("arthur").gives(200, r#"{"id":"number <arthur.id>","email""#),
                login("/auth/jwt", "<arthur.email>", "guinevere").gives(200, r#""sub":"<arthur.id>""#),
                get("/users/me")
                    .cookie("fastapiusersauth", "<arthur.session>")
                    .gives(200, "number <arthur.id>"),
            ],
        ),
        scenario(
            "a new user has an integer",
            Integer,
            [
                post("/auth/register")
                    .json(json!({"email": "a.<unique>@example.com", "password": "x"}))
                    .save("/id", "id")
                    .gives(201, r#"{"id":"number <id>","email""#),
                stored("<id>", &["id", "email"], "<id> | a.<unique>@example.com"),
            ],
        ),
        read("an integer as it is written", Integer, &["<arthur.id>"]),
        read(
            "an integer with leading zeros",
            Integer,
            &["0<arthur.id>", "000000000000000000000000<arthur.id>"],
        ),
        read("an integer with a sign", Integer, &["+<arthur.id>"]),
        read("an integer with spaces", Integer, &[" <arthur.id>", "\u{a0}<arthur.id>\u{3000}"]),
        read("an integer with underscores", Integer, &["0_<arthur.id>", "0_0_<arthur.id>"]),
        refused(
            "what is no integer",
            Integer,
            &[
                "<arthur.id>.0",
                "<arthur.id>e0",
                "0x<arthur.id>",
                "_<arthur.id>",
                "<arthur.id>_",
                "0__<arthur.id>",
                "--<arthur.id>",
                "+ <arthur.id>",
                "<arthur.id>,0",
                "²<arthur.id>",
                "true",
                "<arthur.email>",
                "00000000-0000-4000-8000-000000000000",
                &long,
            ],
        ),
        refused("the integer of nobody", Integer, &["0", "-0", "-1", "-<arthur.id>", "2147483647"]),
        scenario(
            "an integer beyond 32 bits",
            Integer,
            [superuser("merlin")].into_iter().chain(
                ["2147483648", "9223372036854775807"].into_iter().flat_map(|id| {
                    [
                        get(format!("/users/{id}")).by("merlin").gives(404, NOT_FOUND).on(
                            &[Postgres],
                            500,
                            FAILURE,
                        ),
                        session(id),
                        get("/users/me").bearer("<token>").gives(401, UNAUTHORIZED).on(
                            &[Postgres],
                            500,
                            FAILURE,
                        ),
                    ]
                }),
            ),
        ),
        scenario(
            "an integer beyond 64 bits in a path",
            Integer,
            [
                superuser("merlin"),
                fails(get(format!("/users/{TOO_LARGE}")).by("merlin")),
                fails(patch(format!("/users/{TOO_LARGE}")).by("merlin").json(json!({}))),
                fails(delete(format!("/users/{TOO_LARGE}")).by("merlin")),
                fails(get("/users/-9223372036854775809").by("merlin")),
            ],
        ),
        scenario(
            "an integer beyond 64 bits in a session token",
            Integer,
            [
                session(TOO_LARGE),
                get("/users/me").bearer("<token>").gives(500, FAILURE).on(&[Mariadb], 401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "an integer beyond 64 bits in a reset token",
            Integer,
            [
                user("arthur"),
                reset_token(TOO_LARGE),
                reset().gives(500, FAILURE).on(&[Mariadb], 400, BAD_RESET),
            ],
        ),
        verified_by("an integer beyond 64 bits in a verify token", Integer, 400, BAD_VERIFY, &[TOO_LARGE]),
        verified_by(
            "an integer in a verify token",
            Integer,
            200,
            "<arthur.id>",
            &["0<arthur.id>", " +<arthur.id> "],
        ),
        verified_by("no integer in a verify token", Integer, 400, BAD_VERIFY, &wrong),
        reset_by("an integer in a reset token", Integer, 200, "null", &["+0_<arthur.id>"]),
        reset_by("no integer in a reset token", Integer, 400, BAD_RESET, &wrong),
    ]
}
