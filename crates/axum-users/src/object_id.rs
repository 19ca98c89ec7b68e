//! MongoDB's ids.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;

use crate::{
    UserId,
    value::{ColumnType, Kind, Value},
};

/// The id of a document in MongoDB: twelve bytes, written as 24 hexadecimal digits.
///
/// The usual type of ids for users in MongoDB, in other stores kept as text.
///
/// ```
/// use axum_users::{ObjectId, Profile, UserId};
///
/// #[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
/// #[profile(id = ObjectId)]
/// struct Account { nickname: Option<String> }
///
/// assert_eq!(ObjectId::parse("507f1f77bcf86cd799439011").unwrap().to_string(), "507f1f77bcf86cd799439011");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 12]);

impl ObjectId {
    /// The id of these bytes.
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn bytes(self) -> [u8; 12] {
        self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("an ObjectId has 24 hexadecimal digits"))
    }
}

impl ColumnType for ObjectId {
    const KIND: Kind = Kind::ObjectId;
    fn into_value(self) -> Value {
        Value::ObjectId(self)
    }
    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::ObjectId(id) => Ok(id),
            other => Err(other),
        }
    }
}

impl UserId for ObjectId {
    /// The time in seconds, so that ids follow one another roughly, and eight random bytes. `None` when the system has
    /// no random bytes.
    fn generate() -> Option<Self> {
        let mut bytes = [0; 12];
        getrandom::fill(&mut bytes).ok()?;
        let seconds = u32::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or(u32::MAX);
        for (byte, of_time) in bytes.iter_mut().zip(seconds.to_be_bytes()) {
            *byte = of_time;
        }
        Some(Self(bytes))
    }

    /// 24 hexadecimal digits, in any case.
    fn parse(text: &str) -> Option<Self> {
        if text.len() != 24 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 12];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let text = "507f1f77bcf86cd799439011";
        let id = ObjectId::parse(text).unwrap();
        assert_eq!(ObjectId::parse(&text.to_uppercase()), Some(id));
        assert_eq!(serde_json::to_value(id).unwrap(), text);
        assert_eq!(serde_json::from_value::<ObjectId>(text.into()).unwrap(), id);
        for text in [
            "",
            &text[1..],
            "507f1f77bcf86cd79943901g",
            "+07f1f77bcf86cd799439011",
            "ü07f1f77bcf86cd79943901",
        ] {
            assert_eq!(ObjectId::parse_lenient(text), None, "{text}");
            assert!(serde_json::from_value::<ObjectId>(text.into()).is_err());
        }
    }

    #[test]
    fn generated_ids_begin_with_the_time_and_differ() {
        let before = OffsetDateTime::now_utc().unix_timestamp();
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| ObjectId::generate().unwrap()).collect();
        assert_eq!(ids.len(), 1000);
        let [a, b, c, d, ..] = ids.iter().next().unwrap().bytes();
        let seconds = i64::from(u32::from_be_bytes([a, b, c, d]));
        assert!((before..before + 60).contains(&seconds), "{seconds}");
    }
}
