//! E-mail addresses as identities: which are accepted, how they are stored, how they are compared.
//!
//! An address is normalised first and validated after, so that what is stored, compared and mailed to is the
//! string that was checked. Rules, results and reasons follow Python's email-validator 2.3 as pydantic's
//! `EmailStr` calls it: syntax only, no DNS. [`EmailRules::secure`] accepts less than that.
//!
//! Some texts differ from Python's, not the verdicts: the detail on a malformed IP literal is the Rust
//! standard library's, combining marks outside U+0300 to U+036F are shown by number instead of name, the
//! Arabic phrases U+FDFA and U+FDFB are refused as characters instead of for their spaces, and the reason why
//! a label breaks the Bidi rule takes the direction of letters from their block.

mod characters;
mod domain;
mod error;
mod label;
mod local_part;
mod split;

use unicode_normalization::UnicodeNormalization;

pub use self::{error::EmailError, label::LabelError};

/// Longest input that is looked at, in characters (pydantic's limit).
const MAX_INPUT_CHARACTERS: usize = 2048;
/// Longest address, in octets (RFC 5321 §4.5.3.1.3, RFC 3696 erratum 1690).
const MAX_ADDRESS_OCTETS: usize = 254;
/// Mailbox names which are the same in any case (RFC 2142 §3 to §5).
const CASE_INSENSITIVE_MAILBOXES: [&str; 15] = [
    "info",
    "marketing",
    "sales",
    "support",
    "abuse",
    "noc",
    "security",
    "postmaster",
    "hostmaster",
    "usenet",
    "news",
    "webmaster",
    "www",
    "uucp",
    "ftp",
];

/// What addresses are accepted.
///
/// Under any rules an address has at most 254 octets, an unquoted local part, and a domain name of valid IDNA
/// 2008 labels with at least one period and outside the special-use names (RFC 6761).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmailRules {
    /// Accept `Name <a@example.org>` and reduce it to the address.
    pub display_name: bool,
    /// Accept letters outside ASCII before the @-sign; mailing to such an address needs SMTPUTF8 (RFC 6531).
    pub unicode_local_part: bool,
    /// Accept `%`, `!` and `?` before the @-sign. Mail systems have taken the first two for routes to another
    /// host, and `=?…?=` for an encoded word (RFC 2047) that hides another address.
    pub routing_characters: bool,
    /// Accept more than 64 octets before the @-sign (RFC 5321 §4.5.3.1.1 allows 64).
    pub long_local_part: bool,
}

impl EmailRules {
    /// One plain address that any mail server can deliver to.
    pub const fn secure() -> Self {
        Self {
            display_name: false,
            unicode_local_part: false,
            routing_characters: false,
            long_local_part: false,
        }
    }

    /// The addresses fastapi-users accepts.
    pub const fn fastapi_users() -> Self {
        Self { display_name: true, unicode_local_part: true, routing_characters: true, long_local_part: true }
    }
}

/// The address to store and to send to.
///
/// Outer white space is trimmed, a display name dropped if the rules allow one, the domain brought to its
/// lower-case Unicode form (UTS #46), the local part to normalisation form C. The case of the local part is
/// kept, but for the role names of RFC 2142 such as `postmaster`. A normalised address normalises to itself.
///
/// # Errors
///
/// The first reason for which the address is refused.
pub fn normalize(input: &str, rules: &EmailRules) -> Result<String, EmailError> {
    if input.chars().count() > MAX_INPUT_CHARACTERS {
        return Err(EmailError::InputTooLong);
    }
    if input.contains(['\r', '\n']) {
        return Err(EmailError::LineBreak);
    }
    let reduced = if rules.display_name { split::without_display_name(input) } else { input };
    let parts = split::split(characters::trim(reduced))?;

    local_part::check(&parts.local, parts.quoted, rules)?;
    let mut local: String = parts.local.nfc().collect();
    if local != parts.local {
        local_part::check(&local, parts.quoted, rules)
            .map_err(|error| EmailError::AfterNormalization(Box::new(error)))?;
    }
    if parts.quoted {
        return Err(EmailError::QuotedLocalPart);
    }
    // Python goes by the form given, so that `mar\u{212a}eting` would need two passes.
    if CASE_INSENSITIVE_MAILBOXES.iter().any(|name| local.eq_ignore_ascii_case(name)) {
        local.make_ascii_lowercase();
    }

    let domain = domain::normalize(parts.domain)?;
    let normalized = format!("{local}@{}", domain.unicode);
    check_length(
        &format!("{}@{}", parts.local, parts.domain),
        &normalized,
        local.len() + 1 + domain.ascii.len(),
    )?;
    if parts.bracketed {
        return Err(EmailError::DisplayName);
    }
    Ok(normalized)
}

/// The key two addresses are compared by: the lower-case form of every character of a normalised address.
///
/// Each character is folded on its own, as a database's `lower()` does it, so a sigma does not depend on its
/// place.
pub fn fold(address: &str) -> String {
    if address.is_ascii() {
        return address.to_ascii_lowercase();
    }
    address.chars().flat_map(char::to_lowercase).collect()
}

/// All three forms are limited: callers may go on using any of them.
fn check_length(original: &str, normalized: &str, ascii_octets: usize) -> Result<(), EmailError> {
    if let Some(most) = excess(original.len()) {
        let widest = original.chars().map(char::len_utf8).max().unwrap_or(1);
        return Err(EmailError::TooLong { least: (most / widest).max(1), most });
    }
    if let Some(octets) = excess(normalized.len()) {
        return Err(EmailError::TooLongNormalized { octets });
    }
    excess(ascii_octets).map_or(Ok(()), |octets| Err(EmailError::TooLongInAscii { octets }))
}

fn excess(octets: usize) -> Option<usize> {
    octets.checked_sub(MAX_ADDRESS_OCTETS).filter(|&excess| excess > 0)
}
