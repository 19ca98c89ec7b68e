//! Which JWTs are accepted: signed with the right secret, but unlike those that either server makes (RFC 7519, 8725).

mod one_time;

use serde_json::{Value, json};

use crate::harness::{Scenario, Setup::Plain, Step, in_seconds, scenario::*};

const ME: &str = "/users/me";
const UNAUTHORIZED: &str = r#"{"detail":"Unauthorized"}"#;
const BAD_RESET: &str = r#"{"detail":"RESET_PASSWORD_BAD_TOKEN"}"#;
const BAD_VERIFY: &str = r#"{"detail":"VERIFY_USER_BAD_TOKEN"}"#;

pub(crate) fn scenarios() -> Vec<Scenario> {
    // What a token says is judged before any database is asked.
    let judged = [times(), claims(), headers(), forms()];
    let mut all: Vec<Scenario> = judged.into_iter().flatten().map(Scenario::once).collect();
    all.extend(one_time::scenarios());
    all.extend(mixed_up().into_iter().map(Scenario::of_sessions));
    all
}

/// The claims of a session token, but for these.
fn with(changed: Value) -> Value {
    let claims = json!({"sub": "<arthur.id>", "aud": ["fastapi-users:auth"], "exp": in_seconds(3600)});
    changed_claims(claims, changed)
}

/// The claims of a session token, but for one.
fn without(name: &str) -> Value {
    let mut claims = with(json!({}));
    claims.as_object_mut().map(|members| members.shift_remove(name));
    claims
}

fn reset_claims(changed: Value) -> Value {
    let fingerprint = "<arthur.fingerprint>";
    let claims = json!({"sub": "<arthur.id>", "password_fgpt": fingerprint, "aud": "fastapi-users:reset"});
    changed_claims(claims, changed)
}

fn verify_claims(changed: Value) -> Value {
    let claims = json!({"sub": "<arthur.id>", "email": "<arthur.email>", "aud": "fastapi-users:verify"});
    changed_claims(claims, changed)
}

fn changed_claims(mut claims: Value, changed: Value) -> Value {
    changed.as_object().into_iter().flatten().for_each(|(name, value)| claims[name] = value.clone());
    claims
}

fn says(status: u16) -> &'static str {
    if status == 200 { r#""id":"<arthur.id>""# } else { UNAUTHORIZED }
}

/// Each of these is the claims of a token that must be answered with this status.
fn each(name: &str, status: u16, claims: impl IntoIterator<Item = Value>) -> Scenario {
    let uses = claims.into_iter().flat_map(|claims| {
        [forge("token", "jwt", claims), get(ME).bearer("<token>").gives(status, says(status))]
    });
    scenario(name, Plain, [user("arthur")].into_iter().chain(uses))
}

fn times() -> Vec<Scenario> {
    let (past, now, later) = (in_seconds(-1), in_seconds(0), in_seconds(600));
    let all_of = |name: &'static str, values: Vec<Value>| {
        values.into_iter().map(move |value| with(json!({ name: value })))
    };
    let wrong_types = || vec![json!(null), json!("soon"), json!("1.5"), json!(""), json!([later]), json!({})];
    vec![
        each("a token without exp", 200, [without("exp")]),
        each(
            "exp that is no integer",
            200,
            all_of("exp", vec![json!(later as f64 + 0.5), json!(later.to_string())]),
        ),
        each("exp beyond 64 bits", 200, all_of("exp", vec![json!(1e30), json!("9".repeat(30))])),
        each(
            "exp in a string with spaces and underscores",
            200,
            all_of("exp", vec![json!(format!(" +{later} ")), json!("9_000_000_000")]),
        ),
        each(
            "exp that has passed",
            401,
            all_of(
                "exp",
                vec![
                    json!(now),
                    json!(past),
                    json!(past.to_string()),
                    json!(past as f64),
                    json!(0),
                    json!(-1),
                ],
            ),
        ),
        each("exp that is a boolean", 401, all_of("exp", vec![json!(true), json!(false)])),
        each("exp that is no number", 401, all_of("exp", wrong_types())),
        each(
            "nbf that has passed",
            200,
            all_of("nbf", vec![json!(now), json!(past as f64 + 0.5), json!("0"), json!(-1), json!(true)]),
        ),
        each(
            "nbf to come",
            401,
            all_of("nbf", vec![json!(later), json!(later as f64), json!(later.to_string())]),
        ),
        each("nbf that is no number", 401, all_of("nbf", wrong_types())),
        each(
            "iat that has passed",
            200,
            all_of("iat", vec![json!(now), json!(past as f64 + 0.5), json!("0"), json!(-1), json!(true)]),
        ),
        each(
            "iat to come",
            401,
            all_of("iat", vec![json!(later), json!(later as f64), json!(later.to_string())]),
        ),
        each("iat that is no number", 401, all_of("iat", wrong_types())),
        each(
            "times to come soon count at once",
            401,
            [with(json!({"nbf": in_seconds(900)})), with(json!({"iat": in_seconds(900)}))],
        ),
    ]
}

