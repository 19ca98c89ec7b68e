//! JSON bodies: reading them and checking their fields, the way FastAPI does.

use std::fmt;

use serde_json::{Map, Value};

use super::{
    BodyError, BodyRules, coerce::Kind, json_value::read_value, media_type, validation::ValidationError,
};

/// A field of a body. Fields are checked, and answered, in the order given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Field<'a> {
    /// Its name in JSON.
    pub(crate) name: &'a str,
    /// What it accepts.
    pub(crate) kind: Kind,
    /// Whether the body must have it.
    pub(crate) required: bool,
    /// Whether it may be `null`.
    pub(crate) nullable: bool,
}

/// How FastAPI declares a body, which decides what it answers to one that is no object or lacks a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// One model, as in register and update: answers tell the whole object.
    Object,
    /// Single fields, as in forgot, reset and verify: anything but an object is an object without fields.
    Embedded,
}

/// A body that was read; its fields are not checked yet.
///
/// Reading and checking are two steps because malformed JSON is answered before, and wrong fields after the
/// check who is asking.
pub(crate) struct ParsedBody {
    content: Content,
    nul_in_passwords: bool,
}

enum Content {
    Empty,
    /// Of a content type that is not JSON.
    Text(String),
    Json(Value),
}

/// Reads a JSON body. Without a content type of JSON it is plain text, which no [`Model`] accepts.
///
/// # Errors
/// Malformed JSON, duplicate keys, and whatever is beyond the rules.
pub(crate) fn parse(
    bytes: &[u8],
    content_type: Option<&str>,
    rules: &BodyRules,
) -> Result<ParsedBody, BodyError> {
    if bytes.len() > rules.max_bytes {
        return Err(BodyError::TooLarge);
    }
    let content = if bytes.is_empty() {
        Content::Empty
    } else if is_json(content_type) {
        let text = str::from_utf8(bytes).map_err(|_| BodyError::Unparsable)?;
        // Python's `json` accepts the byte order mark, and RFC 8259 §8.1 allows that.
        Content::Json(read_value(text.strip_prefix('\u{feff}').unwrap_or(text), rules)?)
    } else {
        Content::Text(String::from_utf8_lossy(bytes).into_owned())
    };
    Ok(ParsedBody { content, nul_in_passwords: rules.nul_in_passwords })
}

