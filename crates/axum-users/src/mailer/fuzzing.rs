//! Mails with texts of strangers. See [`crate::fuzzing`].

#![allow(clippy::expect_used, reason = "panics are what it is for")]

use super::{Mail, mail::address, smtp};

/// What is accepted as an address can be mailed to, or is refused before it reaches a mail server.
pub(crate) fn recipient(accepted: Option<&str>) {
    if let Some(address) = accepted.and_then(address) {
        let text = address.to_string();
        assert!(
            !text.contains(|c: char| c.is_control() || c.is_whitespace() || "<>,;".contains(c)),
            "{text:?}"
        );
    }
}

/// A mail whose recipient is the first line, whose subject the second and whose text the rest, from a sender who is all of it.
pub(crate) fn mail(data: &[u8]) {
    crate::fuzzing::with_text(data, |text| {
        let mut lines = text.splitn(3, '\n');
        let mut next = || lines.next().unwrap_or_default().to_owned();
        let mail = Mail { to: next(), subject: next(), text: next(), html: Some(text.to_owned()), id: None };
        recipient(Some(&mail.to));
        smtp::try_sender(text);
        smtp::try_mail(mail);
    });
}
