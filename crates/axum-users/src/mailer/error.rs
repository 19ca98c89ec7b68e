use std::io;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a mail was not sent. No variant holds a body, a token or the credentials of a server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The configured sender is not an address.
    #[error(
        "{0:?} cannot be the sender of mails: write `no-reply@example.com` or `Example <no-reply@example.com>`"
    )]
    InvalidSender(String),
    /// The recipient is not one plain address.
    #[error("a mail was not sent because its recipient is not one plain address such as `anna@example.org`")]
    InvalidRecipient,
    /// The subject has control characters or several lines.
    #[error("a mail was not sent because its subject is not one line without control characters")]
    InvalidSubject,
    /// The mail cannot be written as a message.
    #[error("a mail cannot be written as a message")]
    InvalidMessage(#[source] BoxError),
    /// The TLS settings cannot be used.
    #[error("the TLS settings for the SMTP server cannot be used: give certificates as PEM")]
    InvalidTls(#[source] BoxError),
    /// No connection.
    #[error("cannot connect to the SMTP server {server}: check its name, its port and the firewall")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What went wrong.
        source: BoxError,
    },
    /// The connection cannot be encrypted, so nothing was sent.
    #[error(
        "no TLS connection to the SMTP server {server}: its certificate must be valid for this name and issued by a \
         CA this machine trusts; `smtps://` is TLS from the start (port 465), `smtp://` is STARTTLS (port 587)"
    )]
    TlsFailed {
        /// Host and port.
        server: String,
        /// What went wrong.
        source: BoxError,
    },
    /// The server offers no encryption, so nothing was sent. It may be the work of somebody on the way.
    #[error("the SMTP server {server} does not offer STARTTLS; use smtps:// or ?tls=opportunistic")]
    NoStartTls {
        /// Host and port.
        server: String,
    },
    /// The connection is not encrypted, so the password was not sent.
    #[error(
        "the password was not sent to the SMTP server {server} because the connection is not encrypted; use smtps:// \
         or ?tls=required, or add allow_insecure=true if nobody can listen on the way"
    )]
    InsecureLogin {
        /// Host and port.
        server: String,
    },
    /// The server did not accept user and password.
    #[error(
        "the SMTP server {server} refused user and password ({code}): check them in the SMTP URL (percent-encoded)"
    )]
    LoginRefused {
        /// Host and port.
        server: String,
        /// The reply code.
        code: u16,
    },
    /// The server has no login that we know, mostly because it wants encryption first.
    #[error(
        "the SMTP server {server} offers no login by PLAIN or LOGIN on this connection; use smtps:// or ?tls=required, \
         or leave user and password out of the SMTP URL"
    )]
    LoginNotOffered {
        /// Host and port.
        server: String,
    },
    /// The server cannot deliver to an address with letters beyond ASCII before the `@` (RFC 6531).
    #[error("the SMTP server {server} takes only ASCII before the @ of an address (it lacks SMTPUTF8)")]
    InternationalAddress {
        /// Host and port.
        server: String,
    },
    /// The server refused the mail.
    #[error("the SMTP server {server} refused the mail ({code}): {message}")]
    Refused {
        /// Host and port.
        server: String,
        /// The reply code: 4xx may pass later, 5xx will not.
        code: u16,
        /// What the server said.
        message: String,
    },
    /// The server did not answer in time. It may have taken the mail.
    #[error(
        "the SMTP server {server} did not answer within {seconds} seconds while {step}; if it speaks TLS from the \
         start (port 465), use smtps://"
    )]
    TimedOut {
        /// Host and port.
        server: String,
        /// What was being done.
        step: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// The connection broke. The server may have taken the mail.
    #[error("the connection to the SMTP server {server} broke before it confirmed the mail")]
    Interrupted {
        /// Host and port.
        server: String,
        /// What went wrong.
        source: BoxError,
    },
    /// The writer of a [`ConsoleMailer`](super::ConsoleMailer) failed.
    #[error("a mail cannot be printed")]
    Console(#[source] io::Error),
    /// A mailer of the application failed.
    #[error("a mail was not sent")]
    Other(#[source] BoxError),
}

impl MailError {
    /// An error of the application's own [`Mailer`](super::Mailer).
    pub fn other(error: impl Into<BoxError>) -> Self {
        Self::Other(error.into())
    }

    /// Whether sending this mail again will fail again, so that a queue should give it up.
    ///
    /// What an operator can repair (names, passwords, certificates) is not permanent.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        match self {
            Self::InvalidRecipient
            | Self::InvalidSubject
            | Self::InvalidMessage(_)
            | Self::InternationalAddress { .. } => true,
            Self::Refused { code, .. } => *code >= 500,
            _ => false,
        }
    }
}
