//! GET /authorize and GET /callback of providers: logging in.

mod associate;
mod refused;
mod states;

use serde_json::{Value, json};

use crate::harness::{Scenario, Setup, Step, System, scenario::*};

const COOKIE: &str = "fastapiusersoauthcsrf";
const FAILURE: &str = "Internal Server Error";

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = authorizations();
    all.extend(logins());
    all.extend(addresses());
    all.extend(widths());
    all.extend(refused::scenarios());
    all.extend(states::scenarios());
    all.extend(associate::scenarios());
    all
}

/// Asks where to go, at a path like `/auth/google`.
pub(crate) fn authorize(path: &str) -> Request {
    get(format!("{path}/authorize"))
        .save_parameter("state", "state")
        .save_parameter("nonce", "nonce")
        .save_parameter("code_challenge", "challenge")
        .save_cookie("csrf")
}

pub(crate) fn begin(path: &str) -> Step {
    authorize(path).gives(200, "authorization_url")
}

/// Somebody with this address, which the provider has verified.
pub(crate) fn comes(email: &str) -> Step {
    says(json!({ "email": email }))
}

/// What the provider says of whoever comes, who is `<unique>01` if nothing else is said.
pub(crate) fn says(more: Value) -> Step {
    let mut says =
        json!({"id": "<unique>01", "verified": true, "nonce": "<nonce>", "challenge": "<challenge>"});
    if let (Some(says), Value::Object(more)) = (says.as_object_mut(), more) {
        says.extend(more);
    }
    Step::Code { name: "code", says }
}

/// Comes back with code and state, in the browser that went.
pub(crate) fn come_back(path: &str) -> Request {
    get(format!("{path}/callback?code=<code>&state=<state>")).cookie(COOKIE, "<csrf>")
}

