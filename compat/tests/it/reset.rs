//! POST /forgot-password and POST /reset-password.

use serde_json::{Value, json};

use crate::harness::{Scenario, Setup, Step, scenario::*};

const BAD_TOKEN: &str = r#"{"detail":"RESET_PASSWORD_BAD_TOKEN"}"#;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = requests();
    all.extend(resets());
    all.extend(ends());
    all
}

fn forgot(email: &str) -> Request {
    post("/auth/forgot-password").json(json!({ "email": email }))
}

fn reset(password: &str) -> Request {
    post("/auth/reset-password").json(json!({"token": "<token>", "password": password}))
}

fn mail(email: &'static str) -> Step {
    Step::Mail { email, purpose: Purpose::Reset, name: "token" }
}

fn no_mail(email: &'static str) -> Step {
    Step::NoMail { email, purpose: Purpose::Reset }
}

fn log_in(password: &str) -> Request {
    login("/auth/jwt", "<arthur.email>", password)
}

/// A user who has been mailed a token, and what happens then.
fn mailed(name: &str, setup: Setup, steps: Vec<Step>) -> Scenario {
    let before = [user("arthur"), forgot("<arthur.email>").gives(202, "null"), mail("<arthur.email>")];
    scenario(name, setup, before.into_iter().chain(steps))
}

fn requests() -> Vec<Scenario> {
    use Setup::{Plain, Verified};
    vec![
        scenario(
            "asked for by a user",
            Plain,
            [user("arthur"), forgot("<arthur.email>").gives(202, "null"), mail("<arthur.email>")],
        ),
        scenario(
            "asked for by an unverified user, where users must be",
            Verified,
            [user("arthur"), forgot("<arthur.email>").gives(202, "null"), mail("<arthur.email>")],
        ),
        scenario(
            "asked for by nobody",
            Plain,
            [
                forgot("nobody.<unique>@example.com").gives(202, "null"),
                no_mail("nobody.<unique>@example.com"),
            ],
        ),
        scenario(
            "asked for by an inactive user",
            Plain,
            [inactive("mordred"), forgot("<mordred.email>").gives(202, "null"), no_mail("<mordred.email>")],
        ),
        scenario(
            "asked for twice, both work until one is used",
            Plain,
            [
                user("arthur"),
                forgot("<arthur.email>").gives(202, "null"),
                mail("<arthur.email>"),
                forgot("<arthur.email>").gives(202, "null"),
                Step::Mail { email: "<arthur.email>", purpose: Purpose::Reset, name: "second" },
                post("/auth/reset-password")
                    .json(json!({"token": "<second>", "password": "excalibur"}))
                    .gives(200, "null"),
                reset("lancelot").gives(400, BAD_TOKEN),
            ],
        ),
        scenario(
            "asking changes nothing",
            Plain,
            [
                user("arthur"),
                forgot("<arthur.email>").gives(202, "null"),
                log_in("guinevere").gives(200, "bearer"),
                get("/users/me").cookie("fastapiusersauth", "<arthur.session>").gives(200, "<arthur.id>"),
            ],
        ),
        scenario(
            "where the link leads is not the caller's choice",
            Plain,
            [
                user("arthur"),
                post("/auth/forgot-password?redirect_to=https://evil.example")
                    .json(json!({"email": "<arthur.email>", "reset_url": "https://evil.example"}))
                    .header("x-forwarded-host", "evil.example")
                    .gives(202, "null"),
                mail("<arthur.email>"),
            ],
        ),
    ]
}

fn resets() -> Vec<Scenario> {
    use Setup::{Plain, Rules};
    vec![
        mailed("a new password", Plain, vec![
            reset("excalibur").gives(200, "null"),
            log_in("excalibur").gives(200, "<arthur.id>"),
            log_in("guinevere").gives(400, "LOGIN_BAD_CREDENTIALS"),
            stored(
                "<arthur.id>",
                &["hashed_password", "is_verified"],
                "$argon2id$v=19$m=65536,t=3,p=4$<22>$<43> | 0",
            ),
        ]),
        mailed("twice", Plain, vec![
            reset("excalibur").gives(200, "null"),
            reset("lancelot").gives(400, BAD_TOKEN),
            log_in("excalibur").gives(200, "<arthur.id>"),
        ]),
        mailed("sessions outlive it", Plain, vec![
            reset("excalibur").gives(200, "null"),
            get("/users/me").by("arthur").gives(200, "<arthur.id>"),
            get("/users/me").cookie("fastapiusersauth", "<arthur.session>").gives(200, "<arthur.id>"),
        ])
        .of_sessions(),
        mailed("a bad password does not use the token up", Rules, vec![
            reset("short").gives(
                400,
                r#"{"code":"RESET_PASSWORD_INVALID_PASSWORD","reason":"Password should be at least 8 characters"}"#,
            ),
            reset("the <arthur.email>").gives(400, "Password should not contain e-mail"),
            reset("excalibur").gives(200, "null"),
        ]),
        mailed("an empty password", Plain, vec![
            reset("").gives(200, "null"),
            log_in("").gives(422, "missing"),
        ]),
    ]
}

/// What ends a token before its hour is over.
fn ends() -> Vec<Scenario> {
    use Setup::Plain;
    let change = |body: Value| patch("/users/me").by("arthur").json(body).gives(200, "<arthur.id>");
    vec![
        mailed(
            "after a new password",
            Plain,
            vec![change(json!({"password": "excalibur"})), reset("lancelot").gives(400, BAD_TOKEN)],
        ),
        mailed(
            "after a new address",
            Plain,
            vec![change(json!({"email": "new.<unique>@example.com"})), reset("excalibur").gives(200, "null")],
        ),
        mailed(
            "after the user was deactivated",
            Plain,
            vec![set("<arthur.id>", "is_active", false), reset("excalibur").gives(400, BAD_TOKEN)],
        ),
        mailed(
            "after the user was deleted",
            Plain,
            vec![Step::Remove { user: "<arthur.id>" }, reset("excalibur").gives(400, BAD_TOKEN)],
        ),
        mailed(
            "after the user was verified",
            Plain,
            vec![set("<arthur.id>", "is_verified", true), reset("excalibur").gives(200, "null")],
        ),
        mailed(
            "it is no other token",
            Plain,
            vec![
                get("/users/me").bearer("<token>").gives(401, "Unauthorized"),
                post("/auth/verify").json(json!({"token": "<token>"})).gives(400, "VERIFY_USER_BAD_TOKEN"),
                reset("excalibur").gives(200, "null"),
            ],
        ),
    ]
}
