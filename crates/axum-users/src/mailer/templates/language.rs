//! Which of the languages that there are somebody reads.

/// What is used for whoever reads none of the others.
const FALLBACK: &str = "en";

/// More is not looked at: nobody reads as many languages.
const RANGES_MAX: usize = 20;

/// The language for an `Accept-Language` (RFC 9110 §12.5.4) by lookup (RFC 4647 §3.4): the best of which there is this or a more
/// general one. `None` for the texts without a language, which count as English.
pub(super) fn choose<'a>(accepted: &str, is_there: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
    let mut ranges: Vec<(String, f32)> = accepted.split(',').take(RANGES_MAX).filter_map(range).collect();
    ranges.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    for (range, _) in ranges {
        let mut tag = range.as_str();
        loop {
            if let Some(found) = is_there(tag) {
                return Some(found);
            }
            if tag == FALLBACK {
                return None;
            }
            match tag.rsplit_once('-') {
                Some((more_general, _)) => tag = more_general,
                None => break,
            }
        }
    }
    None
}

/// Whether a folder of this name holds the texts of a language (RFC 5646 §2.1, but for what nobody calls a folder).
pub(super) fn is_tag(name: &str) -> bool {
    let mut parts = name.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// A range in lower case with its weight, unless that is nothing.
fn range(text: &str) -> Option<(String, f32)> {
    let (range, parameters) = text.split_once(';').unwrap_or((text, ""));
    let weight = match parameters.trim().strip_prefix("q=") {
        Some(weight) => weight.trim().parse::<f32>().ok()?,
        None => 1.0,
    };
    (weight > 0.0).then(|| (range.trim().to_ascii_lowercase(), weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_what_there_is_is_chosen() {
        let there_are = ["de", "fr-ca", "pt"];
        let choose =
            |accepted: &str| choose(accepted, |tag| there_are.into_iter().find(|there| *there == tag));
        for (accepted, chosen) in [
            ("de", Some("de")),
            ("de-CH, de;q=0.9, en;q=0.8", Some("de")),
            ("DE-at-1996", Some("de")),
            ("fr-CA", Some("fr-ca")),
            ("fr", None),
            ("en, de;q=0.9", None),
            ("en-GB;q=0.2, pt-BR;q=0.3", Some("pt")),
            ("ja, de;q=0.1", Some("de")),
            ("de;q=0", None),
            ("*", None),
            ("", None),
            (",,;;q=x,--,de;q=NaN", None),
        ] {
            assert_eq!(choose(accepted), chosen, "{accepted}");
        }
    }

    #[test]
    fn folders_of_languages() {
        for tag in ["de", "de-CH", "zh-Hant-TW", "gsw"] {
            assert!(is_tag(tag), "{tag}");
        }
        for other in ["", "d", "images", "de_CH", "de-", "de-x", ".git", "..", "d1"] {
            assert!(!is_tag(other), "{other}");
        }
    }
}
