//! What is no route, and which methods a route has.

use crate::harness::{Scenario, Setup::Plain, scenario::*};

const NOT_FOUND: &str = r#"{"detail":"Not Found"}"#;
const NOT_ALLOWED: &str = r#"{"detail":"Method Not Allowed"}"#;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = unknown();
    all.extend(methods());
    all.extend(slashes());
    // None of them gets to a database.
    all.into_iter().map(Scenario::once).collect()
}

fn unknown() -> Vec<Scenario> {
    [
        "/",
        "/auth",
        "/auth/jwt",
        "/auth/jwt/register",
        "/auth/oauth/login",
        "/user/me",
        "/users",
        "/users/me/too",
    ]
    .into_iter()
    .map(|path| {
        scenario(
            format!("unknown: {path}"),
            Plain,
            [get(path).gives(404, NOT_FOUND), post(path).gives(404, NOT_FOUND)],
        )
    })
    .collect()
}

fn methods() -> Vec<Scenario> {
    let rows: [(&str, &[&str]); 9] = [
        ("/auth/jwt/login", &["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
        ("/auth/jwt/logout", &["GET", "HEAD", "DELETE"]),
        ("/auth/cookie/login", &["GET", "OPTIONS"]),
        ("/auth/register", &["GET", "PUT", "HEAD"]),
        ("/auth/forgot-password", &["GET", "PATCH"]),
        ("/auth/reset-password", &["GET", "OPTIONS"]),
        ("/auth/request-verify-token", &["GET", "DELETE"]),
        ("/auth/verify", &["GET", "HEAD"]),
        ("/users/me", &["POST", "PUT", "OPTIONS"]),
    ];
    let mut all: Vec<Scenario> = rows
        .into_iter()
        .map(|(path, methods)| {
            // A HEAD answer has no body.
            let says = |method: &str| if method == "HEAD" { "allow: POST" } else { NOT_ALLOWED };
            let ask = |method: &&'static str| request(method, path).gives(405, says(method));
            scenario(format!("methods of {path}"), Plain, methods.iter().map(ask))
        })
        .collect();
    all.push(scenario(
        "methods of a user",
        Plain,
        [
            superuser("merlin"),
            request("PUT", "/users/<merlin.id>").by("merlin").gives(405, NOT_ALLOWED),
            request("POST", "/users/<merlin.id>").gives(405, NOT_ALLOWED),
        ],
    ));
    all
}

fn slashes() -> Vec<Scenario> {
    let redirects = [
        ("GET", "/users/me/"),
        ("PATCH", "/users/me/"),
        ("POST", "/auth/register/"),
        ("POST", "/auth/jwt/login/"),
        ("GET", "/users/me/?a=b&c"),
        ("GET", "/auth/register/"),
    ];
    let mut all: Vec<Scenario> = redirects
        .into_iter()
        .map(|(method, path)| {
            let target = path.replacen("/?", "?", 1);
            let target = target.strip_suffix('/').unwrap_or(&target);
            scenario(
                format!("a slash too many: {method} {path}"),
                Plain,
                [request(method, path).gives(307, format!("location: <server>{target}"))],
            )
        })
        .collect();
    for path in ["/users/", "//users/me", "/auth/", "/users//me", "/auth/jwt/"] {
        all.push(scenario(
            format!("slashes that lead nowhere: {path}"),
            Plain,
            [get(path).gives(404, NOT_FOUND)],
        ));
    }
    all.push(scenario("an encoded slash", Plain, [get("/users%2Fme").gives(401, "Unauthorized")]));
    all.push(scenario(
        "an encoded path",
        Plain,
        [user("arthur"), get("/%75sers/m%65").by("arthur").gives(200, "<arthur.id>")],
    ));
    all
}
