//! How both servers are set up: the only thing they are told.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{providers::ISSUER, system::System};

/// What every provider calls both programs. Other characters are sent otherwise in the header: fastapi-users does not encode them
/// (RFC 6749 §2.3.1).
pub(super) const CLIENT_ID: &str = "the-client";
pub(super) const CLIENT_SECRET: &str = "a-secret-that-the-providers-know";

/// The set-ups that scenarios choose from. Every one of them runs once for all scenarios that name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Setup {
    /// As the documentation of fastapi-users has it: UUIDs, a bearer JWT, a cookie with a database token.
    Plain,
    /// Password rules and further columns.
    Rules,
    /// Login and users want a verified address.
    Verified,
    /// Integer ids.
    Integer,
    /// Many backends, with all attributes a cookie can have.
    Backends,
    /// Accounts at providers, with bearer tokens and with cookies.
    Social,
    /// The same where login and users want a verified address.
    VerifiedSocial,
}

impl Setup {
    pub(crate) fn settings(self, system: System) -> Settings {
        let plain = Settings::default();
        let mut settings = match self {
            Self::Plain => plain,
            Self::Rules => Settings {
                password: PasswordRules { min_length: 8, reject_email: true },
                fields: vec![Field::required("first_name", "text"), Field::optional("age", "integer")],
                ..plain
            },
            Self::Verified => Settings {
                login: Requirement { require_verified: true },
                users: Requirement { require_verified: true },
                ..plain
            },
            Self::Integer => Settings { id_type: "integer", ..plain },
            Self::Backends => Settings { backends: many_backends(), ..plain },
            Self::Social => Settings { oauth: providers(), ..plain },
            Self::VerifiedSocial => Settings {
                login: Requirement { require_verified: true },
                users: Requirement { require_verified: true },
                oauth: providers(),
                ..plain
            },
        };
        if system == System::Redis {
            let stored = settings.backends.iter_mut().filter(|backend| backend.strategy == "database");
            stored.for_each(|backend| backend.strategy = "redis");
        }
        if system == System::Mongodb {
            settings.id_type = "object_id";
        }
        settings
    }
}

#[derive(Clone, Serialize)]
pub(crate) struct Settings {
    /// `uuid`, `integer` or, on MongoDB, `object_id`.
    pub(crate) id_type: &'static str,
    pub(crate) secrets: Secrets,
    pub(crate) login: Requirement,
    pub(crate) users: Requirement,
    pub(crate) password: PasswordRules,
    pub(crate) backends: Vec<Backend>,
    pub(crate) fields: Vec<Field>,
    /// By name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) oauth: BTreeMap<&'static str, Provider>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oauth_options: Option<OAuthOptions>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            id_type: "uuid",
            secrets: Secrets::SHARED,
            login: Requirement { require_verified: false },
            users: Requirement { require_verified: false },
            password: PasswordRules { min_length: 0, reject_email: false },
            backends: vec![
                Backend::bearer("jwt", "jwt", 3600),
                Backend::cookie("cookie", "database", 3600, Cookie::default()),
            ],
            fields: Vec::new(),
            oauth: BTreeMap::new(),
            oauth_options: None,
        }
    }
}

/// What signs the kinds of token.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Secrets {
    pub(crate) jwt: &'static str,
    pub(crate) reset: &'static str,
    pub(crate) verification: &'static str,
    pub(crate) oauth_state: &'static str,
}

impl Secrets {
    pub(crate) const SHARED: Self = Self {
        jwt: "a secret that both servers share: jwt",
        reset: "a secret that both servers share: reset",
        verification: "a secret that both servers share: verification",
        oauth_state: "a secret that both servers share: oauth_state",
    };
}

#[derive(Clone, Copy, Serialize)]
pub(crate) struct Requirement {
    pub(crate) require_verified: bool,
}

#[derive(Clone, Copy, Serialize)]
pub(crate) struct PasswordRules {
    /// In characters.
    pub(crate) min_length: usize,
    pub(crate) reject_email: bool,
}

