//! GET /authorize and GET /callback for users who are logged in.

use serde_json::json;

use super::{COOKIE, FAILURE, authorize, begin, come_back, comes, logged_in, says};
use crate::harness::{Scenario, Setup::Social, Step, scenario::*};

const PATH: &str = "/auth/associate/google";
const UNAUTHORIZED: &str = r#"{"detail":"Unauthorized"}"#;

fn go(person: &str) -> Step {
    authorize(PATH).by(person).gives(200, "authorization_url")
}

fn back(person: &str) -> Request {
    come_back(PATH).by(person)
}

pub(super) fn scenarios() -> Vec<Scenario> {
    let email = "a.<unique>@example.com";
    let account = "google | people/<unique>01 | a.<unique>@example.com | access-<unique>01 | refresh-<unique>01 | in 3600 s";
    let read = r#"{"id":"<arthur.id>","email":"<arthur.email>","is_active":true,"is_superuser":false,"is_verified":false}"#;
    let mut taken: Vec<Step> = logged_in(email).into();
    taken.extend([
        user("arthur"),
        go("arthur"),
        comes(email),
        back("arthur").gives(200, read),
        accounts("<arthur.id>", account),
        accounts("<id>", account),
    ]);
    vec![
        scenario(
            "an account for a user",
            Social,
            [
                user("arthur"),
                authorize(PATH).by("arthur").gives(
                    200,
                    r#"["redirect_uri","<server>/auth/associate/google/callback"],["state",{"header":{"alg":"HS256","typ":"JWT"},"secret":"oauth_state","claims":{"sub":"<arthur.id>","csrftoken":"<csrf>","aud":"fastapi-users:oauth-state""#,
                ),
                comes(email),
                back("arthur").gives(200, read),
                accounts("<arthur.id>", account),
                begin("/auth/google"),
                comes(email),
                come_back("/auth/google").gives(200, r#""sub":"<arthur.id>""#),
            ],
        ),
        scenario(
            "by cookie",
            Social,
            [
                user("arthur"),
                authorize("/auth/associate/discord").cookie("fastapiusersauth", "<arthur.session>").gives(200, "url"),
                comes(email),
                get("/auth/associate/discord/callback?code=<code>&state=<state>")
                    .cookie(&format!("{COOKIE}=<csrf>; fastapiusersauth"), "<arthur.session>")
                    .gives(200, read),
                accounts("<arthur.id>", account.replace("google | people/", "discord | ")),
            ],
        ),
        scenario(
            "by nobody",
            Social,
            [
                get(format!("{PATH}/authorize")).gives(401, UNAUTHORIZED),
                begin("/auth/google"),
                comes(email),
                come_back(PATH).gives(401, UNAUTHORIZED),
            ],
        ).once(),
        scenario(
            "by an inactive user",
            Social,
            [inactive("mordred"), authorize(PATH).by("mordred").gives(401, UNAUTHORIZED)],
        ),
        scenario(
            "begun by another user",
            Social,
            [
                user("arthur"),
                user("lancelot"),
                go("arthur"),
                comes(email),
                back("lancelot").gives(400, r#"{"detail":"Bad Request"}"#),
                accounts("<lancelot.id>", "none"),
            ],
        ),
        scenario(
            "with a state to log in",
            Social,
            [user("arthur"), begin("/auth/google"), comes(email), back("arthur").gives(500, FAILURE)],
        )
        .once(),
        scenario(
            "in another browser",
            Social,
            [
                user("arthur"),
                go("arthur"),
                comes(email),
                get(format!("{PATH}/callback?code=<code>&state=<state>"))
                    .by("arthur")
                    .gives(400, r#"{"detail":"OAUTH_INVALID_STATE"}"#),
            ],
        )
        .once(),
        scenario(
            "without an address",
            Social,
            [
                user("arthur"),
                authorize("/auth/associate/openid").by("arthur").gives(200, "url"),
                says(json!({"email": null})),
                come_back("/auth/associate/openid").by("arthur").gives(400, r#"{"detail":"OAUTH_NOT_AVAILABLE_EMAIL"}"#),
            ],
        )
        .once(),
        scenario(
            "the same account twice",
            Social,
            [
                user("arthur"),
                go("arthur"),
                comes(email),
                back("arthur").gives(200, read),
                go("arthur"),
                comes(email),
                back("arthur").gives(200, read),
                accounts("<arthur.id>", format!("{account}; {account}")),
            ],
        ),
        scenario("an account of another user", Social, taken),
    ]
}
