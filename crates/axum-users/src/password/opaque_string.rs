//! The form in which passwords are set.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The profile OpaqueString of RFC 8265 §4.2.1: every space is a plain one, and what can be written in several ways is composed.
/// Case and width stay. ASCII is as it is.
pub(crate) fn opaque_string(password: &str) -> Cow<'_, str> {
    if password.is_ascii() || !password.contains(is_other_space) && is_nfc(password) {
        return Cow::Borrowed(password);
    }
    Cow::Owned(password.chars().map(|c| if is_other_space(c) { ' ' } else { c }).nfc().collect())
}

/// The general category Zs but U+0020 itself; assigned for good.
const fn is_other_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 8265 §4.3, and others.
    #[test]
    fn what_is_the_same_for_people_is_the_same() {
        for same in ["correct horse battery staple", "Correct Horse Battery Staple", "πßå", "Jack of ♦s", ""]
        {
            assert!(matches!(opaque_string(same), Cow::Borrowed(kept) if kept == same), "{same}");
        }
        assert_eq!(opaque_string("foo\u{1680}bar"), "foo bar");
        assert_eq!(opaque_string("e\u{301}t\u{e9}\u{a0}"), "\u{e9}t\u{e9} ");
        assert_eq!(opaque_string("\u{212b}"), "\u{e5}".to_uppercase());
        // Neither width nor case nor compatibility: they would make different passwords the same.
        for other in ["\u{ff21}", "\u{fb01}", "\u{2460}"] {
            assert_eq!(opaque_string(other), other);
        }
    }
}
