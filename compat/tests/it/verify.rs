//! POST /request-verify-token and POST /verify.

use serde_json::json;

use crate::harness::{Scenario, Setup, Step, scenario::*};

const BAD_TOKEN: &str = r#"{"detail":"VERIFY_USER_BAD_TOKEN"}"#;
const ALREADY: &str = r#"{"detail":"VERIFY_USER_ALREADY_VERIFIED"}"#;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = requests();
    all.extend(verifications());
    all
}

fn ask(email: &str) -> Request {
    post("/auth/request-verify-token").json(json!({ "email": email }))
}

fn verify() -> Request {
    post("/auth/verify").json(json!({"token": "<token>"}))
}

fn mail(email: &'static str) -> Step {
    Step::Mail { email, purpose: Purpose::Verify, name: "token" }
}

fn no_mail(email: &'static str) -> Step {
    Step::NoMail { email, purpose: Purpose::Verify }
}

/// A user who has been mailed a token, and what happens then.
fn mailed(name: &str, setup: Setup, steps: Vec<Step>) -> Scenario {
    let before = [user("arthur"), ask("<arthur.email>").gives(202, "null"), mail("<arthur.email>")];
    scenario(name, setup, before.into_iter().chain(steps))
}

fn requests() -> Vec<Scenario> {
    use Setup::{Plain, Verified};
    vec![
        scenario(
            "asked for by a user",
            Plain,
            [user("arthur"), ask("<arthur.email>").gives(202, "null"), mail("<arthur.email>")],
        ),
        scenario(
            "asked for in another case",
            Plain,
            [user("arthur"), ask("ARTHUR.<unique>@EXAMPLE.COM").gives(202, "null"), mail("<arthur.email>")],
        ),
        scenario(
            "asked for by nobody",
            Plain,
            [ask("nobody.<unique>@example.com").gives(202, "null"), no_mail("nobody.<unique>@example.com")],
        ),
        scenario(
            "asked for by an inactive user",
            Plain,
            [inactive("mordred"), ask("<mordred.email>").gives(202, "null"), no_mail("<mordred.email>")],
        ),
        scenario(
            "asked for by a verified user",
            Plain,
            [verified("lancelot"), ask("<lancelot.email>").gives(202, "null"), no_mail("<lancelot.email>")],
        ),
        scenario(
            "registering sends nothing by itself",
            Plain,
            [
                post("/auth/register")
                    .json(json!({"email": "a.<unique>@example.com", "password": "guinevere"}))
                    .save("/id", "id")
                    .gives(201, "a.<unique>@example.com"),
                ask("a.<unique>@example.com").gives(202, "null"),
            ],
        ),
        scenario(
            "asked for by an unverified user, where users must be",
            Verified,
            [
                user("arthur"),
                ask("<arthur.email>").gives(202, "null"),
                mail("<arthur.email>"),
                get("/users/me").by("arthur").gives(403, "Forbidden"),
                verify().gives(200, r#""is_verified":true"#),
                get("/users/me").by("arthur").gives(200, r#""is_verified":true"#),
                login("/auth/jwt", "<arthur.email>", "guinevere").gives(200, "<arthur.id>"),
            ],
        ),
    ]
}

fn verifications() -> Vec<Scenario> {
    use Setup::Plain;
    vec![
        mailed("a user", Plain, vec![
            verify().gives(
                200,
                r#"{"id":"<arthur.id>","email":"<arthur.email>","is_active":true,"is_superuser":false,"is_verified":true}"#,
            ),
            stored("<arthur.id>", &["is_verified"], "1"),
        ]),
        mailed("twice", Plain, vec![verify().gives(200, "<arthur.id>"), verify().gives(400, ALREADY)]),
        mailed("again, after the flag was taken away", Plain, vec![
            verify().gives(200, "<arthur.id>"),
            set("<arthur.id>", "is_verified", false),
            verify().gives(200, "<arthur.id>"),
        ]),
        mailed("a user who was verified meanwhile", Plain, vec![
            set("<arthur.id>", "is_verified", true),
            verify().gives(400, ALREADY),
        ]),
        mailed("an inactive user", Plain, vec![
            set("<arthur.id>", "is_active", false),
            verify().gives(200, r#""is_active":false,"is_superuser":false,"is_verified":true"#),
        ]),
        mailed("a deleted user", Plain, vec![
            Step::Remove { user: "<arthur.id>" },
            verify().gives(400, BAD_TOKEN),
        ]),
        mailed("an address that is no longer the user's", Plain, vec![
            patch("/users/me").by("arthur").json(json!({"email": "new.<unique>@example.com"})).gives(200, "<arthur.id>"),
            verify().gives(400, BAD_TOKEN),
            stored("<arthur.id>", &["is_verified"], "0"),
        ]),
        mailed("an address that is another user's now", Plain, vec![
            patch("/users/me").by("arthur").json(json!({"email": "new.<unique>@example.com"})).gives(200, "<arthur.id>"),
            post("/auth/register")
                .json(json!({"email": "<arthur.email>", "password": "x"}))
                .save("/id", "id")
                .gives(201, "<arthur.email>"),
            verify().gives(400, BAD_TOKEN),
        ]),
        mailed("after a new password", Plain, vec![
            patch("/users/me").by("arthur").json(json!({"password": "excalibur"})).gives(200, "<arthur.id>"),
            verify().gives(200, r#""is_verified":true"#),
        ]),
        mailed("opens no session", Plain, vec![
            get("/users/me").bearer("<token>").gives(401, "Unauthorized"),
            post("/auth/reset-password").json(json!({"token": "<token>", "password": "x"})).gives(400, "RESET_PASSWORD_BAD_TOKEN"),
            verify().gives(200, "<arthur.id>"),
        ]),
    ]
}
