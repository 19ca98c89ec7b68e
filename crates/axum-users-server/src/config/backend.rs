use std::path::PathBuf;

use axum_users::{Algorithm, Cookie, SameSite};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::PolicyName;

/// A way to be logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendSettings {
    /// Its name, unique among the backends.
    pub name: String,
    /// How the token travels.
    pub transport: TransportName,
    /// What the token is.
    pub strategy: StrategyName,
    /// Where its routes are; `None` for `/auth/{name}`.
    pub prefix: Option<String>,
    /// How long a token is valid; `None` for an hour (jwt) or 14 days (the others).
    pub lifetime: Option<Lifetime>,
    /// How a JWT is signed; `None` for HS256.
    pub algorithm: Option<AlgorithmName>,
    /// The PEM file of the key that signs, for RS256, ES256 and EdDSA.
    pub private_key_file: Option<PathBuf>,
    /// The PEM file of the key that verifies, for RS256, ES256 and EdDSA.
    pub public_key_file: Option<PathBuf>,
    /// Who a JWT is for; `None` for `fastapi-users:auth`.
    pub audience: Option<Vec<String>>,
    /// The cookie of a cookie transport.
    pub cookie: Option<CookieSettings>,
}

impl BackendSettings {
    fn new(name: &str, transport: TransportName, strategy: StrategyName) -> Self {
        Self {
            name: name.to_owned(),
            transport,
            strategy,
            prefix: None,
            lifetime: None,
            algorithm: None,
            private_key_file: None,
            public_key_file: None,
            audience: None,
            cookie: None,
        }
    }

    /// Bearer and JWT at `/auth/jwt`.
    pub fn jwt() -> Self {
        Self::new("jwt", TransportName::Bearer, StrategyName::Jwt)
    }

    /// A cookie and tokens in the database at `/auth/cookie`.
    pub fn cookie() -> Self {
        Self::new("cookie", TransportName::Cookie, StrategyName::Database)
    }

    /// A cookie and tokens in Redis at `/auth/cookie`.
    pub fn cookie_in_redis() -> Self {
        Self::new("cookie", TransportName::Cookie, StrategyName::Redis)
    }

    /// Where its routes are.
    pub fn path(&self) -> String {
        self.prefix.clone().unwrap_or_else(|| format!("/auth/{}", self.name))
    }
}

/// How a token travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportName {
    /// In the header `Authorization`.
    Bearer,
    /// In a cookie.
    Cookie,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StrategyName {
    /// A signed token that the server does not store.
    Jwt,
    /// A random token in the database.
    Database,
    /// A random token in Redis.
    Redis,
}

/// How a JWT is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlgorithmName {
    #[default]
    #[serde(rename = "HS256")]
    Hs256,
    #[serde(rename = "HS384")]
    Hs384,
    #[serde(rename = "HS512")]
    Hs512,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl From<AlgorithmName> for Algorithm {
    fn from(name: AlgorithmName) -> Self {
        match name {
            AlgorithmName::Hs256 => Self::Hs256,
            AlgorithmName::Hs384 => Self::Hs384,
            AlgorithmName::Hs512 => Self::Hs512,
            AlgorithmName::Rs256 => Self::Rs256,
            AlgorithmName::Es256 => Self::Es256,
            AlgorithmName::EdDsa => Self::EdDsa,
        }
    }
}

/// How long a token is valid: seconds, or the text `none` for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(pub Option<u64>);

impl Serialize for Lifetime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(seconds) => serializer.serialize_u64(seconds),
            None => serializer.serialize_str("none"),
        }
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Seconds(u64),
            Text(String),
        }
        match Form::deserialize(deserializer) {
            Ok(Form::Seconds(seconds)) if seconds > 0 => Ok(Self(Some(seconds))),
            Ok(Form::Text(text)) if text == "none" => Ok(Self(None)),
            _ => Err(de::Error::custom("a lifetime is a number of seconds above 0, or \"none\"")),
        }
    }
}

/// The cookie of a cookie transport; what is absent is the library's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CookieSettings {
    /// Its name.
    pub name: Option<String>,
    /// How long the browser keeps it, in seconds; `None` until it closes.
    pub max_age: Option<u64>,
    /// The paths it is sent to.
    pub path: Option<String>,
    /// The domain whose subdomains get it too; `None` for this host alone.
    pub domain: Option<String>,
    /// Sent over HTTPS only; browsers make an exception for `localhost`.
    pub secure: Option<bool>,
    /// Out of reach of scripts.
    pub http_only: Option<bool>,
    /// Sent with requests from other sites?
    pub same_site: Option<SameSiteName>,
}

/// Whether a browser sends a cookie with requests that other sites cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SameSiteName {
    /// Only when a link leads here.
    Lax,
    /// Never.
    Strict,
    /// Always.
    None,
}

impl CookieSettings {
    /// The cookie; what it is called without a name is the policy's, unless no cookie with these attributes may be called so.
    pub fn cookie(&self, policy: PolicyName) -> Cookie {
        let same_site = self.same_site.map(|name| match name {
            SameSiteName::Lax => SameSite::Lax,
            SameSiteName::Strict => SameSite::Strict,
            SameSiteName::None => SameSite::None,
        });
        let bound_to_host = self.secure != Some(false)
            && self.domain.is_none()
            && self.path.as_ref().is_none_or(|path| path == "/");
        let default = match policy {
            PolicyName::Secure if bound_to_host => Cookie::default(),
            _ => Cookie::fastapi_users(),
        };
        Cookie {
            name: self.name.clone().unwrap_or(default.name),
            max_age: self.max_age.or(default.max_age),
            path: self.path.clone().unwrap_or(default.path),
            domain: self.domain.clone().or(default.domain),
            secure: self.secure.unwrap_or(default.secure),
            http_only: self.http_only.unwrap_or(default.http_only),
            same_site: same_site.unwrap_or(default.same_site),
        }
    }
}
