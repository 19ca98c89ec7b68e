//! The part after the @-sign.

use std::net::{Ipv4Addr, Ipv6Addr};

use unicode_normalization::char::decompose_compatible;

use super::{EmailError, characters, label};

/// Longest domain name, in octets of its ASCII form (RFC 1035 §2.3.4, without the root label).
const MAX_DOMAIN_OCTETS: usize = 253;
/// Longest label, in octets of its ASCII form (RFC 1035 §2.3.1).
const MAX_LABEL_OCTETS: usize = 63;
/// Names that never are a public mail domain (IANA special-use domain names, RFC 6761). The `example` names
/// are not among them: RFC 6761 wants applications to treat those like any other.
const SPECIAL_USE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

/// A domain name in both of its forms.
pub(super) struct Domain {
    pub unicode: String,
    pub ascii: String,
}

/// Brings a domain name to its canonical form and validates it.
pub(super) fn normalize(domain: &str) -> Result<Domain, EmailError> {
    if domain.is_empty() {
        return Err(EmailError::EmptyDomain);
    }
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Err(refuse_literal(literal));
    }
    if let Some(characters) = characters::refused(domain, |c| !is_host_character(c)) {
        return Err(EmailError::DomainCharacters { characters });
    }
    characters::check_safe(domain, false)?;
    if let Some(characters) = characters::refused(domain, hides_period) {
        return Err(EmailError::DomainCharacters { characters });
    }
    let mapped = label::map(domain).map_err(EmailError::UnmappableDomain)?;
    if let Some(characters) = characters::refused(&mapped, |c| !is_host_character(c)) {
        return Err(EmailError::MappedDomainCharacters { characters });
    }
    check_periods_and_hyphens(&mapped)?;
    let ascii = if mapped.is_ascii() {
        mapped
    } else {
        join_labels(&mapped, label::to_ascii).map_err(EmailError::InvalidDomain)?
    };
    check_lengths(&ascii, domain)?;
    check_public(&ascii)?;
    let unicode = join_labels(&ascii, label::to_unicode).map_err(EmailError::NotIdna)?;
    characters::check_safe(&unicode, false)?;
    Ok(Domain { unicode, ascii })
}

fn is_host_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.') || !c.is_ascii()
}

/// Whether the character is written with a period, as `⒈` is; full-width periods are label separators.
fn hides_period(c: char) -> bool {
    let mut hidden = false;
    decompose_compatible(c, |part| hidden |= part == '.');
    hidden && !matches!(c, '.' | '．' | '\u{fe19}' | '\u{fe30}')
}

fn check_periods_and_hyphens(domain: &str) -> Result<(), EmailError> {
    if domain.ends_with('.') {
        return Err(EmailError::EndsWith { with: "period" });
    }
    if domain.starts_with('.') {
        return Err(EmailError::StartsAfterAtSign { with: "period" });
    }
    if domain.contains("..") {
        return Err(EmailError::TwoPeriods);
    }
    if domain.ends_with('-') {
        return Err(EmailError::EndsWith { with: "hyphen" });
    }
    if domain.starts_with('-') {
        return Err(EmailError::StartsAfterAtSign { with: "hyphen" });
    }
    if domain.contains(".-") || domain.contains("-.") {
        return Err(EmailError::PeriodNextToHyphen);
    }
    if domain.split('.').any(is_reserved) {
        return Err(EmailError::ReservedLabel);
    }
    Ok(())
}

/// Two hyphens in the third and fourth place mark an encoding, and Punycode is the only one (RFC 5890
/// §2.3.1).
fn is_reserved(label: &str) -> bool {
    let mut characters = label.chars();
    let prefix = (characters.next(), characters.next());
    characters.as_str().starts_with("--") && prefix != (Some('x'), Some('n'))
}

fn check_lengths(ascii: &str, original: &str) -> Result<(), EmailError> {
    if ascii.len() > MAX_DOMAIN_OCTETS {
        let octets = ascii.len() - MAX_DOMAIN_OCTETS;
        return Err(if ascii == original {
            EmailError::DomainTooLong { characters: octets }
        } else {
            EmailError::EncodedDomainTooLong { octets }
        });
    }
    match ascii.split('.').find(|label| label.len() > MAX_LABEL_OCTETS) {
        Some(label) => Err(EmailError::LabelTooLong { characters: label.len() - MAX_LABEL_OCTETS }),
        None => Ok(()),
    }
}

fn check_public(ascii: &str) -> Result<(), EmailError> {
    let Some((_, top_level)) = ascii.rsplit_once('.') else { return Err(EmailError::NoPeriod) };
    if !ascii.ends_with(|last: char| last.is_ascii_alphabetic()) {
        return Err(EmailError::NoTopLevelDomain);
    }
    if SPECIAL_USE.contains(&top_level) {
        return Err(EmailError::SpecialUseDomain);
    }
    Ok(())
}

/// No address literal is accepted (RFC 5321 §4.1.3); a malformed one is told so.
fn refuse_literal(literal: &str) -> EmailError {
    if !literal.is_empty() && literal.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return literal
            .parse::<Ipv4Addr>()
            .map_or_else(EmailError::Ipv4Literal, |_| EmailError::AddressLiteral);
    }
    if let Some(address) = literal.strip_prefix("IPv6:") {
        return address
            .parse::<Ipv6Addr>()
            .map_or_else(EmailError::Ipv6Literal, |_| EmailError::AddressLiteral);
    }
    if !literal.contains(':') {
        return EmailError::UntaggedLiteral;
    }
    match characters::refused(literal, |c| !matches!(c, '\u{21}'..='\u{fa}')) {
        Some(characters) => EmailError::LiteralCharacters { characters },
        None => EmailError::LiteralTag,
    }
}

fn join_labels<E>(domain: &str, convert: impl Fn(&str) -> Result<String, E>) -> Result<String, E> {
    Ok(domain.split('.').map(convert).collect::<Result<Vec<_>, E>>()?.join("."))
}
