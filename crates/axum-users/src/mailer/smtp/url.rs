use std::{fmt, net::IpAddr, str::FromStr};

use lettre::transport::smtp::authentication::Credentials;
use percent_encoding::percent_decode_str;
use url::Url;

/// RFC 8314 §7.3.
const IMPLICIT_TLS_PORT: u16 = 465;
/// RFC 6409 §3.1.
const SUBMISSION_PORT: u16 = 587;

/// Where and how to hand over mails. `Debug` and `Display` show no credentials.
///
/// | URL | Encryption | Port |
/// |---|---|---|
/// | `smtps://user:password@host` | TLS from the start: recommended (RFC 8314) | 465 |
/// | `smtp://user:password@host` | STARTTLS, or nothing is sent (`?tls=required`) | 587 |
/// | `smtp://host?tls=opportunistic` | STARTTLS if the server offers it; a password is never sent without it | 587 |
/// | `smtp://localhost?tls=none` | none; other hosts than this machine need `&allow_insecure=true` | 587 |
///
/// `allow_insecure=true` also lets a password go over a connection that is not encrypted. Characters such as
/// `/ ? # @ : %` in user and password are percent-encoded.
#[derive(Clone)]
pub struct SmtpUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) credentials: Option<Credentials>,
    /// Credentials may go over a connection that is not encrypted.
    pub(super) insecure_login: bool,
}

/// When a connection becomes encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    Implicit,
    Required,
    Opportunistic,
    None,
}

/// Why a text is not an SMTP URL. Tells nothing of the text, because that holds a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpUrlError {
    /// Not `smtp://host` or `smtps://host`.
    #[error(
        "the SMTP URL must be smtps://user:password@host or smtp://user:password@host:port, with `/ ? # @ : %` in user \
         and password percent-encoded (`/` is %2F)"
    )]
    NotSmtp,
    /// A path or fragment, mostly a `/` or `#` of a password that is not percent-encoded.
    #[error(
        "the SMTP URL has something after the host: percent-encode `/ ? # @ : %` in user and password (`/` is %2F)"
    )]
    AfterHost,
    /// User without password, or the other way round, or no UTF-8.
    #[error("the SMTP URL must have both user and password (percent-encoded UTF-8), or neither")]
    Credentials,
    /// A parameter other than `tls` and `allow_insecure`, or one of their values.
    #[error(
        "the SMTP URL has an unknown parameter: there are tls=required, tls=opportunistic, tls=none (for smtp://) and \
         allow_insecure=true"
    )]
    Parameter,
    /// No encryption towards another machine.
    #[error(
        "the SMTP URL has tls=none for a host that is not this machine: everybody on the way could read the links in \
         mails; use smtps:// or tls=required, or add allow_insecure=true if nobody can listen"
    )]
    Unencrypted,
}

impl FromStr for SmtpUrl {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let url = Url::parse(text).map_err(|_| SmtpUrlError::NotSmtp)?;
        let implicit = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(SmtpUrlError::NotSmtp),
        };
        let host = host(&url).ok_or(SmtpUrlError::NotSmtp)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SmtpUrlError::AfterHost);
        }
        let (encryption, allow_insecure) = parameters(&url, implicit)?;
        let is_local = is_loopback(&host);
        if encryption == Encryption::None && !is_local && !allow_insecure {
            return Err(SmtpUrlError::Unencrypted);
        }
        let default_port = if implicit { IMPLICIT_TLS_PORT } else { SUBMISSION_PORT };
        Ok(Self {
            port: url.port().unwrap_or(default_port),
            encryption,
            credentials: credentials(&url)?,
            insecure_login: is_local || allow_insecure,
            host,
        })
    }
}

fn host(url: &Url) -> Option<String> {
    let host = match url.host()? {
        url::Host::Domain(name) => name.to_ascii_lowercase(),
        url::Host::Ipv4(address) => address.to_string(),
        url::Host::Ipv6(address) => address.to_string(),
    };
    // The parser percent-encodes what no host name has.
    (!host.is_empty() && !host.contains('%')).then_some(host)
}

