//! The language of the scenarios: a name and steps, each built from what earlier steps have learnt.

use serde_json::{Value, json};

pub(crate) use axum_users_testkit::Purpose;

use super::{database::Person, settings::Setup};

pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) setup: Setup,
    pub(crate) steps: Vec<Step>,
}

pub(crate) fn scenario(
    name: impl Into<String>,
    setup: Setup,
    steps: impl IntoIterator<Item = Step>,
) -> Scenario {
    Scenario { name: name.into(), setup, steps: steps.into_iter().collect() }
}

pub(crate) enum Step {
    /// Writes a user into the database, and tells `<name.id>`, `<name.email>`, `<name.jwt>`, `<name.session>`,
    /// `<name.hash>` and `<name.fingerprint>`; where ids are UUIDs, also `<name.upper>`, the id in upper case, and
    /// `<name.tail>`, its digits but for the two zeros it begins with.
    Seed(Person),
    /// Signs a token and keeps it under a name.
    Forge { name: &'static str, purpose: &'static str, header: Value, claims: Value },
    /// Changes the database.
    Change(&'static str),
    /// Sends a request and compares the answers.
    Send(Box<Request>, Expected),
    /// Waits for the next mail to an address, compares what its token says, and keeps the token under a name.
    Mail { email: &'static str, purpose: Purpose, name: &'static str },
    /// Compares that nothing has been mailed to an address.
    NoMail { email: &'static str, purpose: Purpose },
    /// Compares the rows that a query finds; they must read as given.
    Rows { query: &'static str, read: &'static str },
}

/// What fastapi-users must answer, so that a scenario tests what it is named after.
pub(crate) struct Expected {
    pub(crate) status: u16,
    /// Text in the headers or the body.
    pub(crate) says: String,
}

/// An active user, not verified, whose password is `guinevere`.
pub(crate) fn user(name: &'static str) -> Step {
    Step::Seed(Person::new(name))
}

pub(crate) fn superuser(name: &'static str) -> Step {
    Step::Seed(Person { is_superuser: true, ..Person::new(name) })
}

pub(crate) fn verified(name: &'static str) -> Step {
    Step::Seed(Person { is_verified: true, ..Person::new(name) })
}

pub(crate) fn inactive(name: &'static str) -> Step {
    Step::Seed(Person { is_active: false, ..Person::new(name) })
}

/// A token as fastapi-users makes it, but for these claims. `purpose` tells the secret: `jwt`, `reset` or
/// `verification`.
pub(crate) fn forge(name: &'static str, purpose: &'static str, claims: Value) -> Step {
    forge_with(name, purpose, json!({"alg": "HS256", "typ": "JWT"}), claims)
}

pub(crate) fn forge_with(name: &'static str, purpose: &'static str, header: Value, claims: Value) -> Step {
    Step::Forge { name, purpose, header, claims }
}

pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    pub(crate) saves: Vec<(Source, &'static str)>,
}

pub(crate) enum Body {
    None,
    Json(Value),
    Form(Vec<(String, String)>),
    Raw(Vec<u8>),
}

/// Where an answer holds something that later steps need.
pub(crate) enum Source {
    /// A JSON pointer (RFC 6901).
    Json(&'static str),
    /// The value of the cookie that is set.
    Cookie,
}

pub(crate) fn get(path: impl Into<String>) -> Request {
    request("GET", path)
}

pub(crate) fn post(path: impl Into<String>) -> Request {
    request("POST", path)
}

pub(crate) fn patch(path: impl Into<String>) -> Request {
    request("PATCH", path)
}

pub(crate) fn delete(path: impl Into<String>) -> Request {
    request("DELETE", path)
}

pub(crate) fn request(method: &'static str, path: impl Into<String>) -> Request {
    Request { method, path: path.into(), headers: Vec::new(), body: Body::None, saves: Vec::new() }
}

/// Compares the rows that a query finds; they must read as given, one a line.
pub(crate) fn stored(query: &'static str, read: &'static str) -> Step {
    Step::Rows { query, read }
}

/// A login form.
pub(crate) fn login(prefix: &str, username: &str, password: &str) -> Request {
    post(format!("{prefix}/login")).form(&[("username", username), ("password", password)])
}

impl Request {
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// With a JWT of a seeded user.
    pub(crate) fn by(self, person: &str) -> Self {
        self.bearer(&format!("<{person}.jwt>"))
    }

    pub(crate) fn cookie(self, name: &str, value: &str) -> Self {
        self.header("cookie", format!("{name}={value}"))
    }

    pub(crate) fn json(self, body: Value) -> Self {
        Self { body: Body::Json(body), ..self }.header("content-type", "application/json")
    }

    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { body: Body::Form(fields), ..self }.header("content-type", "application/x-www-form-urlencoded")
    }

    /// Bytes without a content type.
    pub(crate) fn raw(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: Body::Raw(body.into()), ..self }
    }

    /// JSON text as it is.
    pub(crate) fn json_text(self, body: impl Into<Vec<u8>>) -> Self {
        self.raw(body).header("content-type", "application/json")
    }

    pub(crate) fn save(mut self, pointer: &'static str, name: &'static str) -> Self {
        self.saves.push((Source::Json(pointer), name));
        self
    }

    pub(crate) fn save_cookie(mut self, name: &'static str) -> Self {
        self.saves.push((Source::Cookie, name));
        self
    }

    /// Ends the request: the status, and a text in headers or body, that fastapi-users must answer.
    pub(crate) fn gives(self, status: u16, says: impl Into<String>) -> Step {
        Step::Send(Box::new(self), Expected { status, says: says.into() })
    }
}