fn claims() -> Vec<Scenario> {
    let audience = "fastapi-users:auth";
    let audiences = |values: Vec<Value>| values.into_iter().map(|value| with(json!({ "aud": value })));
    let subjects = |values: Vec<Value>| values.into_iter().map(|value| with(json!({ "sub": value })));
    vec![
        each(
            "aud in other forms",
            200,
            audiences(vec![json!(audience), json!(["another", audience]), json!([audience, audience, ""])]),
        ),
        each(
            "aud of something else",
            401,
            audiences(vec![
                json!("another"),
                json!(["another"]),
                json!("FASTAPI-USERS:AUTH"),
                json!("fastapi-users:auth another"),
                json!(["fastapi-users:verify", "fastapi-users:reset", "fastapi-users:oauth-state"]),
            ]),
        ),
        each(
            "aud of a wrong type",
            401,
            audiences(vec![
                json!(null),
                json!(""),
                json!([]),
                json!(5),
                json!([audience, 5]),
                json!([audience, null]),
                json!([[audience]]),
                json!({ audience: true }),
            ]),
        ),
        each("no aud", 401, [without("aud")]),
        each("no sub", 401, [without("sub")]),
        each(
            "sub of a wrong type",
            401,
            subjects(vec![
                json!(null),
                json!(5),
                json!(true),
                json!(["<arthur.id>"]),
                json!({"id": "<arthur.id>"}),
            ]),
        ),
        each(
            "sub of nobody",
            401,
            subjects(vec![
                json!(""),
                json!("nobody"),
                json!("<arthur.email>"),
                json!("00000000-0000-4000-8000-000000000000"),
            ]),
        ),
        each("jti", 200, [with(json!({"jti": "x"})), with(json!({"jti": ""}))]),
        each(
            "jti of a wrong type",
            401,
            [with(json!({"jti": 5})), with(json!({"jti": null})), with(json!({"jti": ["x"]}))],
        ),
        each(
            "iss of anyone",
            200,
            [
                with(json!({"iss": "https://example.com"})),
                with(json!({"iss": null})),
                with(json!({"iss": [5]})),
            ],
        ),
        each("further claims", 200, [with(json!({"email": "x", "scope": [], "user": {"id": 5}}))]),
        each(
            "the order of claims",
            200,
            [json!({"exp": in_seconds(3600), "aud": [audience], "sub": "<arthur.id>"})],
        ),
        each("claims that are no object", 401, [json!(null), json!([]), json!("<arthur.id>"), json!(5)]),
        each("a token of more than 4096 bytes", 200, [with(json!({"note": "x".repeat(4096)}))]),
    ]
}

fn headers() -> Vec<Scenario> {
    let each = |name: &str, status, headers: Vec<Value>| {
        let uses = headers.into_iter().flat_map(move |header| {
            let token = forge_with("token", "jwt", header, with(json!({})));
            [token, get(ME).bearer("<token>").gives(status, says(status))]
        });
        scenario(name, Plain, [user("arthur")].into_iter().chain(uses))
    };
    let header = |name: &str, value: Value| json!({ "alg": "HS256", "typ": "JWT", name: value });
    vec![
        each(
            "any typ",
            200,
            vec![
                json!({"alg": "HS256"}),
                header("typ", json!("at+jwt")),
                header("typ", json!("JOSE")),
                header("typ", json!(null)),
                header("typ", json!(5)),
            ],
        ),
        each(
            "further headers",
            200,
            vec![
                header("kid", json!("1")),
                header("cty", json!("JWT")),
                header("jku", json!("http://127.0.0.1:1/keys")),
                header("b64", json!(true)),
            ],
        ),
        each("kid of a wrong type", 401, vec![header("kid", json!(1)), header("kid", json!(null))]),
        each(
            "crit",
            401,
            vec![
                header("crit", json!(["exp"])),
                header("crit", json!([])),
                header("crit", json!(null)),
                header("crit", json!("b64")),
                header("crit", json!([5])),
            ],
        ),
        each(
            "b64 that is false",
            401,
            vec![header("b64", json!(false)), json!({"alg": "HS256", "b64": false, "crit": ["b64"]})],
        ),
        each("crit with b64 that is true", 200, vec![json!({"alg": "HS256", "b64": true, "crit": ["b64"]})]),
        each(
            "another alg",
            401,
            vec![
                json!({"alg": "HS512", "typ": "JWT"}),
                json!({"alg": "HS384", "typ": "JWT"}),
                json!({"alg": "RS256", "typ": "JWT"}),
                json!({"alg": "hs256", "typ": "JWT"}),
            ],
        ),
        each(
            "alg none",
            401,
            vec![json!({"alg": "none"}), json!({"alg": "None"}), json!({"alg": "NONE"}), json!({"alg": ""})],
        ),
        each("no alg", 401, vec![json!({"typ": "JWT"}), json!({"alg": null})]),
        each("a header that is no object", 401, vec![json!(null), json!(["HS256"]), json!("HS256")]),
    ]
}

