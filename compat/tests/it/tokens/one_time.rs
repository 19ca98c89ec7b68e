//! The same rules hold for the tokens that are mailed, which may also have no `exp`.

use serde_json::{Value, json};

use super::{BAD_RESET, BAD_VERIFY, reset_claims, verify_claims};
use crate::harness::{
    Scenario,
    Setup::Plain,
    System::{self, Mongodb, Postgres},
    in_seconds,
    scenario::*,
};

const FAILURE: &str = "Internal Server Error";

pub(super) fn scenarios() -> Vec<Scenario> {
    let later = in_seconds(600);
    let verify = |name: &str, status, says: &str, tokens: Vec<Value>| {
        let uses = tokens.into_iter().flat_map(|changed| {
            [
                set("<arthur.id>", "is_verified", false),
                forge("token", "verification", verify_claims(changed)),
                post("/auth/verify").json(json!({"token": "<token>"})).gives(status, says),
            ]
        });
        scenario(name, Plain, [user("arthur"), user("lancelot")].into_iter().chain(uses))
    };
    let reset = |name: &str, status, says: &str, tokens: Vec<Value>| {
        let uses = tokens.into_iter().flat_map(|changed| {
            [
                forge("token", "reset", reset_claims(changed)),
                post("/auth/reset-password")
                    .json(json!({"token": "<token>", "password": "x"}))
                    .gives(status, says),
            ]
        });
        scenario(name, Plain, [user("arthur"), user("lancelot")].into_iter().chain(uses))
    };
    let refused = || {
        vec![
            json!({"exp": in_seconds(0)}),
            json!({"exp": null}),
            json!({"nbf": later}),
            json!({"iat": later}),
            json!({"aud": null}),
            json!({"aud": "fastapi-users:auth"}),
            json!({"jti": 5}),
            json!({"sub": null}),
            json!({"sub": 5}),
            json!({"sub": "nobody"}),
            json!({"sub": "<lancelot.id>"}),
            json!({"sub": "00000000-0000-4000-8000-000000000000"}),
        ]
    };
    vec![
        verify(
            "a verify token that neither server makes",
            200,
            r#""is_verified":true"#,
            vec![
                json!({}),
                json!({"exp": later as f64 + 0.5}),
                json!({"exp": later.to_string()}),
                json!({"aud": ["fastapi-users:verify", "another"]}),
                json!({"iss": "https://example.com", "jti": "x", "iat": 0, "nbf": 0}),
                json!({"email": "ARTHUR.<unique>@EXAMPLE.COM"}),
            ],
        ),
        verify("a verify token that is wrong", 400, BAD_VERIFY, refused()),
        verify(
            "a verify token of another address",
            400,
            BAD_VERIFY,
            vec![
                json!({"email": "<lancelot.email>"}),
                json!({"email": "nobody.<unique>@example.com"}),
                json!({"email": " <arthur.email>"}),
                json!({"email": ""}),
            ],
        ),
        verify_odd("a verify token without an address", json!(null), 400, &[], &[]).of_sql(),
        verify_odd("a verify token whose address is a number", json!(5), 400, &[], &[Postgres]),
        verify_odd("a verify token whose address is a list", json!(["<arthur.email>"]), 500, &[Mongodb], &[]),
        reset(
            "a reset token that neither server makes",
            200,
            "null",
            vec![json!({"exp": later.to_string(), "aud": ["another", "fastapi-users:reset"], "iss": 5})],
        ),
        reset(
            "a reset token that is wrong",
            400,
            BAD_RESET,
            refused().into_iter().filter(|changed| changed["sub"] != "<lancelot.id>").collect(),
        ),
        reset(
            "a reset token with the fingerprint of another password",
            400,
            BAD_RESET,
            vec![
                json!({"password_fgpt": "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$sieyRfMltyAMzPpERLMJ1VkyDlzQSf0OqrNeF6+9oUw"}),
                json!({"password_fgpt": "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg"}),
            ],
        ),
        reset(
            "a reset token whose fingerprint is no hash",
            500,
            "Internal Server Error",
            vec![
                json!({"password_fgpt": "<arthur.email>"}),
                json!({"password_fgpt": ""}),
                json!({"password_fgpt": 5}),
                json!({"password_fgpt": null}),
            ],
        ),
    ]
}

/// A verify token whose address is no text: what it answers, and where it is refused or fails instead.
fn verify_odd(
    name: &str,
    email: Value,
    status: u16,
    refused: &'static [System],
    fails: &'static [System],
) -> Scenario {
    let says = |status| if status == 400 { BAD_VERIFY } else { FAILURE };
    scenario(
        name,
        Plain,
        [
            user("arthur"),
            forge("token", "verification", verify_claims(json!({ "email": email }))),
            post("/auth/verify")
                .json(json!({"token": "<token>"}))
                .gives(status, says(status))
                .on(refused, 400, BAD_VERIFY)
                .on(fails, 500, FAILURE),
        ],
    )
}