fn parameters(url: &Url, implicit: bool) -> Result<(Encryption, bool), SmtpUrlError> {
    let mut encryption = if implicit { Encryption::Implicit } else { Encryption::Required };
    let mut allow_insecure = false;
    for (key, value) in url.query_pairs() {
        match (&*key, &*value) {
            ("tls", "required") if !implicit => encryption = Encryption::Required,
            ("tls", "opportunistic") if !implicit => encryption = Encryption::Opportunistic,
            ("tls", "none") if !implicit => encryption = Encryption::None,
            ("allow_insecure", "true") => allow_insecure = true,
            ("allow_insecure", "false") => allow_insecure = false,
            _ => return Err(SmtpUrlError::Parameter),
        }
    }
    Ok((encryption, allow_insecure))
}

fn credentials(url: &Url) -> Result<Option<Credentials>, SmtpUrlError> {
    let decode = |text| match percent_decode_str(text).decode_utf8() {
        // A NUL would end the name within AUTH PLAIN (RFC 4616 §2).
        Ok(text) if !text.is_empty() && !text.contains('\0') => Ok(text.into_owned()),
        _ => Err(SmtpUrlError::Credentials),
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) => Ok(Some(Credentials::new(decode(user)?, decode(password)?))),
        (_, None) => Err(SmtpUrlError::Credentials),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encryption == Encryption::Implicit { "smtps" } else { "smtp" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{scheme}://{host}:{}", self.port)
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpUrl")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("encryption", &self.encryption)
            .field("has_credentials", &self.credentials.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_and_parameters_choose_encryption_and_port() {
        for (text, encryption, port) in [
            ("smtps://mail.example.com", Encryption::Implicit, 465),
            ("smtps://mail.example.com:2465/", Encryption::Implicit, 2465),
            ("smtp://mail.example.com", Encryption::Required, 587),
            ("smtp://mail.example.com:25?tls=required", Encryption::Required, 25),
            ("smtp://mail.example.com?tls=opportunistic", Encryption::Opportunistic, 587),
            ("smtp://LOCALHOST?tls=none", Encryption::None, 587),
            ("smtp://127.0.0.1:1025?tls=none", Encryption::None, 1025),
            ("smtp://[::1]:1025?tls=none", Encryption::None, 1025),
            ("smtp://mailpit:1025?tls=none&allow_insecure=true", Encryption::None, 1025),
        ] {
            let url: SmtpUrl = text.parse().unwrap();
            assert_eq!((url.encryption, url.port), (encryption, port), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        use SmtpUrlError::{AfterHost, Credentials, NotSmtp, Parameter, Unencrypted};
        for (text, error) in [
            ("", NotSmtp),
            ("mail.example.com:587", NotSmtp),
            ("http://mail.example.com", NotSmtp),
            ("smtp://", NotSmtp),
            ("smtp:mail.example.com", NotSmtp),
            ("smtp://user:se/cret@mail.example.com", NotSmtp),
            ("smtp://mail%0d%0aexample", NotSmtp),
            ("smtp://mail.example.com/name", AfterHost),
            ("smtp://mail.example.com#x", AfterHost),
            ("smtp://user@mail.example.com", Credentials),
            ("smtp://:secret@mail.example.com", Credentials),
            ("smtp://user:%00@mail.example.com", Credentials),
            ("smtp://user:%ff@mail.example.com", Credentials),
            ("smtp://mail.example.com?tls=no", Parameter),
            ("smtp://mail.example.com?TLS=none", Parameter),
            ("smtps://mail.example.com?tls=none", Parameter),
            ("smtp://mail.example.com?tls=none", Unencrypted),
            ("smtp://127.0.0.1.example.com?tls=none", Unencrypted),
        ] {
            assert_eq!(text.parse::<SmtpUrl>().err(), Some(error), "{text}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_never_shown() {
        let url: SmtpUrl = "smtp://an%40na:s%2Fe+c%3Aret@mail.example.com".parse().unwrap();
        assert_eq!(url.credentials, Some(Credentials::new("an@na".into(), "s/e+c:ret".into())));
        let shown = format!("{url} {url:?}");
        assert!(shown.starts_with("smtp://mail.example.com:587 ") && !shown.contains("na:s"), "{shown}");
        assert!(!shown.contains("s/e+c:ret") && !shown.contains("an@na"), "{shown}");
    }
}
