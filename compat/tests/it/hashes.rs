//! Password hashes that other programs have left in the database: who logs in, and what stays stored.

use serde_json::{Value, json};

use crate::harness::{
    Scenario,
    Setup::{Plain, Verified},
    Step,
    database::{HASH, Person},
    scenario::*,
};

const BAD: &str = r#"{"detail":"LOGIN_BAD_CREDENTIALS"}"#;

/// `guinevere` with parameters so small that they cost nothing; made with argon2-cffi, as the others.
const CHEAP: &str =
    "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc";
/// The hash of that hash, as reset tokens hold it.
const CHEAP_FINGERPRINT: &str =
    "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$hs7pckNycmPBNwOo78UrzybkrMRQg/J6qSyiI5qSHZs";
/// One of `PasswordHash::unusable`: 32 random bytes where a password would have its hash.
const NO_PASSWORD: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$YXh1bS11c2Vycy9ub25lIQ$Pj/JOO11qVrSJLUD3jXQGSdHK2Ax9ADTzrFK/IMoK/4";
/// `guinevere` with bcrypt.
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuYzXimsi7CEh7STHRA1Yh9I3Dt.4pgty";
/// 72 times `x`: bcrypt looks at no more bytes.
const BCRYPT_LONG: &str = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";

pub(crate) fn scenarios() -> Vec<Scenario> {
    // To every database a hash is a text; what matters is that a new one is written.
    let hashes = [argon2(), bcrypt(), unreadable()];
    let mut all: Vec<Scenario> = hashes.into_iter().flatten().map(Scenario::once).collect();
    all.extend(upgrades());
    all
}

fn arthur(hash: &'static str) -> Person {
    Person { hash, ..Person::new("arthur") }
}

fn log_in(password: &str) -> Request {
    login("/auth/jwt", "<arthur.email>", password)
}

fn is_kept() -> Step {
    stored("<arthur.id>", &["hashed_password"], "<arthur.hash>")
}

fn is_new() -> Step {
    stored("<arthur.id>", &["hashed_password"], "$argon2id$v=19$m=65536,t=3,p=4$<22>$<43>")
}

/// The password is right, and hashed anew.
fn outdated(name: &str, hash: &'static str, password: &str) -> Scenario {
    scenario(name, Plain, [Step::Seed(arthur(hash)), log_in(password).gives(200, "bearer"), is_new()])
}

/// No password is right, and the hash stays.
fn refused(name: &str, hash: &'static str, password: &str, status: u16, says: &str) -> Scenario {
    scenario(name, Plain, [Step::Seed(arthur(hash)), log_in(password).gives(status, says), is_kept()])
}

fn argon2() -> Vec<Scenario> {
    let kinds = [
        (
            "Argon2i",
            "$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Wi12h25XIpxaeO7aPhQlL0MIBfVIo9nACMSRE8yZf1M",
        ),
        (
            "Argon2d",
            "$argon2d$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$YcHBuQhRbUkmI50IAfmAcY2BZwNrBHWzQQNCZ6XegIk",
        ),
        ("Argon2id with less memory", CHEAP),
        (
            "Argon2id of version 1.0",
            "$argon2id$v=16$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$wI5JRSDj5UeTq3x+Y3vLJtIFYNB0vyUz7rnXcX0Ysx0",
        ),
        (
            "Argon2id without its version",
            "$argon2id$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$wI5JRSDj5UeTq3x+Y3vLJtIFYNB0vyUz7rnXcX0Ysx0",
        ),
        (
            "Argon2id with one lane",
            "$argon2id$v=19$m=65536,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$mh7wDDM4AUiZHGC7Ts2+eU9Y+YH/sU+NIUPmyJzAt3U",
        ),
        (
            "Argon2id with a short salt",
            "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc$eSv2evrq0b+E56W+5Zppn4gTIy1LyZniGFDlaKL4OrU",
        ),
        (
            "Argon2id with a short digest",
            "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$RXPpTbnPEAdiMeq86ruuJA",
        ),
        (
            "Argon2id with a long salt and digest",
            "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY$4F3/Kmmt+vXv4TCR2v5Pob8V2rxkWITOIpcLrAMZVCZi4m0QLdE6W+Z6CAuMNEuEe/bP2nYbvONwEw57NDJ+IQ",
        ),
        (
            "Argon2id with 20 passes",
            "$argon2id$v=19$m=64,t=20,p=1$MDEyMzQ1Njc4OWFiY2RlZg$iTClfIWZIhrxGN6/O4udvgIdOxKdddU1hI9qCS4vNjQ",
        ),
        (
            "Argon2id with 32 lanes",
            "$argon2id$v=19$m=256,t=1,p=32$MDEyMzQ1Njc4OWFiY2RlZg$bIBS3Pwh+iMmldvHjcLA+7SD5xPn75TwUYXGZeJZfbk",
        ),
    ];
    let mut all: Vec<Scenario> =
        kinds.into_iter().map(|(name, hash)| outdated(name, hash, "guinevere")).collect();
    all.push(scenario(
        "Argon2id with the parameters of today",
        Plain,
        [Step::Seed(arthur(HASH)), log_in("guinevere").gives(200, "bearer"), is_kept()],
    ));
    all.push(refused("Argon2id and a wrong password", CHEAP, "wrong", 400, BAD));
    all.push(refused("the hash of a user without a password", NO_PASSWORD, "guinevere", 400, BAD));
    all
}

