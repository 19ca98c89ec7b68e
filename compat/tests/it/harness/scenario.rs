//! The language of the scenarios: a name and steps, each built from what earlier steps have learnt.

use serde_json::{Value, json};

pub(crate) use axum_users_testkit::Purpose;

use super::{database::Person, settings::Setup, system::System};

pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) setup: Setup,
    pub(crate) reach: Reach,
    pub(crate) steps: Vec<Step>,
}

/// On which systems a scenario runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// On one alone: what it is about never gets to a database, or no database makes a difference to it.
    Once,
    /// On those that keep users in tables.
    Sql,
    /// On MongoDB.
    Mongodb,
    /// On those that keep users.
    Users,
    /// Also on those that keep only session tokens.
    Sessions,
}

impl Reach {
    pub(crate) fn includes(self, system: System) -> bool {
        match self {
            Self::Once => system == System::Sqlite,
            Self::Sql => system.is_sql(),
            Self::Mongodb => system == System::Mongodb,
            Self::Users => system.keeps_users(),
            Self::Sessions => true,
        }
    }
}

impl Scenario {
    /// On one system alone.
    pub(crate) fn once(self) -> Self {
        Self { reach: Reach::Once, ..self }
    }

    /// Only where ids are UUIDs or integers.
    pub(crate) fn of_sql(self) -> Self {
        Self { reach: Reach::Sql, ..self }
    }

    /// Only on MongoDB.
    pub(crate) fn of_mongodb(self) -> Self {
        Self { reach: Reach::Mongodb, ..self }
    }

    /// Also where only session tokens are kept.
    pub(crate) fn of_sessions(self) -> Self {
        Self { reach: Reach::Sessions, ..self }
    }
}

pub(crate) fn scenario(
    name: impl Into<String>,
    setup: Setup,
    steps: impl IntoIterator<Item = Step>,
) -> Scenario {
    Scenario { name: name.into(), setup, reach: Reach::Users, steps: steps.into_iter().collect() }
}

pub(crate) enum Step {
    /// Writes a user into the database, and tells `<name.id>`, `<name.email>`, `<name.jwt>`, `<name.session>`,
    /// `<name.hash>` and `<name.fingerprint>`; where ids are no integers, also `<name.upper>`, the id in upper case, and
    /// `<name.tail>`, its digits but for the two zeros it begins with.
    Seed(Person),
    /// Signs a token and keeps it under a name.
    Forge { name: &'static str, purpose: &'static str, header: Value, claims: Value },
    /// Makes a code that stands for what a provider says of whoever comes with it, and keeps it under a name.
    Code { name: &'static str, says: Value },
    /// Changes a column of a user, whose id is given.
    Set { user: &'static str, column: &'static str, value: Value },
    /// Removes a user, whose id is given, and their session tokens.
    Remove { user: &'static str },
    /// Sends a request and compares the answers.
    Send(Box<Request>, Expected),
    /// Waits for the next mail to an address, compares what its token says, and keeps the token under a name.
    Mail { email: &'static str, purpose: Purpose, name: &'static str },
    /// Compares that nothing has been mailed to an address.
    NoMail { email: &'static str, purpose: Purpose },
    /// Compares columns of a user, whose id is given, separated by ` | `, or `none`.
    Stored { user: &'static str, columns: &'static [&'static str], read: Expected },
    /// Compares the stored session tokens of a user, whose id is given, separated by spaces, or `none`.
    Tokens { user: &'static str, read: Expected },
    /// Compares the accounts at providers of a user, whose id is given, separated by `; `, or `none`: name, id, address, access
    /// and refresh token, and when it ends.
    Accounts { user: &'static str, read: Expected },
}

impl Step {
    /// Says what fastapi-users answers on some systems, where that is something else. What is read from a database has
    /// no status: 0.
    pub(crate) fn on(mut self, systems: &'static [System], status: u16, says: impl Into<String>) -> Self {
        match &mut self {
            Self::Send(_, expected)
            | Self::Stored { read: expected, .. }
            | Self::Tokens { read: expected, .. }
            | Self::Accounts { read: expected, .. } => {
                expected.elsewhere.push((systems, status, says.into()));
            }
            _ => unreachable!("nothing is expected of this step"),
        }
        self
    }
}

/// What fastapi-users must answer, so that a scenario tests what it is named after.
pub(crate) struct Expected {
    status: u16,
    /// Text in the headers or the body; all of what is read from a database.
    says: String,
    elsewhere: Vec<(&'static [System], u16, String)>,
}

impl Expected {
    fn new(status: u16, says: impl Into<String>) -> Self {
        Self { status, says: says.into(), elsewhere: Vec::new() }
    }

    pub(super) fn on(&self, system: System) -> (u16, &str) {
        let elsewhere = self.elsewhere.iter().find(|(systems, ..)| systems.contains(&system));
        elsewhere.map_or((self.status, &self.says), |(_, status, says)| (*status, says))
    }
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

/// A token as fastapi-users makes it, but for these claims. `purpose` tells the secret: `jwt`, `reset`, `verification` or
/// `oauth_state`.
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
    /// A parameter of the URL to which the answer sends a browser, or `no …`.
    Parameter(&'static str),
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

/// Changes a column of a user, whose id is given.
pub(crate) fn set(user: &'static str, column: &'static str, value: impl Into<Value>) -> Step {
    Step::Set { user, column, value: value.into() }
}

/// Compares columns of a user, whose id is given.
pub(crate) fn stored(user: &'static str, columns: &'static [&'static str], read: impl Into<String>) -> Step {
    Step::Stored { user, columns, read: Expected::new(0, read) }
}

/// Compares the stored session tokens of a user, whose id is given.
pub(crate) fn tokens(user: &'static str, read: impl Into<String>) -> Step {
    Step::Tokens { user, read: Expected::new(0, read) }
}

/// Compares the accounts at providers of a user, whose id is given.
pub(crate) fn accounts(user: &'static str, read: impl Into<String>) -> Step {
    Step::Accounts { user, read: Expected::new(0, read) }
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

    pub(crate) fn save_parameter(mut self, parameter: &'static str, name: &'static str) -> Self {
        self.saves.push((Source::Parameter(parameter), name));
        self
    }

    /// Ends the request: the status, and a text in headers or body, that fastapi-users must answer.
    pub(crate) fn gives(self, status: u16, says: impl Into<String>) -> Step {
        Step::Send(Box::new(self), Expected::new(status, says))
    }
}
