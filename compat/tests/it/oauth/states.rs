//! States: what connects the way back with the way to a provider.

use serde_json::{Value, json};

use super::{COOKIE, FAILURE, begin, come_back, comes};
use crate::harness::{Scenario, Setup::Social, Step, in_seconds, scenario::*};

const UNDECODABLE: &str = r#"{"detail":"ACCESS_TOKEN_DECODE_ERROR"}"#;
const EXPIRED: &str = r#"{"detail":"ACCESS_TOKEN_ALREADY_EXPIRED"}"#;
const INVALID: &str = r#"{"detail":"OAUTH_INVALID_STATE"}"#;
const CSRF: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

/// The claims of a state of fastapi-users, with changes; a null is a claim that is not there.
fn claims(changes: Value) -> Value {
    let mut claims = json!({"csrftoken": CSRF, "aud": "fastapi-users:oauth-state", "exp": in_seconds(3600)});
    for (name, value) in changes.as_object().into_iter().flatten() {
        match (value, claims.as_object_mut()) {
            (Value::Null, Some(claims)) => drop(claims.shift_remove(name)),
            (value, Some(claims)) => drop(claims.insert(name.clone(), value.clone())),
            _ => {}
        }
    }
    claims
}

fn forged(name: &str, changes: Value, status: u16, text: &str) -> Scenario {
    with_state(name, forge("state", "oauth_state", claims(changes)), status, text)
}

/// Discord, which asks for nothing that is in the state.
fn with_state(name: &str, state: Step, status: u16, text: &str) -> Scenario {
    let back = get("/auth/discord/callback?code=<code>&state=<state>").cookie(COOKIE, CSRF);
    scenario(name, Social, [comes("a.<unique>@example.com"), state, back.gives(status, text)]).once()
}

pub(super) fn scenarios() -> Vec<Scenario> {
    let email = "a.<unique>@example.com";
    let later = in_seconds(600);
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let began = |name: &str, back: Request, status, text: &str| {
        let steps = [begin("/auth/discord"), comes(email), back.gives(status, text)];
        scenario(name, Social, steps).once()
    };
    let back = |query: &str| get(format!("/auth/discord/callback?code=<code>{query}"));
    vec![
        began("no state", back("").cookie(COOKIE, "<csrf>"), 400, UNDECODABLE),
        began("an empty state", back("&state=").cookie(COOKIE, "<csrf>"), 400, UNDECODABLE),
        began("a state that is none", back("&state=nonsense").cookie(COOKIE, "<csrf>"), 400, UNDECODABLE),
        began("no cookie", back("&state=<state>"), 400, INVALID),
        began("an empty cookie", back("&state=<state>").cookie(COOKIE, ""), 400, INVALID),
        began("the cookie of another browser", back("&state=<state>").cookie(COOKIE, CSRF), 400, INVALID),
        began("a cookie beyond ASCII", back("&state=<state>").cookie(COOKIE, "é"), 500, FAILURE),
        scenario(
            "a state that is used twice",
            Social,
            [
                begin("/auth/discord"),
                comes(email),
                come_back("/auth/discord").gives(200, "bearer"),
                come_back("/auth/discord").gives(200, "bearer"),
            ],
        ),
        scenario(
            "a state of another provider",
            Social,
            [begin("/auth/github"), comes(email), come_back("/auth/discord").gives(200, "bearer")],
        )
        .once(),
        forged("a state of fastapi-users", json!({}), 200, "bearer"),
        forged("a state that has expired", json!({"exp": in_seconds(-1)}), 400, EXPIRED),
        forged("a state without a token", json!({"csrftoken": null}), 400, INVALID),
        forged("a state with an empty token", json!({"csrftoken": ""}), 400, INVALID),
        forged("a state for another audience", json!({"aud": "fastapi-users:auth"}), 500, FAILURE),
        forged("a state for no audience", json!({"aud": null}), 500, FAILURE),
        forged("a state of the future", json!({"iat": later}), 500, FAILURE),
        forged("a state that is not yet valid", json!({"nbf": later}), 500, FAILURE),
        forged("a state to associate", json!({"sub": "arthur"}), 200, "bearer"),
        with_state(
            "a state that is not signed",
            forge_with("state", "oauth_state", json!({"alg": "none", "typ": "JWT"}), claims(json!({}))),
            500,
            FAILURE,
        ),
        with_state(
            "a state that is signed otherwise",
            forge_with("state", "oauth_state", json!({"alg": "HS512", "typ": "JWT"}), claims(json!({}))),
            500,
            FAILURE,
        ),
        with_state(
            "a state that is signed with another secret",
            forge_with("state", "jwt", header, claims(json!({}))),
            400,
            UNDECODABLE,
        ),
    ]
}
