use std::fmt;

use lettre::Address;
use uuid::Uuid;

use super::MailError;

/// RFC 5321 §4.5.3.1.3, less the angle brackets of a path.
const ADDRESS_MAX_BYTES: usize = 254;

/// A mail to one recipient. Its `Debug` shows no bodies, because they hold tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address of the one recipient: `local@domain`, without a name.
    pub to: String,
    /// One line of text.
    pub subject: String,
    /// The text body.
    pub text: String,
    /// The same as HTML, for the programs that show it.
    pub html: Option<String>,
    /// What its Message-ID is made of, the same however often it is sent; without one each time another.
    pub id: Option<Uuid>,
}

/// Sends mails. Implement it with plain `async fn`:
///
/// ```
/// use std::sync::Mutex;
///
/// use axum_users::mailer::{Mail, MailError, Mailer};
///
/// /// Keeps mails, for tests.
/// #[derive(Default)]
/// struct Outbox(Mutex<Vec<Mail>>);
///
/// impl Mailer for Outbox {
///     async fn send(&self, mail: Mail) -> Result<(), MailError> {
///         self.0.lock().map_err(|_| MailError::other("a test panicked"))?.push(mail);
///         Ok(())
///     }
/// }
/// ```
///
/// An error says by [`MailError::is_permanent`] whether sending the same mail again could help.
pub trait Mailer: Send + Sync + 'static {
    /// Sends the mail, or hands it over to something that will.
    fn send(&self, mail: Mail) -> impl Future<Output = Result<(), MailError>> + Send;
}

impl Mail {
    /// The recipient as SMTP takes it.
    pub(super) fn recipient(&self) -> Result<Address, MailError> {
        address(&self.to).ok_or(MailError::InvalidRecipient)
    }

    /// The subject, if it is one line: a second one would be a header.
    pub(super) fn subject_line(&self) -> Result<&str, MailError> {
        if self.subject.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(MailError::InvalidSubject);
        }
        Ok(&self.subject)
    }
}

/// An address as SMTP takes it, an international domain in its ASCII form.
///
/// Stricter than RFC 5321: nothing that needs quotes, so that an address cannot hold a second one or a command.
pub(super) fn address(text: &str) -> Option<Address> {
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "\"\\<>()[],;:".contains(c);
    let (local, domain) = text.rsplit_once('@')?;
    if text.contains(forbidden) || local.contains('@') {
        return None;
    }
    let domain = idna::domain_to_ascii(domain).ok()?;
    (local.len() + 1 + domain.len() <= ADDRESS_MAX_BYTES).then(|| Address::new(local, domain).ok())?
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str) -> Mail {
        Mail {
            to: to.into(),
            subject: "Hello".into(),
            text: "secret-token".into(),
            html: Some("secret-token".into()),
            id: None,
        }
    }

    #[test]
    fn debug_shows_no_body() {
        let shown = format!("{:?}", mail("a@example.com"));
        assert!(shown.contains("a@example.com") && shown.contains("Hello"), "{shown}");
        assert!(!shown.contains("secret-token"), "{shown}");
    }

    #[test]
    fn an_international_domain_is_sent_in_ascii() {
        assert_eq!(
            mail("anna@bücher.example").recipient().unwrap().to_string(),
            "anna@xn--bcher-kva.example"
        );
        assert_eq!(mail("änna@example.com").recipient().unwrap().to_string(), "änna@example.com");
    }

    #[test]
    fn only_one_plain_address_is_a_recipient() {
        let long = format!("{}@example.com", "a".repeat(ADDRESS_MAX_BYTES));
        let refused = [
            "",
            "a",
            "@",
            "a@",
            "@example.com",
            "a@b@example.com",
            "a@example.com,b@example.com",
            "A <a@example.com>",
            "a b@example.com",
            "\"a b\"@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "a@example.com>",
            "a@[127.0.0.1]",
            "a\0@example.com",
            "a@example.com ",
            "a@exa\u{2028}mple.com",
            &long,
        ];
        for to in refused {
            assert!(matches!(mail(to).recipient(), Err(MailError::InvalidRecipient)), "{to:?}");
        }
    }
}
