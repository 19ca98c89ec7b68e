//! A JSON object that tells whether a name stood in it twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

/// How many members there is room for from the start: as many as the claims of a token.
const MEMBERS: usize = 8;

/// The members of a JSON object.
pub(crate) struct Object(Map<String, Value>);

impl Object {
    /// Reads an object. Of members of the same name the last one counts if `lenient`; otherwise they are refused,
    /// because two readers may disagree which one counts.
    pub(crate) fn parse(json: &[u8], lenient: bool) -> Option<Self> {
        if lenient {
            return serde_json::from_slice(json).ok().map(Self);
        }
        serde_json::from_slice::<Unique>(json).ok().map(|unique| Self(unique.0))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A member that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// All members.
    #[cfg(feature = "oauth")]
    pub(crate) fn into_members(self) -> Map<String, Value> {
        self.0
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// An object without members of the same name.
struct Unique(Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UniqueVisitor;

        impl<'de> Visitor<'de> for UniqueVisitor {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object without duplicate names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
                let mut members = Map::with_capacity(MEMBERS);
                while let Some((name, value)) = access.next_entry()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("duplicate name"));
                    }
                }
                Ok(Unique(members))
            }
        }
        deserializer.deserialize_map(UniqueVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_refused_or_the_last_one_counts() {
        let twice = br#"{"sub":"king","a":{"b":1},"s\u0075b":"mordred"}"#;
        assert!(Object::parse(twice, false).is_none());
        assert_eq!(Object::parse(twice, true).unwrap().text("sub"), Some("mordred"));
        let once = Object::parse(br#"{"sub":"king","iat":1}"#, false).unwrap();
        assert_eq!((once.text("sub"), once.text("iat")), (Some("king"), None));
        assert_eq!(once.names().collect::<Vec<_>>(), ["sub", "iat"]);
    }

    #[test]
    fn only_an_object_is_one() {
        for text in ["", "[]", "null", "\"sub\"", "{", "{} {}", "{\"a\":1,}", "\u{feff}{}"] {
            for lenient in [false, true] {
                assert!(Object::parse(text.as_bytes(), lenient).is_none(), "{text:?}");
            }
        }
    }
}
