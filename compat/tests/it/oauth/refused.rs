//! What a provider answers that lets nobody in.

use serde_json::json;

use super::{FAILURE, begin, come_back, comes, logged_in, says};
use crate::harness::{Scenario, Setup::Social, Step, scenario::*};

const NO_EMAIL: &str = r#"{"detail":"OAUTH_NOT_AVAILABLE_EMAIL"}"#;

pub(super) fn scenarios() -> Vec<Scenario> {
    let email = "a.<unique>@example.com";
    let answered = |name: &str, path: &str, says: Step, status, text: &str| {
        scenario(name, Social, [begin(path), says, come_back(path).gives(status, text)]).once()
    };
    let query = |name: &str, query: &str, text: &str| {
        let callback = get(format!("/auth/google/callback{query}")).cookie(super::COOKIE, "<csrf>");
        scenario(name, Social, [begin("/auth/google"), comes(email), callback.gives(400, text)]).once()
    };
    let mut inactive: Vec<Step> = logged_in(email).into();
    inactive.extend([
        set("<id>", "is_active", false),
        begin("/auth/google"),
        comes(email),
        come_back("/auth/google").gives(400, r#"{"detail":"LOGIN_BAD_CREDENTIALS"}"#),
        get("/users/me").bearer("<token>").gives(401, "Unauthorized"),
    ]);
    vec![
        query("no code", "?state=<state>", r#"{"detail":"Bad Request"}"#),
        query("nothing at all", "", r#"{"detail":"Bad Request"}"#),
        query("access denied", "?error=access_denied&state=<state>", r#"{"detail":"access_denied"}"#),
        query(
            "access denied, and a code",
            "?error=access_denied&code=<code>&state=<state>",
            r#"{"detail":"access_denied"}"#,
        ),
        query(
            "an error in words",
            "?error=Knights%20say%20Ni&state=<state>",
            r#"{"detail":"Knights say Ni"}"#,
        ),
        scenario(
            "a code that the provider does not know",
            Social,
            [
                begin("/auth/google"),
                get("/auth/google/callback?code=nonsense&state=<state>")
                    .cookie(super::COOKIE, "<csrf>")
                    .gives(500, r#"{"detail":"#),
            ],
        )
        .once(),
        answered(
            "the provider fails where codes are exchanged",
            "/auth/google",
            says(json!({"email": email, "token": {"status": 503}})),
            500,
            r#"{"detail":"#,
        ),
        answered(
            "an error with the status of success",
            "/auth/github",
            says(json!({"email": email, "token": {"access_token": null, "error": "bad_verification_code"}})),
            500,
            FAILURE,
        ),
        answered(
            "no access token",
            "/auth/github",
            says(json!({"email": email, "token": {"access_token": null}})),
            500,
            FAILURE,
        ),
        answered(
            "the provider fails where it is asked who somebody is",
            "/auth/github",
            says(json!({"email": email, "profile": {"status": 500}})),
            500,
            FAILURE,
        ),
        answered(
            "the provider does not take its own token",
            "/auth/discord",
            says(json!({"email": email, "profile": {"status": 401}})),
            500,
            FAILURE,
        ),
        answered("no address: openid", "/auth/openid", says(json!({"email": null})), 400, NO_EMAIL),
        answered("no address: discord", "/auth/discord", says(json!({"email": null})), 400, NO_EMAIL),
        answered("no address: reddit, which never gives one", "/auth/reddit", comes(email), 400, NO_EMAIL),
        answered("no address: github", "/auth/github", says(json!({"email": null})), 500, FAILURE),
        answered(
            "an address that discord has not verified",
            "/auth/discord",
            says(json!({"email": email, "verified": false})),
            400,
            NO_EMAIL,
        ),
        scenario("an inactive user", Social, inactive),
    ]
}