/// Goes to Google and comes back, which logs in by bearer token; keeps token and id of the user.
pub(crate) fn logged_in(email: &str) -> [Step; 4] {
    [
        begin("/auth/google"),
        comes(email),
        come_back("/auth/google").save("/access_token", "token").gives(200, r#""token_type":"bearer""#),
        get("/users/me").bearer("<token>").save("/id", "id").gives(200, r#""id":"<id>""#),
    ]
}

fn authorizations() -> Vec<Scenario> {
    use Setup::Social;
    let mut all: Vec<Scenario> = ["google", "github", "discord", "openid", "reddit"]
        .into_iter()
        .map(|name| {
            let sent_back = format!(r#"["redirect_uri","<server>/auth/{name}/callback"]"#);
            let step = authorize(&format!("/auth/{name}")).gives(200, sent_back);
            scenario(format!("the way to a provider: {name}"), Social, [step]).once()
        })
        .collect();
    let scopes = [("two", "?scopes=gist&scopes=repo", "gist repo"), ("none", "?scopes=", "")];
    all.extend(scopes.map(|(name, query, scope)| {
        let step =
            get(format!("/auth/github/authorize{query}")).gives(200, format!(r#"["scope","{scope}"]"#));
        scenario(format!("the way to a provider with scopes: {name}"), Social, [step]).once()
    }));
    let cookie = format!("set-cookie: {COOKIE}=<csrf>; HttpOnly; Max-Age=3600; Path=/; SameSite=lax; Secure");
    all.push(scenario("the cookie of a flow", Social, [authorize("/auth/github").gives(200, cookie)]).once());
    all
}

fn logins() -> Vec<Scenario> {
    use Setup::{Social, VerifiedSocial};
    let email = "a.<unique>@example.com";
    let read = r#""email":"a.<unique>@example.com","is_active":true,"is_superuser":false,"is_verified":"#;
    let account = |name: &str, id: &str| {
        format!("{name} | {id} | {email} | access-<unique>01 | refresh-<unique>01 | in 3600 s")
    };
    let me = |is_verified: bool| {
        get("/users/me").bearer("<token>").save("/id", "id").gives(200, format!("{read}{is_verified}"))
    };
    let by_bearer = |name: &str, id: &str, is_verified: bool| {
        let path = format!("/auth/{name}");
        let steps = vec![
            begin(&path),
            comes(email),
            come_back(&path).save("/access_token", "token").gives(200, r#""token_type":"bearer""#),
            me(is_verified),
            accounts("<id>", account(name, id)),
        ];
        scenario(format!("somebody new by bearer: {name}"), Social, steps)
    };
    let mut again: Vec<Step> = logged_in(email).into();
    again.extend([
        begin("/auth/google"),
        says(
            json!({"email": "b.<unique>@example.com", "token": {"refresh_token": null, "expires_in": null}}),
        ),
        come_back("/auth/google").save("/access_token", "token").gives(200, "bearer"),
        get("/users/me").bearer("<token>").gives(200, r#""id":"<id>","email":"a.<unique>@example.com""#),
        accounts(
            "<id>",
            "google | people/<unique>01 | b.<unique>@example.com | access-<unique>01 | null | null",
        ),
    ]);
    let mut expiry: Vec<Step> = logged_in(email).into();
    expiry.extend([
        begin("/auth/google"),
        says(json!({"email": email, "token": {"expires_in": "60"}})),
        come_back("/auth/google").gives(200, "bearer"),
        accounts("<id>", account("google", "people/<unique>01").replace("3600", "60")),
    ]);
    vec![
        by_bearer("google", "people/<unique>01", false),
        by_bearer("openid", "<unique>01", false),
        by_bearer("discord", "<unique>01", true),
        scenario(
            "somebody new by cookie",
            Social,
            [
                begin("/auth/github"),
                comes(email),
                come_back("/auth/github").save_cookie("session").gives(
                    204,
                    "set-cookie: fastapiusersauth=<session>; HttpOnly; Path=/; SameSite=lax; Secure",
                ),
                get("/users/me")
                    .cookie("fastapiusersauth", "<session>")
                    .save("/id", "id")
                    .gives(200, format!("{read}false")),
                accounts("<id>", account("github", "<number>01")),
                tokens("<id>", "<session>"),
            ],
        ),
        scenario("the same account with another address", Social, again),
        scenario("how long an access token lives, as text", Social, expiry).once(),
        scenario(
            "the password of somebody new",
            Social,
            logged_in(email).into_iter().chain([
                login("/auth/jwt", email, "").gives(422, "missing"),
                login("/auth/jwt", email, "guinevere").gives(400, "LOGIN_BAD_CREDENTIALS"),
                stored("<id>", &["hashed_password"], "$argon2id$v=19$m=65536,t=3,p=4$<22>$<43>"),
            ]),
        ),
        scenario(
            "somebody new where users must be verified",
            VerifiedSocial,
            [
                begin("/auth/google"),
                comes(email),
                come_back("/auth/google").save("/access_token", "token").gives(200, "bearer"),
                get("/users/me").bearer("<token>").gives(403, "Forbidden"),
            ],
        )
        .once(),
    ]
}

/// What does not fit into the columns of fastapi-users, which leaves a user without an account then (contract C3).
fn widths() -> Vec<Scenario> {
    let email = "a.<unique>@example.com";
    let wide = |name: &str, token: Value| {
        let narrow: &[System] = &[System::Postgres, System::Mariadb];
        let back = || come_back("/auth/discord").save("/access_token", "token");
        scenario(
            name,
            Setup::Social,
            [
                begin("/auth/discord"),
                says(json!({"email": email, "token": token})),
                back().gives(200, "bearer").on(narrow, 500, FAILURE),
                begin("/auth/discord"),
                comes(email),
                // Discord's accounts are associated by address.
                back().gives(200, "bearer"),
            ],
        )
    };
    vec![
        wide("an access token of 2000 characters", json!({"access_token": "k".repeat(2000)})),
        wide("an access token that lives for centuries", json!({"expires_in": 10_000_000_000_u64})),
    ]
}

fn addresses() -> Vec<Scenario> {
    use Setup::Social;
    let me = || get("/users/me").bearer("<token>").save("/id", "id");
    let account =
        "discord | <unique>01 | <arthur.email> | access-<unique>01 | refresh-<unique>01 | in 3600 s";
    let discord = || come_back("/auth/discord").save("/access_token", "token");
    vec![
        scenario(
            "a user has the address",
            Social,
            [
                user("arthur"),
                begin("/auth/google"),
                comes("<arthur.email>"),
                come_back("/auth/google").gives(400, r#"{"detail":"OAUTH_USER_ALREADY_EXISTS"}"#),
                accounts("<arthur.id>", "none"),
            ],
        ),
        scenario(
            "a user has the address in another case",
            Social,
            [
                user("arthur"),
                begin("/auth/google"),
                comes("ARTHUR.<unique>@EXAMPLE.COM"),
                come_back("/auth/google").gives(400, r#"{"detail":"OAUTH_USER_ALREADY_EXISTS"}"#),
            ],
        ),
        scenario(
            "a verified user has the address, and gets the account",
            Social,
            [
                verified("arthur"),
                begin("/auth/discord"),
                comes("<arthur.email>"),
                discord().gives(200, r#""sub":"<arthur.id>""#),
                accounts("<arthur.id>", account),
                login("/auth/jwt", "<arthur.email>", "guinevere").gives(200, r#""sub":"<arthur.id>""#),
            ],
        ),
        scenario(
            "an unverified user has the address, and gets the account",
            Social,
            [
                user("arthur"),
                begin("/auth/discord"),
                comes("<arthur.email>"),
                discord().gives(200, r#""sub":"<arthur.id>""#),
                accounts("<arthur.id>", account),
                stored("<arthur.id>", &["is_verified"], "0"),
                login("/auth/jwt", "<arthur.email>", "guinevere").gives(200, r#""sub":"<arthur.id>""#),
            ],
        ),
        scenario(
            "an inactive user has the address, and gets the account",
            Social,
            [
                inactive("mordred"),
                begin("/auth/discord"),
                comes("<mordred.email>"),
                come_back("/auth/discord").gives(400, r#"{"detail":"LOGIN_BAD_CREDENTIALS"}"#),
                accounts("<mordred.id>", account.replace("arthur", "mordred")),
            ],
        ),
        scenario(
            "an address in upper case",
            Social,
            [
                begin("/auth/google"),
                comes("A.<unique>@EXAMPLE.COM"),
                come_back("/auth/google").save("/access_token", "token").gives(200, "bearer"),
                me().gives(200, r#""email":"A.<unique>@example.com""#),
                stored("<id>", &["email"], "A.<unique>@EXAMPLE.COM"),
            ],
        ),
        scenario(
            "an address that is none",
            Social,
            [
                begin("/auth/google"),
                comes("<unique>"),
                come_back("/auth/google").save("/access_token", "token").gives(200, "bearer"),
                get("/users/me").bearer("<token>").gives(500, FAILURE),
            ],
        ),
    ]
}