/// Texts that are no token, or nearly one.
fn forms() -> Vec<Scenario> {
    let bearers = |name: &str, status, tokens: &[&str]| {
        let uses = tokens.iter().map(|token| get(ME).bearer(token).gives(status, says(status)));
        scenario(name, Plain, [user("arthur")].into_iter().chain(uses))
    };
    let secrets = ["reset", "verification", "another secret", ""].into_iter().flat_map(|secret| {
        [forge("token", secret, with(json!({}))), get(ME).bearer("<token>").gives(401, UNAUTHORIZED)]
    });
    vec![
        scenario("another secret", Plain, [user("arthur")].into_iter().chain(secrets)),
        bearers(
            "what is no token",
            401,
            &["x", ".", "..", "...", "a.b", "a.b.c", "e30.e30.", "ü.ü.ü", "null", "<arthur.id>"],
        ),
        bearers(
            "a token with something around it",
            401,
            &[
                "x<arthur.jwt>",
                "<arthur.jwt>x",
                "<arthur.jwt>!",
                "<arthur.jwt>.",
                "<arthur.jwt>.x",
                ".<arthur.jwt>",
                "\"<arthur.jwt>\"",
                "<arthur.jwt> <arthur.jwt>",
                "<arthur.jwt>,<arthur.jwt>",
            ],
        ),
        bearers("a signature with padding", 200, &["<arthur.jwt>="]),
        bearers("a signature with too much padding", 401, &["<arthur.jwt>==", "<arthur.jwt>==="]),
    ]
}

/// Tokens of one kind where another is wanted.
fn mixed_up() -> Vec<Scenario> {
    let tokens = || {
        [
            user("arthur"),
            forge("reset", "reset", reset_claims(json!({}))),
            forge("verify", "verification", verify_claims(json!({}))),
            forge("reset signed as session", "jwt", reset_claims(json!({}))),
            forge("verify signed as session", "jwt", verify_claims(json!({}))),
            forge("session signed as reset", "reset", with(json!({}))),
            forge("session signed as verify", "verification", with(json!({}))),
            forge("reset signed as verify", "verification", reset_claims(json!({}))),
            forge("verify signed as reset", "reset", verify_claims(json!({}))),
        ]
    };
    let everywhere = |name: &str, wanted: &[&str], send: fn(&str) -> Step| {
        let uses: Vec<Step> = wanted.iter().map(|token| send(token)).collect();
        scenario(name, Plain, tokens().into_iter().chain(uses))
    };
    vec![
        everywhere(
            "what is no session token",
            &[
                "<reset>",
                "<verify>",
                "<reset signed as session>",
                "<verify signed as session>",
                "<session signed as reset>",
                "<arthur.session>",
                "<arthur.fingerprint>",
            ],
            |token| get(ME).bearer(token).gives(401, UNAUTHORIZED),
        ),
        everywhere(
            "what is no database token",
            &["<arthur.jwt>", "<reset>", "<verify>", "<arthur.id>", "<arthur.session>x", "<arthur.email>"],
            |token| get(ME).cookie("fastapiusersauth", token).gives(401, UNAUTHORIZED),
        ),
        everywhere(
            "what is no reset token",
            &[
                "<arthur.jwt>",
                "<arthur.session>",
                "<verify>",
                "<reset signed as session>",
                "<reset signed as verify>",
                "<session signed as reset>",
                "<verify signed as reset>",
                "",
                "x",
            ],
            |token| {
                let body = json!({"token": token, "password": "excalibur"});
                post("/auth/reset-password").json(body).gives(400, BAD_RESET)
            },
        ),
        everywhere(
            "what is no verify token",
            &[
                "<arthur.jwt>",
                "<arthur.session>",
                "<reset>",
                "<verify signed as session>",
                "<verify signed as reset>",
                "<session signed as verify>",
                "<reset signed as verify>",
                "",
                "x",
            ],
            |token| post("/auth/verify").json(json!({"token": token})).gives(400, BAD_VERIFY),
        ),
    ]
}
