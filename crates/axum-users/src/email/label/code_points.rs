//! Which characters IDNA 2008 allows in a label (RFC 5892).

use idna::uts46::{AsciiDenyList, Hyphens, Uts46};
use unicode_normalization::char::is_combining_mark;

use super::super::characters::is_letter;

/// The zero of every script outside ASCII whose digits UTS #46 keeps; nine more digits follow each.
const ZEROS: &str = "\
    \u{660}\u{6f0}\u{7c0}\u{966}\u{9e6}\u{a66}\u{ae6}\u{b66}\u{be6}\u{c66}\u{ce6}\u{d66}\u{de6}\u{e50}\
    \u{ed0}\u{f20}\u{1040}\u{1090}\u{17e0}\u{1810}\u{1946}\u{19d0}\u{1a80}\u{1a90}\u{1b50}\u{1bb0}\
    \u{1c40}\u{1c50}\u{a620}\u{a8d0}\u{a900}\u{a9d0}\u{a9f0}\u{aa50}\u{abf0}\u{104a0}\u{10d30}\
    \u{11066}\u{110f0}\u{11136}\u{111d0}\u{112f0}\u{11450}\u{114d0}\u{11650}\u{116c0}\u{11730}\
    \u{118e0}\u{11950}\u{11c50}\u{11d50}\u{11da0}\u{16a60}\u{16ac0}\u{16b50}\u{1e140}\u{1e2f0}\
    \u{1e950}\u{10d40}\u{116d0}\u{116da}\u{11bf0}\u{11de0}\u{11f50}\u{16d70}\
    \u{1e4f0}\u{1e5f1}";

/// What UTS #46 maps a character to, if it allows it.
pub(super) fn map(c: char) -> Option<String> {
    if c.is_ascii() {
        return Some(c.to_ascii_lowercase().into());
    }
    // A mark needs a letter before it and an Arabic digit an Arabic one: these letters compose with nothing.
    ["", "\u{4e00}", "\u{628}"].iter().find_map(|letter| {
        let text = format!("{letter}{c}");
        let (mapped, verdict) =
            Uts46::new().to_unicode(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
        verdict.ok()?;
        mapped.strip_prefix(letter).map(ToOwned::to_owned)
    })
}

/// Whether the character is allowed wherever it stands: a letter, mark or decimal digit that UTS #46 maps to
/// itself, or one of the exceptions (RFC 5892 §2.6 to §2.9).
pub(super) fn is_allowed(c: char) -> bool {
    match c {
        'a'..='z' | '0'..='9' | '-' => true,
        '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' => true,
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}' => false,
        // Old Hangul letters, enclosing marks, and marks that belong to symbols.
        '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}' | '\u{d7b0}'..='\u{d7fb}' => false,
        '\u{488}' | '\u{489}' | '\u{1abe}' | '\u{a670}'..='\u{a672}' => false,
        '\u{20d0}'..='\u{20ff}' | '\u{1d100}'..='\u{1d24f}' => false,
        _ => is_letter_mark_or_digit(c) && map(c).is_some_and(|mapped| mapped.chars().eq([c])),
    }
}

/// The verdict on a character that is allowed in some company only (RFC 5892 appendix A.3 to A.9); `position`
/// is counted from 1.
pub(super) fn allowed_in_context(label: &str, position: usize, c: char) -> Option<bool> {
    let before = position.checked_sub(2).and_then(|index| label.chars().nth(index));
    let after = label.chars().nth(position);
    match c {
        '\u{b7}' => Some(before == Some('l') && after == Some('l')),
        '\u{375}' => Some(after.is_some_and(is_greek)),
        '\u{5f3}' | '\u{5f4}' => Some(before.is_some_and(is_hebrew)),
        '\u{30fb}' => Some(label.chars().any(is_japanese)),
        '\u{660}'..='\u{669}' => Some(!label.contains(|other| matches!(other, '\u{6f0}'..='\u{6f9}'))),
        '\u{6f0}'..='\u{6f9}' => Some(!label.contains(|other| matches!(other, '\u{660}'..='\u{669}'))),
        _ => None,
    }
}

fn is_letter_mark_or_digit(c: char) -> bool {
    is_combining_mark(c) || if c.is_numeric() { is_decimal_digit(c) } else { is_letter(c) }
}

fn is_decimal_digit(c: char) -> bool {
    ZEROS.chars().any(|zero| u32::from(c).checked_sub(zero.into()).is_some_and(|value| value < 10))
}

fn is_greek(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3e1}' | '\u{3f0}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}')
}

fn is_hebrew(c: char) -> bool {
    matches!(c, '\u{591}'..='\u{5f4}')
}

/// Hiragana, Katakana or Han.
fn is_japanese(c: char) -> bool {
    matches!(c,
        '\u{3005}' | '\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}'
        | '\u{30fd}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{20000}'..='\u{3ffff}')
}
