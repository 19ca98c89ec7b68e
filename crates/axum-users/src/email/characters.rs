//! Classes of characters, and how a character that is refused is shown in a reason.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use unicode_normalization::char::{is_combining_mark, is_public_assigned};

use super::EmailError;

/// Names of the spaces, separators, format characters and common combining marks, by code point in hexadecimal.
static NAMES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    include_str!("character_names.txt").lines().filter_map(|line| line.split_once(' ')).collect()
});

/// The text without outer white space, which for Python includes the four ASCII separators.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// White space as Python's `str.isspace` has it.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// A character of an ASCII atom (RFC 5322 §3.2.3).
pub(super) fn is_atom_text(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// A letter; Unicode's alphabetic characters are marks and symbols such as `Ⓐ` as well.
pub(super) fn is_letter(c: char) -> bool {
    let is_circled_or_squared = matches!(c,
        'Ⓐ'..='ⓩ' | '\u{1f130}'..='\u{1f149}'
        | '\u{1f150}'..='\u{1f169}' | '\u{1f170}'..='\u{1f189}');
    c.is_alphabetic() && !is_circled_or_squared && !is_combining_mark(c)
}

/// Refuses what would make the text unsafe or senseless: control, format, private and unassigned characters,
/// separators, spaces unless `allow_space`, and a combining mark that would combine with what stands before
/// the text.
pub(super) fn check_safe(text: &str, allow_space: bool) -> Result<(), EmailError> {
    let unsafe_characters: BTreeSet<char> = text
        .chars()
        .enumerate()
        .filter(|&(position, c)| match class(c) {
            Class::Visible => false,
            Class::Mark => position == 0,
            Class::Space => !allow_space,
            Class::Other => true,
        })
        .map(|(_, c)| c)
        .collect();
    if unsafe_characters.is_empty() {
        return Ok(());
    }
    Err(EmailError::UnsafeCharacters { characters: list(unsafe_characters) })
}

/// The characters for which `refused` holds, each once and sorted as shown; `None` if there are none.
pub(super) fn refused(text: &str, refused: impl Fn(char) -> bool) -> Option<String> {
    let found: BTreeSet<char> = text.chars().filter(|&c| refused(c)).collect();
    let shown: BTreeSet<String> = found.into_iter().map(display).collect();
    if shown.is_empty() { None } else { Some(Vec::from_iter(shown).join(", ")) }
}

/// The characters as shown, in their order.
pub(super) fn list(characters: impl IntoIterator<Item = char>) -> String {
    characters.into_iter().map(display).collect::<Vec<_>>().join(", ")
}

/// The text as Python's `repr` shows it.
pub(super) fn quote(text: &str) -> String {
    let escape = |c: char| match u32::from(c) {
        _ if matches!(class(c), Class::Visible | Class::Mark) => c.to_string(),
        code @ ..0x100 => format!("\\x{code:02x}"),
        code @ ..0x1_0000 => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    };
    format!("'{}'", text.chars().map(escape).collect::<String>())
}

/// A character in quotes if it can be seen, otherwise its name, otherwise its code point.
fn display(c: char) -> String {
    match class(c) {
        Class::Visible if matches!(c, '\\' | '\'') => format!("\"{c}\""),
        Class::Visible => format!("'{c}'"),
        _ => name(c).map_or_else(|| code_point(c), ToOwned::to_owned),
    }
}

fn code_point(c: char) -> String {
    let code = u32::from(c);
    if code < 0xffff { format!("U+{code:04X}") } else { format!("U+{code:08X}") }
}

fn name(c: char) -> Option<&'static str> {
    NAMES.get(format!("{:04X}", u32::from(c)).as_str()).copied()
}

/// General categories, as far as they matter here.
#[derive(Clone, Copy)]
enum Class {
    /// Letters, numbers, punctuation, symbols.
    Visible,
    /// Combining marks.
    Mark,
    /// Space separators.
    Space,
    /// Line and paragraph separators, control, format, private use, unassigned.
    Other,
}

fn class(c: char) -> Class {
    if c.is_ascii_graphic() {
        Class::Visible
    } else if is_combining_mark(c) {
        Class::Mark
    } else if c.is_control() || is_format(c) || matches!(c, '\u{2028}' | '\u{2029}') || !is_public_assigned(c)
    {
        Class::Other
    } else if c.is_whitespace() {
        Class::Space
    } else {
        Class::Visible
    }
}

/// General category Cf.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}'
        | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}'
        | '\u{e0020}'..='\u{e007f}')
}
