//! Takes a display name off, and an address apart.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    EmailError,
    characters::{self, is_atom_text, is_letter, is_space},
};

/// An address taken apart, not yet validated.
pub(super) struct Parts<'a> {
    /// Before the @-sign, without quotes and escapes.
    pub local: String,
    /// After the @-sign.
    pub domain: &'a str,
    /// Whether the local part stood in quotes.
    pub quoted: bool,
    /// Whether the address stood in angle brackets.
    pub bracketed: bool,
}

/// The text between the angle brackets of `Name <…>`, `"Name" <…>` or `<…>`; any other text as it is.
pub(super) fn without_display_name(input: &str) -> &str {
    let text = characters::trim(input);
    let Some(body) = text.strip_suffix('>') else { return input };
    let address = if body.starts_with('"') {
        body.rmatch_indices('"').filter(|&(position, _)| position > 1).find_map(|(position, _)| {
            body.get(position + 1..)?.trim_start_matches(is_space).strip_prefix('<')
        })
    } else {
        body.split_once('<')
            .filter(|(name, _)| name.chars().all(|c| is_space(c) || is_name_character(c)))
            .map(|(_, address)| address)
    };
    address.filter(|address| !address.is_empty()).unwrap_or(input)
}

/// Splits at the first @-sign outside quotes.
pub(super) fn split(address: &str) -> Result<Parts<'_>, EmailError> {
    let (left, right) = split_at_unquoted(address, &['@', '<'])?;
    let (left, right, bracketed) = if right.starts_with('<') {
        check_display_name(left.trim_end_matches(is_space))?;
        if !right.contains('>') {
            return Err(EmailError::UnclosedAngleBracket);
        }
        let Some(inner) = right.trim_end_matches(' ').strip_suffix('>') else {
            return Err(EmailError::TextAfterAddress);
        };
        let inner = inner.strip_prefix('<').unwrap_or(inner).trim_end_matches('>');
        let (left, right) = split_at_unquoted(inner, &['@'])?;
        (left, right, true)
    } else {
        (left, right, false)
    };
    let (local, quoted) = unquote(left)?;
    Ok(Parts { local, domain: right.strip_prefix('@').unwrap_or(right), quoted, bracketed })
}

/// Letters, digits and the atom characters, as pydantic allows them in a name without quotes.
fn is_name_character(c: char) -> bool {
    c == '.' || is_atom_text(c) || is_letter(c) || c.is_numeric()
}

fn check_display_name(text: &str) -> Result<(), EmailError> {
    let (name, quoted) = unquote(text)?;
    if !quoted && let Some(characters) = characters::refused(&name, |c| !is_atom_text(c) && c != ' ') {
        return Err(EmailError::DisplayNameCharacters { characters });
    }
    characters::check_safe(&name, true)
}

/// The text before and from the first of the special characters that stands outside quotes.
fn split_at_unquoted<'a>(text: &'a str, special: &[char]) -> Result<(&'a str, &'a str), EmailError> {
    let mut in_quotes = false;
    let mut escaped = false;
    for (position, c) in text.char_indices() {
        let rest = text.get(position..).unwrap_or_default();
        if composes(c, rest) {
            continue;
        }
        if in_quotes {
            in_quotes = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else if c == '"' {
            in_quotes = true;
        } else if special.contains(&c) {
            return Ok(text.split_at(position));
        }
    }
    Err(if text.contains('＠') {
        EmailError::FullWidthAtSign
    } else if text.contains('﹫') {
        EmailError::SmallAtSign
    } else {
        EmailError::MissingAtSign
    })
}

/// Whether an ASCII character becomes another one together with the marks that follow, as `<` does with
/// U+0338.
fn composes(c: char, rest: &str) -> bool {
    c.is_ascii_punctuation()
        && rest.chars().nth(1).is_some_and(is_combining_mark)
        && rest.nfc().next() != Some(c)
}

/// Removes the quotes around the text and the escapes in it; tells whether there were quotes.
fn unquote(text: &str) -> Result<(String, bool), EmailError> {
    let Some(inner) = text.strip_prefix('"') else { return Ok((text.to_owned(), false)) };
    let mut value = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => break,
            '\\' => value.extend(characters.next()),
            _ => value.push(c),
        }
    }
    if characters.as_str().is_empty() {
        return Ok((value, true));
    }
    Err(EmailError::TextAfterQuote { characters: characters::list(characters) })
}
