//! JSON bodies that are none, or not the wanted ones: a model (register) and single fields (the other routes).

use serde_json::{Value, json};

use crate::harness::{Scenario, Setup::Plain, Step, scenario::*};

/// A body of a model, and one of single fields.
const MODEL: &str = "/auth/register";
const FIELDS: &str = "/auth/reset-password";

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = shapes();
    all.extend(syntax());
    all.extend(content_types());
    all.extend(order());
    // None of them gets to a database.
    all.into_iter().map(Scenario::once).collect()
}

/// The same text to both kinds of route.
fn both(name: impl Into<String>, body: impl Into<Vec<u8>>, model: u16, fields: u16) -> Scenario {
    let body = body.into();
    let send = |path: &str, status| post(path).json_text(body.clone()).gives(status, "detail");
    scenario(name, Plain, [send(MODEL, model), send(FIELDS, fields)])
}

fn shapes() -> Vec<Scenario> {
    let rows: [(&str, Value); 10] = [
        ("null", json!(null)),
        ("an array", json!([1, "two"])),
        ("an array of objects", json!([{"email": "a@example.com", "password": "x"}])),
        ("a number", json!(5)),
        ("text", json!("email")),
        ("a boolean", json!(true)),
        ("an empty object", json!({})),
        ("unknown members", json!({"Email": "a@example.com", "PASSWORD": "x"})),
        ("members of the wrong types", json!({"email": 5, "password": [], "token": null})),
        ("members that are objects", json!({"email": {"$ne": ""}, "password": {"a": 1}, "token": {"a": 1}})),
    ];
    rows.into_iter().map(|(name, body)| both(name, body.to_string(), 422, 422)).collect()
}

fn syntax() -> Vec<Scenario> {
    let rows: [(&str, &[u8], u16); 23] = [
        ("no body", b"", 422),
        ("white space", b" \n", 422),
        ("half an object", b"{", 422),
        ("an object without a value", b"{\"email\"", 422),
        ("an object without a colon", b"{\"email\" 5}", 422),
        ("an object without a comma", b"{\"a\": 1 \"b\": 2}", 422),
        ("a trailing comma", b"{\"a\": 1,}", 422),
        ("single quotes", b"{'a': 1}", 422),
        ("names without quotes", b"{a: 1}", 422),
        ("text after the object", b"{} x", 422),
        ("two objects", b"{}{}", 422),
        ("text without an end", b"{\"a\": \"b", 422),
        ("a control character", b"{\"a\": \"b\nc\"}", 422),
        ("a bad escape", b"{\"a\": \"\\x41\"}", 422),
        ("a comment", b"{/* */}", 422),
        ("an unfinished literal", b"{\"a\": nul}", 422),
        ("a number with a leading zero", b"{\"a\": 01}", 422),
        ("an object after letters beyond ASCII", "{\"ü👑\": }".as_bytes(), 422),
        ("a member given twice", b"{\"email\": \"no\", \"email\": 5, \"token\": 5, \"token\": []}", 422),
        ("a byte order mark", b"\xef\xbb\xbf{}", 422),
        ("bytes that are not UTF-8", b"{\"email\": \"\xff\"}", 400),
        ("an overlong encoding", b"{\"email\": \"\xc0\xaf\"}", 400),
        ("NaN after the end", b"{} NaN", 422),
    ];
    let mut all: Vec<Scenario> =
        rows.into_iter().map(|(name, body, status)| both(name, body, status, status)).collect();
    let digits = format!("{{\"a\": {}}}", "9".repeat(4301));
    all.push(both("an integer of 4301 digits", digits, 400, 400));
    let surrogate = post(MODEL).json_text(b"{\"email\": \"\xed\xa0\x80\"}");
    all.push(scenario("a surrogate in bytes", Plain, [surrogate.gives(500, "Internal Server Error")]));
    all
}

fn content_types() -> Vec<Scenario> {
    let body = json!({"email": "lancelot", "password": "x", "token": "x"}).to_string();
    let rows = [
        ("application/json; charset=utf-8", 422, 400),
        ("APPLICATION/JSON", 422, 400),
        ("application/vnd.api+json", 422, 400),
        ("application/json5", 422, 422),
        ("text/json", 422, 422),
        ("text/plain", 422, 422),
        ("application/x-www-form-urlencoded", 422, 422),
        ("nonsense", 422, 422),
    ];
    let mut all: Vec<Scenario> = rows
        .into_iter()
        .map(|(content_type, model, fields)| {
            let send = |path: &str, status| {
                post(path).raw(body.clone()).header("content-type", content_type).gives(status, "detail")
            };
            scenario(format!("JSON as {content_type}"), Plain, [send(MODEL, model), send(FIELDS, fields)])
        })
        .collect();
    let send = |path: &str| post(path).raw(body.clone()).gives(422, "detail");
    all.push(scenario("JSON without a content type", Plain, [send(MODEL), send(FIELDS)]));
    all
}

/// Malformed JSON, then who is asking, then the fields.
fn order() -> Vec<Scenario> {
    let me = || patch("/users/me");
    let steps: [Step; 6] = [
        me().json_text("{").gives(422, "json_invalid"),
        me().json(json!({"email": 5})).gives(401, "Unauthorized"),
        me().json_text("\u{feff}[]").gives(401, "Unauthorized"),
        me().by("arthur").json(json!({"email": 5})).gives(422, "string_type"),
        patch("/users/<arthur.id>").by("arthur").json(json!({"email": 5})).gives(403, "Forbidden"),
        patch("/users/nobody").by("merlin").json(json!({"email": 5})).gives(404, "Not Found"),
    ];
    vec![scenario(
        "what is checked first",
        Plain,
        [user("arthur"), superuser("merlin")].into_iter().chain(steps),
    )]
}
