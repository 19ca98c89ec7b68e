//! Where and why JSON is malformed, in the words of Python's `json` module.
//!
//! Clients of FastAPI see these words. `serde_json` does the reading; this runs only on what it refused.

/// Why a text is refused as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A mistake at `position`, which counts characters from zero.
    Malformed { position: usize, message: &'static str },
    /// Well-formed, but nested too deep or with an integer of more than 4300 digits.
    BeyondLimits,
}

/// Python's limit for the digits of an integer.
const MAX_INTEGER_DIGITS: usize = 4300;

/// Finds why `text`, which serde_json refused, is no JSON with at most `max_depth` levels.
///
/// Python reads three things that are no JSON (RFC 8259) or no text: `NaN` and `Infinity`, surrogates without
/// their other half, and numbers too large for a float. They count as mistakes where the text has no other.
pub(super) fn refusal(text: &str, max_depth: usize) -> Refusal {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0, depth: 0, max_depth, tolerated: None };
    let found = scanner.document().err().or(scanner.tolerated);
    found.unwrap_or(Refusal::BeyondLimits)
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    max_depth: usize,
    /// The first thing that Python would have read.
    tolerated: Option<Refusal>,
}

type Scan = Result<(), Refusal>;

impl Scanner<'_> {
    fn document(&mut self) -> Scan {
        self.skip_whitespace();
        self.value()?;
        self.skip_whitespace();
        if self.at < self.bytes.len() { self.refuse("Extra data", self.at) } else { Ok(()) }
    }

    fn value(&mut self) -> Scan {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            _ if self.skip(b"null") || self.skip(b"true") || self.skip(b"false") => Ok(()),
            _ => {
                let start = self.at;
                if self.skip(b"NaN") || self.skip(b"Infinity") || self.skip(b"-Infinity") {
                    self.tolerate("Expecting value", start);
                    return Ok(());
                }
                self.number()
            }
        }
    }

    fn nested(&mut self, members: fn(&mut Self) -> Scan) -> Scan {
        if self.depth == self.max_depth {
            return Err(Refusal::BeyondLimits);
        }
        self.depth += 1;
        self.at += 1;
        self.skip_whitespace();
        members(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn object(&mut self) -> Scan {
        if self.skip(b"}") {
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.refuse("Expecting property name enclosed in double quotes", self.at);
            }
            self.string()?;
            self.skip_whitespace();
            if !self.skip(b":") {
                return self.refuse("Expecting ':' delimiter", self.at);
            }
            self.skip_whitespace();
            self.value()?;
            if self.ends_or_continues(b"}")? {
                return Ok(());
            }
        }
    }

    fn array(&mut self) -> Scan {
        if self.skip(b"]") {
            return Ok(());
        }
        loop {
            self.value()?;
            if self.ends_or_continues(b"]")? {
                return Ok(());
            }
        }
    }

    /// After a member: whether `end` follows, or else a comma.
    fn ends_or_continues(&mut self, end: &[u8]) -> Result<bool, Refusal> {
        self.skip_whitespace();
        if self.skip(end) {
            return Ok(true);
        }
        if !self.skip(b",") {
            self.refuse("Expecting ',' delimiter", self.at)?;
        }
        self.skip_whitespace();
        Ok(false)
    }

    fn string(&mut self) -> Scan {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return self.refuse("Unterminated string starting at", start),
                Some(b'"') => break,
                Some(b'\\') => self.escape(start)?,
                Some(0..0x20) => return self.refuse("Invalid control character at", self.at),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self, start_of_string: usize) -> Scan {
        match self.bytes.get(self.at + 1) {
            None => self.refuse("Unterminated string starting at", start_of_string),
            Some(b'u') => self.unicode_escape(),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(_) => self.refuse("Invalid \\escape", self.at),
        }
    }

    fn unicode_escape(&mut self) -> Scan {
        const INVALID: &str = "Invalid \\uXXXX escape";
        let start = self.at + 1;
        let Some(unit) = self.escaped_unit() else {
            return self.refuse(INVALID, start);
        };
        self.at += 6;
        match unit {
            0xD800..0xDC00 => match self.escaped_unit() {
                Some(0xDC00..0xE000) => self.at += 6,
                _ => self.tolerate(INVALID, start),
            },
            0xDC00..0xE000 => self.tolerate(INVALID, start),
            _ => {}
        }
        Ok(())
    }

    /// The UTF-16 unit of an escape that begins here and is not the end of the text.
    fn escaped_unit(&self) -> Option<u16> {
        let (digits, behind) = self.rest().strip_prefix(b"\\u")?.split_at_checked(4)?;
        let is_hexadecimal = digits.iter().all(u8::is_ascii_hexdigit) && !behind.is_empty();
        let digits = str::from_utf8(digits).ok().filter(|_| is_hexadecimal)?;
        u16::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Scan {
        let start = self.at;
        self.skip(b"-");
        let integer = match self.peek() {
            Some(b'0') => 1,
            _ => self.digits_after(0),
        };
        if integer == 0 {
            return self.refuse("Expecting value", start);
        }
        self.at += integer;
        let end_of_integer = self.at;
        if self.peek() == Some(b'.') {
            self.skip_digits_after(1);
        }
        if let Some(b'e' | b'E') = self.peek() {
            let sign = matches!(self.bytes.get(self.at + 1), Some(b'+' | b'-'));
            self.skip_digits_after(1 + usize::from(sign));
        }
        if self.at == end_of_integer && integer > MAX_INTEGER_DIGITS {
            return Err(Refusal::BeyondLimits);
        }
        let token = self.bytes.get(start..self.at).and_then(|token| str::from_utf8(token).ok());
        if token.and_then(|token| token.parse().ok()).is_some_and(f64::is_infinite) {
            self.tolerate("Number out of range", start);
        }
        Ok(())
    }

    fn digits_after(&self, offset: usize) -> usize {
        self.rest().iter().skip(offset).take_while(|byte| byte.is_ascii_digit()).count()
    }

    fn skip_digits_after(&mut self, offset: usize) {
        let digits = self.digits_after(offset);
        if digits > 0 {
            self.at += offset + digits;
        }
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn skip(&mut self, token: &[u8]) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn refuse(&self, message: &'static str, at: usize) -> Scan {
        Err(self.malformed(message, at))
    }

    fn tolerate(&mut self, message: &'static str, at: usize) {
        // Counting characters for each of many would take quadratic time.
        if self.tolerated.is_none() {
            self.tolerated = Some(self.malformed(message, at));
        }
    }

    fn malformed(&self, message: &'static str, at: usize) -> Refusal {
        let continues_a_character = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
        let position = self.bytes.iter().take(at).filter(|byte| !continues_a_character(byte)).count();
        Refusal::Malformed { position, message }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Fixture {
        malformed: Vec<(String, usize, String)>,
    }

    fn found(text: &str) -> Option<(usize, &'static str)> {
        match refusal(text, 32) {
            Refusal::Malformed { position, message } => Some((position, message)),
            Refusal::BeyondLimits => None,
        }
    }

    #[test]
    fn position_and_message_are_those_of_python() {
        let fixture: Fixture =
            serde_json::from_str(include_str!("../../../tests/fixtures/json_syntax.json")).unwrap();
        assert!(fixture.malformed.len() > 200);
        for (document, position, message) in &fixture.malformed {
            let text = document.strip_prefix('\u{feff}').unwrap_or(document);
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{document:?}");
            assert_eq!(found(text), Some((*position, message.as_str())), "{document:?}");
        }
    }

    #[test]
    fn what_only_python_reads_is_a_mistake_too() {
        assert_eq!(found("[1, NaN]"), Some((4, "Expecting value")));
        assert_eq!(found("-Infinity"), Some((0, "Expecting value")));
        assert_eq!(found(r#"{"é":"\ud800"}"#), Some((7, "Invalid \\uXXXX escape")));
        assert_eq!(found(r#""\udc00\ud83c\udff0""#), Some((2, "Invalid \\uXXXX escape")));
        assert_eq!(found(r#""\ud800\n""#), Some((2, "Invalid \\uXXXX escape")));
        assert_eq!(found("[1e999]"), Some((1, "Number out of range")));
        assert_eq!(found(&"9".repeat(400)), Some((0, "Number out of range")));
    }

    #[test]
    fn limits_are_no_syntax_errors() {
        assert_eq!(found(&"9".repeat(4301)), None);
        assert_eq!(found(&"[".repeat(33)), None);
        assert_eq!(found(&"[".repeat(32)), Some((32, "Expecting value")));
        assert_eq!(found(&"[".repeat(1_000_000)), None);
    }

    proptest! {
        #[test]
        fn it_finds_a_mistake_exactly_where_serde_json_does(
            text in r#"[\[\]{}",:\\ud80c-f0-9.eE+ NaIntruls-]{0,24}"#,
        ) {
            let sound = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert_eq!(found(&text).is_none(), sound, "{}", text);
        }

        #[test]
        fn it_never_panics(text in any::<String>()) {
            found(&text);
        }
    }
}
