use std::fmt;

use minijinja::{Value, context};

/// A longer name is cut: a message does not fit into it.
const NAME_MAX_CHARS: usize = 64;

/// What a mail is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// Asks the recipient to verify the address. The link holds a token.
    VerifyEmail,
    /// Lets the recipient choose a new password. The link holds a token.
    ResetPassword,
    /// Tells the recipient that somebody registered the address of the existing account. The link, if any, leads to
    /// the page for signing in.
    AlreadyRegistered,
    /// Tells the recipient that too many wrong passwords were tried. The link, if any, leads to the page for signing in.
    LoginLimited,
    /// Tells the recipient that somebody logged in from a browser that is not known. The link is as before.
    NewDevice,
    /// Asks the recipient to confirm that an account is to have this address. The link holds a token.
    ConfirmEmail,
    /// Tells the recipient that somebody wanted to use the address for another account. The link, if any, leads to the page
    /// for signing in.
    EmailInUse,
    /// Tells the recipient that the account has another address. The link, if any, takes that back, and holds a token.
    EmailChanged,
    /// Tells the recipient that the password was changed. The link, if any, leads to the page for signing in.
    PasswordChanged,
    /// Tells the recipient that one can log in by an account at a provider. The link is as before.
    AccountLinked,
    /// Tells the recipient that an account at a provider was taken away. The link is as before.
    AccountUnlinked,
}

impl MailKind {
    pub(super) const ALL: [Self; 11] = [
        Self::VerifyEmail,
        Self::ResetPassword,
        Self::AlreadyRegistered,
        Self::LoginLimited,
        Self::NewDevice,
        Self::ConfirmEmail,
        Self::EmailInUse,
        Self::EmailChanged,
        Self::PasswordChanged,
        Self::AccountLinked,
        Self::AccountUnlinked,
    ];
}

/// The name of its files.
impl fmt::Display for MailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::AlreadyRegistered => "already_registered",
            Self::LoginLimited => "login_limited",
            Self::NewDevice => "new_device",
            Self::ConfirmEmail => "confirm_email",
            Self::EmailInUse => "email_in_use",
            Self::EmailChanged => "email_changed",
            Self::PasswordChanged => "password_changed",
            Self::AccountLinked => "account_linked",
            Self::AccountUnlinked => "account_unlinked",
        })
    }
}

/// What a mail tells. Its `Debug` shows no link, because links hold tokens.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MailValues {
    /// The name of the product.
    pub product: String,
    /// The address of the recipient.
    pub email: String,
    /// How the person is called; empty when unknown.
    ///
    /// Whoever registered the address chose this text, so the built-in templates do not show it, and in others it
    /// cannot become a link.
    pub name: String,
    /// The link to open, made by [`PublicUrl`](crate::PublicUrl); empty for none.
    pub link: String,
    /// How long the link is valid, in minutes.
    pub lifetime_minutes: u64,
    /// The name of the provider of an account, such as `google`; empty where none is meant.
    pub provider: String,
}

impl MailValues {
    pub(super) fn context(&self) -> Value {
        context! {
            product => one_line(&self.product),
            email => one_line(&self.email),
            name => inert(&one_line(&self.name)),
            link => one_line(&self.link),
            lifetime => lifetime(self.lifetime_minutes),
            lifetime_minutes => self.lifetime_minutes,
            provider => one_line(&self.provider),
        }
    }
}

impl fmt::Debug for MailValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailValues")
            .field("product", &self.product)
            .field("email", &self.email)
            .field("name", &self.name)
            .field("lifetime_minutes", &self.lifetime_minutes)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// The text in one line: no control characters, none that turn the direction of what follows, single spaces.
pub(super) fn one_line(text: &str) -> String {
    let visible = text.replace(|c: char| c.is_control(), " ").replace(turns_direction, "");
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The explicit bidirectional controls (Unicode UAX #9 §2).
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text as it reads, but not as a link: mail programs turn `https://…`, `www.…` and `a@b` into links, unless a
/// word joiner, which is invisible, is in the middle.
fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for c in text.chars().take(NAME_MAX_CHARS) {
        inert.push(c);
        if matches!(c, '.' | ':' | '/' | '@') {
            inert.push('\u{2060}');
        }
    }
    inert
}

fn lifetime(minutes: u64) -> String {
    let (number, unit) = match minutes {
        _ if minutes >= 2 * 24 * 60 && minutes.is_multiple_of(24 * 60) => (minutes / (24 * 60), "day"),
        _ if minutes >= 60 && minutes.is_multiple_of(60) => (minutes / 60, "hour"),
        _ => (minutes, "minute"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_reads_as_people_say_it() {
        for (minutes, text) in [
            (1, "1 minute"),
            (45, "45 minutes"),
            (60, "1 hour"),
            (90, "90 minutes"),
            (24 * 60, "24 hours"),
            (36 * 60, "36 hours"),
            (48 * 60, "2 days"),
        ] {
            assert_eq!(lifetime(minutes), text);
        }
    }

    #[test]
    fn one_line_has_no_breaks_and_no_turned_text() {
        assert_eq!(one_line(" a\r\nBcc: b\t\u{0}c \u{2028} d\u{202e}e "), "a Bcc: b c de");
        assert_eq!(one_line("Jürgen 山田"), "Jürgen 山田");
    }

    #[test]
    fn debug_shows_no_link() {
        let values = MailValues { link: "https://example.com/#token=secret".into(), ..MailValues::default() };
        assert!(!format!("{values:?}").contains("secret"));
    }
}
