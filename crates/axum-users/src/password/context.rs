//! Words that anybody would try for this user of this application (ASVS 6.2.11).

/// Shorter ones are in too many others.
const MIN_WORD: usize = 3;

/// Words of which a password must not consist: those of the application, in lower case, letters only.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContextWords(Vec<Vec<char>>);

impl ContextWords {
    /// The words of these names.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words = Self::default();
        names.into_iter().for_each(|name| words.add(name));
        words
    }

    /// Whether the password is nothing but words of the application and of the address, with whatever digits, signs and
    /// spaces. One other letter makes it something else.
    pub(crate) fn make_up(&self, password: &str, email: &str) -> bool {
        let letters = letters(password);
        if letters.is_empty() {
            return false;
        }
        let mut words = self.clone();
        let (local_part, domain) = email.rsplit_once('@').unwrap_or((email, ""));
        words.add(local_part);
        domain.rsplit('.').skip(1).for_each(|label| words.add(label));
        words.cover(&letters)
    }

    /// A name as a whole, and its parts: of `king.arthur` also `king` and `arthur`.
    fn add(&mut self, name: &str) {
        let parts = name.split(|c: char| !c.is_alphabetic());
        for word in parts.chain([name]).map(letters) {
            if word.len() >= MIN_WORD && !self.0.contains(&word) {
                self.0.push(word);
            }
        }
    }

    /// Whether words, one after the other, give these letters.
    fn cover(&self, letters: &[char]) -> bool {
        let mut ends = vec![false; letters.len() + 1];
        let mut starts = vec![0];
        while let Some(start) = starts.pop() {
            let rest = letters.get(start..).unwrap_or_default();
            for word in self.0.iter().filter(|word| rest.starts_with(word)) {
                if let Some(end) = ends.get_mut(start + word.len()).filter(|end| !**end) {
                    *end = true;
                    starts.push(start + word.len());
                }
            }
        }
        ends.last().copied().unwrap_or_default()
    }
}

fn letters(text: &str) -> Vec<char> {
    text.to_lowercase().chars().filter(|c| c.is_alphabetic()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KING: &str = "king.arthur@mail.camelot.bt";

    #[test]
    fn nothing_but_words_is_made_up_of_them() {
        let words = ContextWords::new(["Round Table", "axum-users"]);
        for password in [
            "kingarthur",
            "King.Arthur-2026!",
            "ARTHURKING",
            "camelot1",
            "1337 camelot camelot",
            "mail42mail42",
            "roundtable!!",
            "table99999",
            "AxumUsers1",
            "arthur@camelot",
            "c a m e l o t",
        ] {
            assert!(words.make_up(password, KING), "{password}");
        }
    }

    #[test]
    fn another_letter_makes_it_something_else() {
        let words = ContextWords::new(["Round Table"]);
        for password in [
            "arthur rides at dawn",
            "xcamelot1",
            "camelotx",
            "12345678",
            "!!!!!!!!",
            "",
            // The top level is in too many.
            "btbtbtbt",
        ] {
            assert!(!words.make_up(password, KING), "{password}");
        }
    }

    #[test]
    fn short_names_count_as_a_whole_only() {
        let words = ContextWords::default();
        assert!(words.make_up("jsmith1234", "j.smith@x.org"));
        assert!(words.make_up("jsmithsmith", "j.smith@x.org"));
        assert!(!words.make_up("smithj1234", "j.smith@x.org"));
        assert!(!words.make_up("jojojojo", "jo@io.org"));
        assert!(words.make_up("éloïse2026", "Éloïse@x.org"));
        assert!(!words.make_up("whatever", ""));
        assert!(!words.make_up("whatever", "@"));
    }

    /// Words that overlap are tried in every way, in time that grows with the length and not with the ways.
    #[test]
    fn overlapping_words() {
        let words = ContextWords::new(["aaa", "aaaa", "aaaaa"]);
        let many = "a".repeat(4000);
        assert!(words.make_up(&many, ""));
        assert!(!words.make_up(&format!("{many}b"), ""));
        assert!(!words.make_up("aa", ""));
    }
}
