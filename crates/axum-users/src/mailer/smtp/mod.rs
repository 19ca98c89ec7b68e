//! Mails by SMTP (RFC 5321, submission by RFC 6409 and RFC 8314).

mod connection;
mod message;
mod server;
mod stream;
mod url;

use std::{fmt, time::Duration};

use lettre::message::Mailbox;

#[cfg(fuzzing)]
pub(crate) use self::message::{try_mail, try_sender};
use self::server::Server;
pub use self::url::{SmtpUrl, SmtpUrlError};
use super::{Mail, MailError, Mailer};

/// Sends mails by an SMTP server, over at most four connections, which it uses again.
///
/// Every mail has a `Date`, a `Message-ID` of the sender's domain, and `Auto-Submitted: auto-generated` (RFC 3834),
/// so that nobody's holiday notice answers it.
///
/// ```
/// use axum_users::mailer::{SmtpMailer, SmtpUrl};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url: SmtpUrl = "smtps://user:secret@mail.example.com".parse()?;
/// let mailer = SmtpMailer::new(&url, "Example <no-reply@example.com>")?;
/// # Ok(())
/// # }
/// ```
pub struct SmtpMailer {
    server: Server,
    sender: Mailbox,
}

impl SmtpMailer {
    /// Sends by this server, from this sender: `no-reply@example.com` or `Example <no-reply@example.com>`.
    ///
    /// Connects when the first mail is sent. Each step, connecting and handing over, may take 10 seconds.
    ///
    /// # Errors
    ///
    /// When the sender is not an address.
    pub fn new(url: &SmtpUrl, sender: &str) -> Result<Self, MailError> {
        Ok(Self { server: Server::new(url)?, sender: message::sender(sender)? })
    }

    /// How long each step may take, instead of 10 seconds.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.server.timeout = timeout;
        self
    }

    /// Also trusts certificates that these certificates (PEM) issued, beside those which this machine trusts: for a
    /// mail server with a private CA.
    ///
    /// # Errors
    ///
    /// When there is no certificate in the PEM.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, MailError> {
        self.server.trust(pem)?;
        Ok(self)
    }
}

impl Mailer for SmtpMailer {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        let message = message::write(&self.sender, mail)?;
        self.server.deliver(message.envelope(), &message.formatted()).await
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer")
            .field("server", &self.server.name)
            .field("sender", &self.sender.to_string())
            .finish_non_exhaustive()
    }
}
