//! Tables of requests: what is asked, what is answered, which hooks run.

use axum_users::Profile;
use serde_json::Value;

use super::TestApp;

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) ask: (&'static str, String),
    /// A bearer token.
    pub(crate) token: Option<String>,
    /// A JSON body; `Null` sends none.
    pub(crate) body: Value,
    pub(crate) status: u16,
    /// The JSON body of the answer, in which `"<id>"` stands for any id; `Null` with a status of 204 is no body.
    pub(crate) answer: Value,
    pub(crate) hooks: &'static [&'static str],
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: "",
            ask: ("GET", String::new()),
            token: None,
            body: Value::Null,
            status: 200,
            answer: Value::Null,
            hooks: &[],
        }
    }
}

/// Runs the rows one after another and compares everything.
pub(crate) async fn run<P: Profile>(app: &TestApp<P>, table: impl IntoIterator<Item = Scenario>) {
    app.hooks.take();
    for Scenario { name, ask: (method, path), token, body, status, answer: expected, hooks } in table {
        let mut ask = app.ask(method, &path);
        if let Some(token) = token {
            ask = ask.bearer(&token);
        }
        if !body.is_null() {
            ask = ask.json(&body);
        }
        let answer = ask.send().await;
        app.users.shutdown().await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        if status == 204 {
            assert_eq!(answer.text(), "", "{name}");
            assert_eq!(answer.header("content-type"), None, "{name}");
        } else {
            let mut shown = answer.json();
            if expected.get("id").is_some_and(|id| id == "<id>") {
                shown["id"] = "<id>".into();
            }
            assert_eq!(shown.to_string(), expected.to_string(), "{name}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
        }
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        assert_eq!(app.hooks.take_names(), hooks, "{name}");
    }
}
