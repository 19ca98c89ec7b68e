//! How tokens come and go: bearer and cookie, several at once, with every attribute of a cookie.

use crate::harness::{Scenario, Setup, Step, scenario::*};

const ME: &str = "/users/me";
const NAME: &str = "fastapiusersauth";
const UNAUTHORIZED: &str = r#"{"detail":"Unauthorized"}"#;

pub(crate) fn scenarios() -> Vec<Scenario> {
    // What a header says is found out before any database is asked.
    let headers = headers().into_iter().map(Scenario::once);
    let of_sessions = cookies().into_iter().chain(several()).map(Scenario::of_sessions);
    headers.chain(of_sessions).collect()
}

fn headers() -> Vec<Scenario> {
    let rows = [
        ("bearer <arthur.jwt>", 200),
        ("BEARER <arthur.jwt>", 200),
        ("Bearer  <arthur.jwt> ", 200),
        ("Bearer\t<arthur.jwt>", 401),
        ("<arthur.jwt>", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Token <arthur.jwt>", 401),
        ("Basic YXJ0aHVyOmd1aW5ldmVyZQ==", 401),
        ("Bearer <arthur.session>", 401),
    ];
    rows.into_iter()
        .map(|(value, status)| {
            let says = if status == 200 { "<arthur.id>" } else { UNAUTHORIZED };
            let name = value.replace("<arthur.jwt>", "JWT").replace("<arthur.session>", "session");
            scenario(
                format!("the header {name:?}"),
                Setup::Plain,
                [user("arthur"), get(ME).header("authorization", value).gives(status, says)],
            )
        })
        .collect()
}

fn cookies() -> Vec<Scenario> {
    use Setup::{Backends, Plain};
    let rows = [
        ("cookie", "fastapiusersauth=<token>; HttpOnly; Path=/; SameSite=lax; Secure"),
        ("aged", "aged=<token>; HttpOnly; Max-Age=3600; Path=/; SameSite=lax; Secure"),
        ("all", "n=<token>; Domain=example.com; Max-Age=60; Path=/x; SameSite=strict"),
        ("anywhere", "; HttpOnly; Path=/; SameSite=none; Secure"),
    ];
    let mut all: Vec<Scenario> = rows
        .into_iter()
        .map(|(backend, cookie)| {
            scenario(
                format!("the cookie of {backend}"),
                Backends,
                [
                    user("arthur"),
                    login(&format!("/auth/{backend}"), "<arthur.email>", "guinevere").gives(204, cookie),
                    post(format!("/auth/{backend}/logout")).by("arthur").gives(204, "Max-Age=0"),
                ],
            )
        })
        .collect();
    let reads = |name: &str, cookie: &str, status: u16| {
        let says = if status == 200 { "<arthur.id>" } else { UNAUTHORIZED };
        scenario(name, Plain, [user("arthur"), get(ME).header("cookie", cookie).gives(status, says)])
    };
    all.extend([
        reads("a quoted cookie", "fastapiusersauth=\"<arthur.session>\"", 200),
        reads("among other cookies", "a=b; fastapiusersauth=<arthur.session>; c=d", 200),
        reads("the last of two cookies", "fastapiusersauth=x; fastapiusersauth=<arthur.session>", 200),
        reads("a cookie before a wrong one", "fastapiusersauth=<arthur.session>; fastapiusersauth=x", 401),
        reads("a name in another case", "FastapiUsersAuth=<arthur.session>", 401),
        reads("an empty cookie", "fastapiusersauth=", 401),
        reads("a JWT as a database token", "fastapiusersauth=<arthur.jwt>", 401),
        reads("a longer token", "fastapiusersauth=<arthur.session>x", 401),
    ]);
    all
}

fn several() -> Vec<Scenario> {
    use Setup::{Backends, Plain};
    let with = |bearer: &str, cookie: &str| get(ME).bearer(bearer).cookie(NAME, cookie);
    let people = || [user("arthur"), user("lancelot"), inactive("mordred")];
    let steps =
        |name: &str, setup, steps: Vec<Step>| scenario(name, setup, people().into_iter().chain(steps));
    vec![
        steps(
            "a bad bearer token and a good cookie",
            Plain,
            vec![with("nonsense", "<arthur.session>").gives(200, "<arthur.id>")],
        ),
        steps(
            "a good bearer token and a bad cookie",
            Plain,
            vec![with("<arthur.jwt>", "nonsense").gives(200, "<arthur.id>")],
        ),
        steps(
            "two users at once",
            Plain,
            vec![with("<arthur.jwt>", "<lancelot.session>").gives(200, "<arthur.id>")],
        ),
        steps(
            "an inactive user before an active one",
            Plain,
            vec![with("<mordred.jwt>", "<lancelot.session>").gives(401, UNAUTHORIZED)],
        ),
        steps(
            "an active user before an inactive one",
            Plain,
            vec![with("<lancelot.jwt>", "<mordred.session>").gives(200, "<lancelot.id>")],
        ),
        steps(
            "the token of one bearer backend is read by all",
            Backends,
            vec![
                get(ME).bearer("<arthur.session>").gives(200, "<arthur.id>"),
                login("/auth/opaque", "<arthur.email>", "guinevere")
                    .save("/access_token", "opaque")
                    .gives(200, "bearer"),
                get(ME).bearer("<opaque>").gives(200, "<arthur.id>"),
                post("/auth/opaque/logout").bearer("<opaque>").gives(204, ""),
                get(ME).bearer("<opaque>").gives(401, UNAUTHORIZED),
            ],
        ),
        steps(
            "a token that never expires",
            Backends,
            vec![
                login("/auth/forever", "<arthur.email>", "guinevere")
                    .gives(200, r#""aud":["fastapi-users:auth"]}"#),
            ],
        ),
    ]
}
