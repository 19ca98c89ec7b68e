//! Texts that do not show themselves: not in the effective configuration, not in errors, not in `Debug`.

use serde::{Deserialize, Serialize, Serializer};

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A secret. Serialises as `[redacted]`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct RedactedText(String);

impl RedactedText {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Stands for a secret that is generated.
    pub fn placeholder() -> Self {
        Self(REDACTED.to_owned())
    }
}

impl Serialize for RedactedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl std::fmt::Debug for RedactedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(REDACTED)
    }
}

/// A URL that may hold a password, which is shown as `[redacted]`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct RedactedUrl(String);

impl RedactedUrl {
    /// A URL that may hold a password.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL with its password.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The last `@` ends the credentials, whatever unescaped characters a password has.
        let parts = self.0.split_once("://").and_then(|(scheme, rest)| {
            let (credentials, host) = rest.rsplit_once('@')?;
            Some((scheme, credentials.split_once(':')?.0, host))
        });
        match parts {
            Some((scheme, user, host)) => write!(f, "{scheme}://{user}:{REDACTED}@{host}"),
            None => f.write_str(&self.0),
        }
    }
}

impl std::fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for RedactedUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_of_a_url_is_hidden() {
        for (url, shown) in [
            ("sqlite:users.db", "sqlite:users.db"),
            ("smtp://localhost:25", "smtp://localhost:25"),
            ("smtps://anna:hunter2@mail.example.com", "smtps://anna:[redacted]@mail.example.com"),
            ("smtps://anna:hunt@er/2@mail.example.com", "smtps://anna:[redacted]@mail.example.com"),
        ] {
            assert_eq!(RedactedUrl::new(url).to_string(), shown);
            assert_eq!(format!("{:?}", RedactedUrl::new(url)), shown);
        }
    }
}