/// [`parse`] and [`ParsedBody::validate`] in one step, for routes that anyone may ask.
///
/// # Errors
/// Those of both.
#[cfg(test)]
pub(crate) fn read_object(
    bytes: &[u8],
    content_type: Option<&str>,
    model: Model,
    fields: &[Field<'_>],
    rules: &BodyRules,
) -> Result<Map<String, Value>, BodyError> {
    parse(bytes, content_type, rules)?.validate(model, fields)
}

impl ParsedBody {
    /// Gives the `fields` that the body has, converted to their kinds and in their order. Others are dropped.
    ///
    /// # Errors
    /// [`BodyError::Invalid`] with everything that is wrong.
    pub(crate) fn validate(
        &self,
        model: Model,
        fields: &[Field<'_>],
    ) -> Result<Map<String, Value>, BodyError> {
        let received = match model {
            Model::Object => Some(self.object()?),
            Model::Embedded => self.object().ok(),
        };
        let mut object = Map::new();
        let mut errors = Vec::new();
        for field in fields {
            match received.and_then(|received| received.get(field.name)) {
                Some(Value::Null) if field.nullable => {
                    object.insert(field.name.into(), Value::Null);
                }
                Some(value) => match field.kind.coerce(field.name, value, self.nul_in_passwords) {
                    Ok(value) => {
                        object.insert(field.name.into(), value);
                    }
                    Err(error) => errors.push(error),
                },
                None if field.required => {
                    let input = received.filter(|_| model == Model::Object).cloned().map(Value::Object);
                    errors.push(ValidationError::missing(field.name, input.unwrap_or_default()));
                }
                None => {}
            }
        }
        if errors.is_empty() { Ok(object) } else { Err(BodyError::Invalid(errors)) }
    }

    fn object(&self) -> Result<&Map<String, Value>, ValidationError> {
        const MESSAGE: &str = "Input should be a valid dictionary or object to extract fields from";
        let input = match &self.content {
            Content::Json(Value::Object(object)) => return Ok(object),
            Content::Json(other) => other.clone(),
            Content::Text(text) => text.as_str().into(),
            Content::Empty => return Err(ValidationError::of_body("missing", "Field required")),
        };
        Err(ValidationError::of_body("model_attributes_type", MESSAGE).with_input(input))
    }
}

impl fmt::Debug for ParsedBody {
    /// Leaves out the content, which may be a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ParsedBody").finish_non_exhaustive()
    }
}

fn is_json(content_type: Option<&str>) -> bool {
    let media_type = media_type(content_type);
    let subtype = media_type.strip_prefix("application/").filter(|subtype| !subtype.contains('/'));
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::http::body::echo::Echo;

    const JSON: Option<&str> = Some("application/json");

    fn field(name: &str, kind: Kind) -> Field<'_> {
        Field { name, kind, required: true, nullable: false }
    }

    fn registration() -> [Field<'static>; 3] {
        [
            field("email", Kind::Text),
            field("password", Kind::Password),
            Field { required: false, ..field("is_active", Kind::Bool) },
        ]
    }

    fn register(body: &[u8], rules: &BodyRules) -> Result<Map<String, Value>, BodyError> {
        read_object(body, JSON, Model::Object, &registration(), rules)
    }

    #[test]
    fn known_fields_come_out_in_schema_order_and_unknown_ones_are_dropped() {
        let body =
            br#"{"is_superuser":true,"is_active":"YES","password":"guinevere","email":"a@b.c","id":1}"#;
        let object = Value::Object(register(body, &BodyRules::default()).unwrap());
        assert_eq!(object.to_string(), r#"{"email":"a@b.c","password":"guinevere","is_active":true}"#);
    }

    #[test]
    fn a_strict_answer_repeats_nothing() {
        let error = register(br#"{"password":"guinevere","is_active":"guinevere"}"#, &BodyRules::default());
        let expected = json!([
            {"type": "missing", "loc": ["body", "email"], "msg": "Field required"},
            {"type": "bool_parsing", "loc": ["body", "is_active"],
             "msg": "Input should be a valid boolean, unable to interpret input"},
        ]);
        assert_eq!(error.unwrap_err().into_detail(Echo::No), expected);
    }

    #[test]
    fn nul_is_refused_except_in_passwords_that_fastapi_users_took() {
        let body = br#"{"email":"a@b.c","password":"\u0000"}"#;
        let error = register(body, &BodyRules::default()).unwrap_err();
        let expected = json!([{"type": "value_error", "loc": ["body", "password"],
            "msg": "Value error, NUL characters are not allowed", "ctx": {"error": {}}}]);
        assert_eq!(error.into_detail(Echo::No), expected);
        assert_eq!(register(body, &BodyRules::FASTAPI).unwrap()["password"], "\0");
        let body = br#"{"email":"a\u0000@b.c","password":""}"#;
        assert!(register(body, &BodyRules::FASTAPI).is_err());
    }

    #[test]
    fn a_body_beyond_the_limit_is_too_large_whatever_it_is() {
        let rules = BodyRules { max_bytes: 3, ..BodyRules::default() };
        assert!(matches!(parse(b"null", JSON, &rules), Err(BodyError::TooLarge)));
        assert!(matches!(parse(b"null", None, &rules), Err(BodyError::TooLarge)));
        assert!(parse(b"[1]", JSON, &rules).is_ok());
    }

    #[test]
    fn debug_shows_no_content() {
        let body = parse(b"guinevere", None, &BodyRules::default()).unwrap();
        assert_eq!(format!("{body:?}"), "ParsedBody { .. }");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in any::<Vec<u8>>(), is_json: bool) {
            let content_type = JSON.filter(|_| is_json);
            for rules in [BodyRules::default(), BodyRules::FASTAPI] {
                for model in [Model::Object, Model::Embedded] {
                    if let Err(error) = read_object(&bytes, content_type, model, &registration(), &rules) {
                        error.into_detail(Echo::Redacted);
                    }
                }
            }
        }

        #[test]
        fn arbitrary_values_never_panic(text in r#"[\[\]{}",:0-9.eE+-]{0,40}|"[ -~]{0,20}""#) {
            let kinds =
                [Kind::Text, Kind::Bool, Kind::Integer { minimum: -5, maximum: 5 }, Kind::Float, Kind::Json];
            for kind in kinds {
                let body = format!(r#"{{"value":{text}}}"#);
                let fields = [field("value", kind)];
                let read = read_object(body.as_bytes(), JSON, Model::Object, &fields, &BodyRules::default());
                if let Ok(object) = read {
                    prop_assert!(object.contains_key("value"));
                }
            }
        }
    }
}