fn bcrypt() -> Vec<Scenario> {
    let kinds = [
        ("bcrypt 2a", "$2a$04$abcdefghijklmnopqrstuuYzXimsi7CEh7STHRA1Yh9I3Dt.4pgty", "guinevere"),
        ("bcrypt 2b", BCRYPT, "guinevere"),
        ("bcrypt 2x", "$2x$04$abcdefghijklmnopqrstuuYzXimsi7CEh7STHRA1Yh9I3Dt.4pgty", "guinevere"),
        ("bcrypt 2y", "$2y$04$abcdefghijklmnopqrstuuYzXimsi7CEh7STHRA1Yh9I3Dt.4pgty", "guinevere"),
        (
            "bcrypt of another cost",
            "$2b$05$abcdefghijklmnopqrstuupLjV2ZrFlbz1wkC1I1uCciCZBMr7QMy",
            "guinevere",
        ),
        (
            "bcrypt of letters beyond ASCII",
            "$2b$04$abcdefghijklmnopqrstuuzWYahbogLsQmxmSeN0LNxnZfBuGjTKe",
            "ügü",
        ),
    ];
    let mut all: Vec<Scenario> =
        kinds.into_iter().map(|(name, hash, password)| outdated(name, hash, password)).collect();
    all.extend([
        outdated("bcrypt and a password of 72 bytes", BCRYPT_LONG, &"x".repeat(72)),
        refused(
            "bcrypt and a password of 73 bytes",
            BCRYPT_LONG,
            &"x".repeat(73),
            500,
            "Internal Server Error",
        ),
        refused("bcrypt and a wrong password", BCRYPT, "wrong", 400, BAD),
        refused(
            "bcrypt and a wrong password of 73 bytes",
            BCRYPT,
            &"x".repeat(73),
            500,
            "Internal Server Error",
        ),
        refused("bcrypt and a password with a NUL", BCRYPT, "guinevere\0", 400, BAD),
    ]);
    all
}

/// What nobody can verify.
fn unreadable() -> Vec<Scenario> {
    let malformed = [
        ("Argon2id without its digest", "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg"),
        ("Argon2id without salt and digest", "$argon2id$v=19$m=64,t=1,p=1"),
        (
            "Argon2id with an invalid salt",
            "$argon2id$v=19$m=64,t=1,p=1$(*)$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc",
        ),
        (
            "Argon2id with padding",
            "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg==$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc=",
        ),
        (
            "Argon2id without memory",
            "$argon2id$v=19$m=0,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc",
        ),
        (
            "Argon2id without lanes",
            "$argon2id$v=19$m=64,t=1,p=0$MDEyMzQ1Njc4OWFiY2RlZg$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc",
        ),
        (
            "Argon2id of an unknown version",
            "$argon2id$v=99$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc",
        ),
        (
            "Argon2id with a leading zero",
            "$argon2id$v=19$m=064,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc",
        ),
        (
            "Argon2id with text after it",
            "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc$x",
        ),
    ];
    let unrecognised = [
        ("no hash", ""),
        ("the password itself", "guinevere"),
        ("a placeholder", "!"),
        ("PBKDF2", "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$tTVvmZ3KcbDFK5mwAKyEhbEvWnXtVLwEjKTa7Ci0jHo"),
        (
            "Argon2 of an unknown kind",
            "$argon2x$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc",
        ),
        (
            "Argon2id in another case",
            "$ARGON2ID$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc",
        ),
        (
            "Argon2id with its parameters in another order",
            "$argon2id$v=19$t=1,m=64,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc",
        ),
        (
            "Argon2id with a space before it",
            " $argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bcXVQBYbPa/lw6Cv1DYS/dap/1tBKUjwuDCYmM8PyOc",
        ),
        ("bcrypt cut short", "$2b$04$abcdefghijklmnopqrstuuYzXimsi7CEh7STHRA1Yh9I3Dt.4pgt"),
        ("bcrypt of the first kind", "$2$04$abcdefghijklmnopqrstuuYzXimsi7CEh7STHRA1Yh9I3Dt.4pgty"),
        ("bcrypt of too small a cost", "$2b$03$abcdefghijklmnopqrstuuYzXimsi7CEh7STHRA1Yh9I3Dt.4pgty"),
        ("bcrypt of too large a cost", "$2b$32$abcdefghijklmnopqrstuuYzXimsi7CEh7STHRA1Yh9I3Dt.4pgty"),
        ("bcrypt with an invalid salt", "$2b$04$++++++++++++++++++++++YzXimsi7CEh7STHRA1Yh9I3Dt.4pgty"),
    ];
    let malformed = malformed.map(|(name, hash)| refused(name, hash, "guinevere", 400, BAD));
    let unrecognised =
        unrecognised.map(|(name, hash)| refused(name, hash, "guinevere", 500, "Internal Server Error"));
    malformed.into_iter().chain(unrecognised).collect()
}