#[derive(Clone, Serialize)]
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    /// `bearer` or `cookie`.
    pub(crate) transport: &'static str,
    /// `jwt`, `database` or `redis`.
    pub(crate) strategy: &'static str,
    pub(crate) prefix: String,
    /// How long tokens live, in seconds; 0 for ever.
    pub(crate) lifetime: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cookie: Option<Cookie>,
}

impl Backend {
    fn bearer(name: &'static str, strategy: &'static str, lifetime: u64) -> Self {
        let prefix = format!("/auth/{name}");
        Self { name, transport: "bearer", strategy, prefix, lifetime, cookie: None }
    }

    fn cookie(name: &'static str, strategy: &'static str, lifetime: u64, cookie: Cookie) -> Self {
        Self { transport: "cookie", cookie: Some(cookie), ..Self::bearer(name, strategy, lifetime) }
    }
}

#[derive(Clone, Serialize)]
pub(crate) struct Cookie {
    pub(crate) name: &'static str,
    /// In seconds.
    pub(crate) max_age: Option<u64>,
    pub(crate) path: &'static str,
    pub(crate) domain: Option<&'static str>,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) same_site: &'static str,
}

impl Default for Cookie {
    fn default() -> Self {
        Self {
            name: "fastapiusersauth",
            max_age: None,
            path: "/",
            domain: None,
            secure: true,
            http_only: true,
            same_site: "lax",
        }
    }
}

/// A column beside those that every user has.
#[derive(Clone, Serialize)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// `text` or `integer`.
    pub(crate) kind: &'static str,
    pub(crate) required: bool,
}

impl Field {
    const fn required(name: &'static str, kind: &'static str) -> Self {
        Self { name, kind, required: true }
    }

    const fn optional(name: &'static str, kind: &'static str) -> Self {
        Self { name, kind, required: false }
    }
}

/// A provider by whose accounts people log in.
#[derive(Clone, Serialize)]
pub(crate) struct Provider {
    client_id: &'static str,
    client_secret: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<[&'static str; 2]>,
    backend: &'static str,
    associate_by_email: bool,
    verified_by_default: bool,
}

#[derive(Clone, Serialize)]
pub(crate) struct OAuthOptions {
    /// Where the providers are played.
    pub(super) gateway: String,
}

/// Discord's word that an address is verified counts; GitHub logs in by cookie.
fn providers() -> BTreeMap<&'static str, Provider> {
    let plain = Provider {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        issuer: None,
        scopes: None,
        backend: "jwt",
        associate_by_email: false,
        verified_by_default: false,
    };
    BTreeMap::from([
        ("discord", Provider { associate_by_email: true, verified_by_default: true, ..plain.clone() }),
        ("github", Provider { backend: "cookie", ..plain.clone() }),
        // fastapi-users asks another interface of Google, with scopes of its own.
        ("google", Provider { scopes: Some(["openid", "email"]), ..plain.clone() }),
        ("openid", Provider { issuer: Some(ISSUER), ..plain.clone() }),
        ("reddit", plain),
    ])
}

fn many_backends() -> Vec<Backend> {
    let aged = Cookie { name: "aged", max_age: Some(3600), ..Cookie::default() };
    let all_set = Cookie {
        name: "n",
        max_age: Some(60),
        path: "/x",
        domain: Some("example.com"),
        secure: false,
        http_only: false,
        same_site: "strict",
    };
    let anywhere = Cookie { name: "anywhere", same_site: "none", ..Cookie::default() };
    vec![
        Backend::bearer("jwt", "jwt", 3600),
        Backend::bearer("opaque", "database", 3600),
        Backend::bearer("forever", "jwt", 0),
        Backend::cookie("cookie", "database", 3600, Cookie::default()),
        Backend::cookie("aged", "database", 3600, aged),
        Backend::cookie("all", "database", 0, all_set),
        Backend::cookie("anywhere", "jwt", 3600, anywhere),
    ]
}
