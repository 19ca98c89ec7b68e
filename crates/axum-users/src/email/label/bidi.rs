//! Why a label breaks the Bidi rule (RFC 5893 §2). That it does is decided by `idna`.

use unicode_normalization::char::is_combining_mark;

use super::LabelError;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    LeftToRight,
    RightToLeft,
    ArabicNumber,
    EuropeanNumber,
    Mark,
    Neutral,
}

/// The first part of the rule that the label breaks.
pub(super) fn reason(label: &str) -> LabelError {
    let right_to_left = match label.chars().next().map(direction) {
        Some(Direction::RightToLeft) => true,
        Some(Direction::LeftToRight) => false,
        _ => return LabelError::FirstDirection { label: label.to_owned() },
    };
    let (wrong, label_direction): (&[Direction], _) = if right_to_left {
        (&[Direction::LeftToRight], "right-to-left")
    } else {
        (&[Direction::RightToLeft, Direction::ArabicNumber], "left-to-right")
    };
    let mut numbers = None;
    for (position, direction) in (1..).zip(label.chars().map(direction)) {
        if wrong.contains(&direction) {
            return LabelError::Direction { position, label_direction };
        }
        let is_number = matches!(direction, Direction::ArabicNumber | Direction::EuropeanNumber);
        if is_number && *numbers.get_or_insert(direction) != direction {
            return LabelError::MixedNumerals;
        }
    }
    LabelError::LastDirection
}

/// The class of a character that IDNA 2008 allows; letters run the way of their block.
fn direction(c: char) -> Direction {
    match c {
        '0'..='9' | '\u{6f0}'..='\u{6f9}' => Direction::EuropeanNumber,
        '\u{660}'..='\u{669}' | '\u{10d30}'..='\u{10d39}' => Direction::ArabicNumber,
        '-' | '\u{b7}' | '\u{375}' | '\u{30fb}' => Direction::Neutral,
        _ if is_combining_mark(c) => Direction::Mark,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => Direction::RightToLeft,
        '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}' => Direction::RightToLeft,
        _ => Direction::LeftToRight,
    }
}
