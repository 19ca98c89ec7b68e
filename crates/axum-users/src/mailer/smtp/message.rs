//! From a mail to the bytes of RFC 5322.

use lettre::{
    Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use uuid::Uuid;

use super::super::{Mail, MailError, mail::address};

/// Who the mails are from: an address, or a name and an address in angle brackets. The name needs no quotes.
pub(super) fn sender(text: &str) -> Result<Mailbox, MailError> {
    let invalid = || MailError::InvalidSender(text.to_owned());
    if text.contains(char::is_control) {
        return Err(invalid());
    }
    let (name, email) = match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, email)) => (name.trim(), email),
        None => ("", text.trim()),
    };
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let name = (!name.is_empty()).then(|| name.to_owned());
    Ok(Mailbox::new(name, address(email).ok_or_else(invalid)?))
}

pub(super) fn write(sender: &Mailbox, mail: Mail) -> Result<Message, MailError> {
    let recipient = mail.recipient()?;
    let message = Message::builder()
        .from(sender.clone())
        .to(recipient.into())
        .subject(mail.subject_line()?)
        .message_id(Some(format!("<{}@{}>", mail.id.unwrap_or_else(Uuid::new_v4), sender.email.domain())))
        .date_now()
        .header(AutoSubmitted("auto-generated".to_owned()));
    let message = match mail.html {
        Some(html) => message.multipart(MultiPart::alternative_plain_html(lines(&mail.text), lines(&html))),
        None => message.singlepart(SinglePart::plain(lines(&mail.text))),
    };
    message.map_err(|error| MailError::InvalidMessage(error.into()))
}

/// The text with line feeds only, which lettre sends as CR LF, and without control characters: a server that takes a
/// bare CR for the end of a line could read a command in a body (RFC 5321 §2.3.8).
fn lines(text: &str) -> String {
    let mut lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    lines
}

/// Panics if a sender that is accepted is more than a name and an address. See [`crate::fuzzing`].
#[cfg(fuzzing)]
pub(crate) fn try_sender(text: &str) {
    if let Ok(sender) = sender(text) {
        let header = sender.to_string();
        assert!(!header.contains(char::is_control), "{header:?}");
    }
}

/// Panics if a mail has another header, or another line, than those that belong there. See [`crate::fuzzing`].
#[cfg(fuzzing)]
pub(crate) fn try_mail(mail: Mail) {
    let sender = Mailbox::new(None, lettre::Address::new("no-reply", "camelot.bt").expect("an address"));
    let Ok(message) = write(&sender, mail) else { return };
    let bytes = message.formatted();
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']), "{text:?}");
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let names = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    for name in names.map(|line| line.split(':').next().unwrap_or_default()) {
        let known = [
            "From",
            "To",
            "Subject",
            "Message-ID",
            "Date",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding",
        ];
        assert!(known.contains(&name), "{name:?} of {text:?}");
    }
    assert_eq!(message.envelope().to().len(), 1);
}

/// RFC 3834 §5.
#[derive(Clone)]
struct AutoSubmitted(String);

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(value: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(value.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_an_address_and_perhaps_a_name() {
        for (text, name, email) in [
            ("a@example.com", None, "a@example.com"),
            ("<a@example.com>", None, "a@example.com"),
            ("Example <a@example.com>", Some("Example"), "a@example.com"),
            ("\"Example, Inc.\" <a@example.com>", Some("Example, Inc."), "a@example.com"),
            (" Example, Inc. <a@bücher.example> ", Some("Example, Inc."), "a@xn--bcher-kva.example"),
            ("a@evil.example <a@example.com>", Some("a@evil.example"), "a@example.com"),
        ] {
            let sender = sender(text).unwrap();
            assert_eq!((sender.name.as_deref(), sender.email.to_string().as_str()), (name, email), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_sender_is_refused() {
        for text in [
            "",
            "Example",
            "Example <>",
            "a@example.com, b@example.com",
            "a@b@example.com",
            "x\n<a@b.example>",
        ] {
            assert!(matches!(sender(text), Err(MailError::InvalidSender(_))), "{text:?}");
        }
    }

    #[test]
    fn bodies_have_one_kind_of_line_end() {
        assert_eq!(lines("a\r\nb\rc\n\r\nd\te\0\u{1b}f\u{85}"), "a\nb\nc\n\nd\tef");
    }

    #[test]
    fn f_11_a_mail_that_is_sent_twice_has_one_message_id() {
        let sender = sender("a@example.com").unwrap();
        let message_id = |id| {
            let (to, text) = ("b@example.com".to_owned(), "x".to_owned());
            let mail = Mail { to, subject: "x".to_owned(), text, html: None, id };
            let written = String::from_utf8(write(&sender, mail).unwrap().formatted()).unwrap();
            written.lines().find(|line| line.starts_with("Message-ID:")).unwrap().to_owned()
        };
        let id = Uuid::from_u128(7);
        assert_eq!(message_id(Some(id)), format!("Message-ID: <{id}@example.com>"));
        assert_ne!(message_id(None), message_id(None));
    }
}
