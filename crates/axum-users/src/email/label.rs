//! Labels of internationalised domain names.
//!
//! The `idna` crate maps and encodes by UTS #46, which also lets symbols through. Here stand the checks of
//! IDNA 2008 (RFC 5891 to 5893) that it leaves out, and the reasons, worded as Python's idna package words
//! them.

use idna::{
    punycode,
    uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46},
};
use unicode_normalization::{
    UnicodeNormalization,
    char::{canonical_combining_class, is_combining_mark},
    is_nfc,
};

use super::characters::quote;

mod bidi;
mod code_points;

const MAX_DOMAIN_CHARACTERS: usize = 1024;
const MAX_LABEL_OCTETS: usize = 63;
/// Bounds the work on a label before its length in octets is known.
const MAX_LABEL_CHARACTERS: usize = 254;
/// The canonical combining class of the viramas, after which a joiner may stand (RFC 5892 appendix A.1).
const VIRAMA: u8 = 9;

/// Why a label is no valid IDNA 2008 label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// More than 1024 characters.
    #[error("Domain too long")]
    DomainTooLong,
    /// More than 63 octets.
    #[error("Label too long")]
    TooLong,
    /// A character that UTS #46 does not map.
    #[error("Codepoint U+{code_point:04X} not allowed at position {position} in {}", quote(domain))]
    Unmapped {
        /// The character's number.
        code_point: u32,
        /// Its place, from 1.
        position: usize,
        /// The domain as given.
        domain: String,
    },
    /// A Punycode prefix with nothing after it.
    #[error("Malformed A-label, no Punycode eligible content found")]
    EmptyPunycode,
    /// Not Punycode.
    #[error("Invalid A-label")]
    NotPunycode,
    /// Punycode that nothing encodes to.
    #[error("A-label is not the canonical Punycode encoding of its U-label")]
    NotCanonical,
    /// Not in normalisation form C.
    #[error("Label must be in Normalization Form C")]
    NotNormalized,
    /// Hyphens in the third and fourth place.
    #[error("Label has disallowed hyphens in 3rd and 4th position")]
    HyphensInPrefix,
    /// A hyphen in the first or last place.
    #[error("Label must not start or end with a hyphen")]
    OuterHyphen,
    /// A combining mark in the first place.
    #[error("Label begins with an illegal combining character")]
    LeadingMark,
    /// A character IDNA 2008 disallows.
    #[error("Codepoint U+{code_point:04X} at position {position} of {} not allowed", quote(label))]
    Disallowed {
        /// The character's number.
        code_point: u32,
        /// Its place, from 1.
        position: usize,
        /// The label.
        label: String,
    },
    /// A character that is allowed in other company only.
    #[error("{kind} U+{code_point:04X} not allowed at position {position} in {}", quote(label))]
    Context {
        /// `Joiner` or `Codepoint`.
        kind: &'static str,
        /// The character's number.
        code_point: u32,
        /// Its place, from 1.
        position: usize,
        /// The label.
        label: String,
    },
    /// A label with right-to-left letters that does not start with a letter.
    #[error("First codepoint in label {} must be directionality L, R or AL", quote(label))]
    FirstDirection {
        /// The label.
        label: String,
    },
    /// A character running the wrong way.
    #[error("Invalid direction for codepoint at position {position} in a {label_direction} label")]
    Direction {
        /// Its place, from 1.
        position: usize,
        /// `right-to-left` or `left-to-right`.
        label_direction: &'static str,
    },
    /// European and Arabic digits in one label.
    #[error("Can not mix numeral types in a right-to-left label")]
    MixedNumerals,
    /// A last character running the wrong way.
    #[error("Label ends with illegal codepoint directionality")]
    LastDirection,
}

/// Maps a domain name by UTS #46: lower case, compatibility forms, form C; label separators become periods.
pub(super) fn map(domain: &str) -> Result<String, LabelError> {
    if domain.chars().count() > MAX_DOMAIN_CHARACTERS {
        return Err(LabelError::DomainTooLong);
    }
    if domain.is_ascii() {
        return Ok(domain.to_ascii_lowercase());
    }
    let mut mapped = String::with_capacity(domain.len());
    for (position, c) in (1..).zip(domain.chars()) {
        let Some(replacement) = code_points::map(c) else {
            return Err(LabelError::Unmapped { code_point: c.into(), position, domain: domain.to_owned() });
        };
        mapped.push_str(&replacement);
    }
    Ok(mapped.nfc().collect())
}

/// The ASCII form of a mapped label.
pub(super) fn to_ascii(label: &str) -> Result<String, LabelError> {
    let ascii = if label.is_ascii() {
        to_unicode(label)?;
        label.to_owned()
    } else {
        check(label)?;
        encode(label)?
    };
    if ascii.len() > MAX_LABEL_OCTETS { Err(LabelError::TooLong) } else { Ok(ascii) }
}

/// The Unicode form of an ASCII label.
pub(super) fn to_unicode(label: &str) -> Result<String, LabelError> {
    let Some(encoded) = label.strip_prefix("xn--") else { return Ok(label.to_owned()) };
    if encoded.is_empty() {
        return Err(LabelError::EmptyPunycode);
    }
    // An empty part before the last hyphen is no part: it decodes, but nothing encodes to it.
    let digits = if encoded.rfind('-') == Some(0) { encoded.trim_start_matches('-') } else { encoded };
    let decoded = punycode::decode_to_string(digits).ok_or(LabelError::NotPunycode)?;
    if punycode::encode_str(&decoded).as_deref() != Some(encoded) {
        return Err(LabelError::NotCanonical);
    }
    check(&decoded)?;
    if encode(&decoded)? == label { Ok(decoded) } else { Err(LabelError::NotCanonical) }
}

/// Has the last word: what is returned is valid by UTS #46 as well.
fn encode(label: &str) -> Result<String, LabelError> {
    Uts46::new()
        .to_ascii(label.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Ignore)
        .map(Into::into)
        .map_err(|_| bidi::reason(label))
}

fn check(label: &str) -> Result<(), LabelError> {
    if label.chars().count() > MAX_LABEL_CHARACTERS {
        return Err(LabelError::TooLong);
    }
    if !is_nfc(label) {
        return Err(LabelError::NotNormalized);
    }
    if label.chars().skip(2).take(2).eq("--".chars()) {
        return Err(LabelError::HyphensInPrefix);
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(LabelError::OuterHyphen);
    }
    if label.starts_with(is_combining_mark) {
        return Err(LabelError::LeadingMark);
    }
    for (position, c) in (1..).zip(label.chars()) {
        let context =
            |kind| LabelError::Context { kind, code_point: c.into(), position, label: label.to_owned() };
        if matches!(c, '\u{200c}' | '\u{200d}') {
            if !joiner_is_allowed(label, position, c) {
                return Err(context("Joiner"));
            }
        } else if let Some(allowed) = code_points::allowed_in_context(label, position, c) {
            if !allowed {
                return Err(context("Codepoint"));
            }
        } else if !code_points::is_allowed(c) {
            return Err(LabelError::Disallowed { code_point: c.into(), position, label: label.to_owned() });
        }
    }
    Ok(())
}

/// A joiner may follow a virama; whether a non-joiner stands between joining letters is asked of `idna`.
fn joiner_is_allowed(label: &str, position: usize, joiner: char) -> bool {
    let before = position.checked_sub(2).and_then(|index| label.chars().nth(index));
    before.is_some_and(|c| canonical_combining_class(c) == VIRAMA)
        || (joiner == '\u{200c}' && encode(label).is_ok())
}
