//! The part before the @-sign.

use super::{
    EmailError, EmailRules,
    characters::{self, is_atom_text},
};

/// Longest local part unless the rules allow more, in octets (RFC 5321 §4.5.3.1.1).
const MAX_OCTETS: usize = 64;

/// Checks a local part of which quotes and escapes were removed.
pub(super) fn check(local: &str, quoted: bool, rules: &EmailRules) -> Result<(), EmailError> {
    if local.is_empty() {
        return Err(EmailError::EmptyLocalPart);
    }
    if !rules.long_local_part && local.len() > MAX_OCTETS {
        return Err(EmailError::LocalPartTooLong { characters: local.len() - MAX_OCTETS });
    }
    let allowed_in_dot_atom = |c: char| match c {
        '%' | '!' | '?' => rules.routing_characters,
        _ => c == '.' || is_atom_text(c) || !c.is_ascii(),
    };
    let is_dot_atom = local.chars().all(allowed_in_dot_atom) && local.split('.').all(|atom| !atom.is_empty());
    if is_dot_atom && local.is_ascii() {
        return Ok(());
    }
    if !is_dot_atom && !quoted {
        return Err(why_no_dot_atom(local, allowed_in_dot_atom));
    }
    if quoted && let Some(characters) = characters::refused(local, |c| c.is_ascii_control()) {
        return Err(EmailError::QuotedCharacters { characters });
    }
    if !rules.unicode_local_part
        && let Some(characters) = characters::refused(local, |c| !c.is_ascii())
    {
        return Err(EmailError::UnicodeLocalPart { characters });
    }
    characters::check_safe(local, quoted && !is_dot_atom)
}

fn why_no_dot_atom(local: &str, allowed: impl Fn(char) -> bool) -> EmailError {
    if let Some(characters) = characters::refused(local, |c| !allowed(c)) {
        EmailError::LocalPartCharacters { characters }
    } else if local.ends_with('.') {
        EmailError::PeriodBeforeAtSign
    } else if local.starts_with('.') {
        EmailError::StartsWithPeriod
    } else {
        EmailError::TwoPeriods
    }
}
