//! JSON text to values, minding depth and names that occur twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{
    BodyError, BodyRules, DuplicateKeys,
    json_syntax::{Refusal, refusal},
    validation::{Loc, ValidationError},
};

/// serde_json reads no deeper than this, so that its recursion fits the stack.
const MAX_DEPTH: usize = 127;

/// Reads a JSON text.
///
/// # Errors
/// `json_invalid` for malformed JSON, `duplicate_key` if the rules say so, [`BodyError::Unparsable`] beyond
/// limits.
pub(super) fn read_value(text: &str, rules: &BodyRules) -> Result<Value, BodyError> {
    let max_depth = rules.max_depth.min(MAX_DEPTH);
    let mut reading = Reading { max_depth, path: Vec::new(), duplicate: None };
    let mut source = serde_json::Deserializer::from_str(text);
    let value = Reader(&mut reading).deserialize(&mut source).and_then(|value| source.end().map(|()| value));
    match (value, reading.duplicate) {
        (Err(_), _) => Err(malformed(refusal(text, max_depth))),
        (Ok(_), Some(error)) if rules.duplicate_keys == DuplicateKeys::Reject => Err(error.into()),
        (Ok(value), _) => Ok(value),
    }
}

fn malformed(refusal: Refusal) -> BodyError {
    match refusal {
        Refusal::BeyondLimits => BodyError::Unparsable,
        Refusal::Malformed { position, message } => {
            ValidationError::of_body("json_invalid", "JSON decode error")
                .at(Loc::Index(position))
                .with_input(Value::Object(Map::new()))
                .with_ctx(serde_json::json!({ "error": message }))
                .into()
        }
    }
}

struct Reading {
    max_depth: usize,
    /// The way from the document to the value being read.
    path: Vec<Loc>,
    /// The first name that occurred twice in its object.
    duplicate: Option<ValidationError>,
}

impl Reading {
    fn enter<E: Error>(&self) -> Result<(), E> {
        if self.path.len() < self.max_depth { Ok(()) } else { Err(E::custom("nested too deep")) }
    }
}

struct Reader<'a>(&'a mut Reading);

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let Self(reading) = self;
        reading.enter()?;
        let mut elements = Vec::new();
        loop {
            reading.path.push(Loc::Index(elements.len()));
            let next = source.next_element_seed(Reader(reading))?;
            reading.path.pop();
            match next {
                Some(element) => elements.push(element),
                None => return Ok(elements.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let Self(reading) = self;
        reading.enter()?;
        let mut members = Map::new();
        while let Some(name) = source.next_key::<String>()? {
            reading.path.push(Loc::Key(name.clone()));
            if members.contains_key(&name) && reading.duplicate.is_none() {
                reading.duplicate = Some(ValidationError::duplicate_key(reading.path.iter().cloned()));
            }
            let member = source.next_value_seed(Reader(reading))?;
            reading.path.pop();
            members.insert(name, member);
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::body::echo::Echo;

    fn refused(text: &str) -> Value {
        read_value(text, &BodyRules::default()).unwrap_err().into_detail(Echo::No)
    }

    #[test]
    fn every_kind_of_value_is_read_as_serde_json_does() {
        let text = r#"{"z":[null,true,-5,18446744073709551615,1.5,"\n"],"a":{"b":{}}}"#;
        assert_eq!(read_value(text, &BodyRules::default()).unwrap().to_string(), text);
    }

    #[test]
    fn a_name_that_occurs_twice_is_refused_wherever_it_is() {
        let entry = |loc: Value| json!([{"type": "duplicate_key", "loc": loc, "msg": "Duplicate key"}]);
        assert_eq!(refused(r#"{"email":1,"b":{},"email":1}"#), entry(json!(["body", "email"])));
        assert_eq!(refused(r#"[{"a":[1,{"b":1,"\u0062":2}]}]"#), entry(json!(["body", 0, "a", 1, "b"])));
        assert!(read_value(r#"[{"a":1},{"a":1}]"#, &BodyRules::default()).is_ok());
    }

    #[test]
    fn the_last_one_wins_where_the_rules_say_so() {
        let value = read_value(r#"{"a":1,"b":2,"a":3}"#, &BodyRules::FASTAPI).unwrap();
        assert_eq!(value.to_string(), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn malformed_json_is_told_before_a_name_that_occurs_twice() {
        let expected = json!([{"type": "json_invalid", "loc": ["body", 13], "msg": "JSON decode error",
            "ctx": {"error": "Expecting property name enclosed in double quotes"}}]);
        assert_eq!(refused(r#"{"a":1,"a":2,}"#), expected);
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read_value(&nested(32), &BodyRules::default()).is_ok());
        assert!(matches!(read_value(&nested(33), &BodyRules::default()), Err(BodyError::Unparsable)));
        let generous = BodyRules { max_depth: usize::MAX, ..BodyRules::default() };
        assert!(read_value(&nested(127), &generous).is_ok());
        assert!(matches!(read_value(&nested(10_000), &generous), Err(BodyError::Unparsable)));
    }
}
