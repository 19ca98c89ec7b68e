//! The fields of request bodies: those every user has, and the profile's columns.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    BodyError,
    coerce::Kind,
    json::Field,
    validation::{Loc, ValidationError},
};
use crate::{Policy, Profile, value};

pub(crate) const fn email(policy: &Policy) -> Field<'static> {
    Field { name: "email", kind: Kind::Email(policy.email), required: true, nullable: false }
}

pub(crate) const PASSWORD: Field<'static> =
    Field { name: "password", kind: Kind::Password, required: true, nullable: false };

/// The password that the user has.
pub(crate) const CURRENT_PASSWORD: Field<'static> =
    Field { name: "current_password", kind: Kind::Password, required: false, nullable: true };

pub(crate) const TOKEN: Field<'static> =
    Field { name: "token", kind: Kind::Text, required: true, nullable: false };

#[cfg(feature = "oauth")]
pub(crate) const CODE: Field<'static> =
    Field { name: "code", kind: Kind::Text, required: true, nullable: false };

/// `is_active`, `is_superuser`, `is_verified`.
pub(crate) fn flags(nullable: bool) -> [Field<'static>; 3] {
    ["is_active", "is_superuser", "is_verified"].map(|name| Field {
        name,
        kind: Kind::Bool,
        required: false,
        nullable,
    })
}

/// The columns of the profile that a request may set; all of them may be absent from an update.
pub(crate) fn profile<P: Profile>(may_be_absent: bool) -> impl Iterator<Item = Field<'static>> {
    P::columns().iter().filter(|column| column.access.writable()).map(move |column| Field {
        name: column.json,
        kind: kind(column.kind),
        required: column.required && !may_be_absent,
        nullable: column.nullable,
    })
}

const fn kind(kind: value::Kind) -> Kind {
    match kind {
        value::Kind::Bool => Kind::Bool,
        value::Kind::I32 => Kind::Integer { minimum: i32::MIN as i64, maximum: i32::MAX as i64 },
        value::Kind::I64 => Kind::Integer { minimum: i64::MIN, maximum: i64::MAX },
        value::Kind::Float => Kind::Float,
        value::Kind::Text
        | value::Kind::Uuid
        | value::Kind::ObjectId
        | value::Kind::Date
        | value::Kind::Timestamp => Kind::Text,
        value::Kind::Bytes | value::Kind::Json => Kind::Json,
    }
}

/// Takes a string out of a validated body.
pub(crate) fn take_text(object: &mut Map<String, Value>, name: &str) -> Option<String> {
    match object.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Takes a boolean out of a validated body.
pub(crate) fn take_bool(object: &mut Map<String, Value>, name: &str) -> Option<bool> {
    object.remove(name).and_then(|value| value.as_bool())
}

/// What is left of a validated body, as the profile or its patch: newtypes have their say here.
pub(crate) fn into_profile<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, BodyError> {
    let value = Value::Object(object);
    serde_path_to_error::deserialize(&value).map_err(|error| {
        let path = error.path().iter().map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Loc::Index(*index),
            other => Loc::Key(other.to_string()),
        });
        let path: Vec<Loc> = path.collect();
        let message = error.into_inner().to_string();
        let message = own_message(&message);
        let error = ValidationError::of_body("value_error", format!("Value error, {message}"));
        BodyError::from(path.into_iter().fold(error, ValidationError::at))
    })
}

/// Serde's own messages repeat the input, which may be a secret; an application's say what it wants.
fn own_message(message: &str) -> &str {
    let repeats_input =
        ["invalid type", "invalid value", "invalid length", "unknown variant", "unknown field"];
    if repeats_input.iter().any(|start| message.starts_with(start)) {
        "the value has another form"
    } else {
        message
    }
}