fn upgrades() -> Vec<Scenario> {
    let reset = |status, says: &str| {
        post("/auth/reset-password")
            .json(json!({"token": "<token>", "password": "excalibur"}))
            .gives(status, says)
    };
    let token = |claims: Value| forge("token", "reset", claims);
    let of_cheap =
        json!({"sub": "<arthur.id>", "password_fgpt": CHEAP_FINGERPRINT, "aud": "fastapi-users:reset"});
    vec![
        scenario(
            "a new hash is of the same password",
            Plain,
            [
                Step::Seed(arthur(BCRYPT)),
                log_in("guinevere").gives(200, "bearer"),
                is_new(),
                log_in("guinevere").gives(200, "bearer"),
                log_in("wrong").gives(400, BAD),
            ],
        ),
        scenario(
            "an inactive user's hash is made anew",
            Plain,
            [
                Step::Seed(Person { is_active: false, ..arthur(CHEAP) }),
                log_in("wrong").gives(400, BAD),
                is_kept(),
                log_in("guinevere").gives(400, BAD),
                is_new(),
            ],
        ),
        scenario(
            "an unverified user's hash is made anew",
            Verified,
            [Step::Seed(arthur(CHEAP)), log_in("guinevere").gives(400, "LOGIN_USER_NOT_VERIFIED"), is_new()],
        ),
        scenario(
            "a cookie login makes the hash anew",
            Plain,
            [
                Step::Seed(arthur(CHEAP)),
                login("/auth/cookie", "<arthur.email>", "guinevere").gives(204, "fastapiusersauth="),
                is_new(),
            ],
        ),
        scenario(
            "sessions outlive a new hash",
            Plain,
            [
                Step::Seed(arthur(CHEAP)),
                log_in("guinevere").gives(200, "bearer"),
                is_new(),
                get("/users/me").by("arthur").gives(200, "<arthur.id>"),
                get("/users/me").cookie("fastapiusersauth", "<arthur.session>").gives(200, "<arthur.id>"),
            ],
        )
        .of_sessions(),
        scenario(
            "a reset token of an outdated hash",
            Plain,
            [
                Step::Seed(arthur(CHEAP)),
                token(of_cheap.clone()),
                reset(200, "null"),
                is_new(),
                log_in("excalibur").gives(200, "bearer"),
            ],
        ),
        scenario(
            "a new hash ends reset tokens",
            Plain,
            [
                Step::Seed(arthur(CHEAP)),
                token(of_cheap),
                log_in("guinevere").gives(200, "bearer"),
                reset(400, r#"{"detail":"RESET_PASSWORD_BAD_TOKEN"}"#),
                log_in("guinevere").gives(200, "bearer"),
            ],
        ),
        scenario(
            "an unreadable hash can be replaced by a reset",
            Plain,
            [
                Step::Seed(arthur("!")),
                token(json!({
                    "sub": "<arthur.id>", "aud": "fastapi-users:reset",
                    "password_fgpt": "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$LohbJSvHcjgL2YJ5u5BbyIlBJXcj+6NRE7amrQO6QfQ",
                })),
                reset(200, "null"),
                is_new(),
                log_in("excalibur").gives(200, "bearer"),
            ],
        ),
        scenario(
            "an unreadable hash does not stop its user",
            Plain,
            [
                Step::Seed(arthur("!")),
                get("/users/me").by("arthur").gives(200, "<arthur.id>"),
                patch("/users/me")
                    .by("arthur")
                    .json(json!({"password": "excalibur"}))
                    .gives(200, "<arthur.id>"),
                is_new(),
            ],
        ),
    ]
}
