use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Date, Kind, Timestamp, Value};

/// A Rust type that one column can hold.
///
/// Implemented for `bool`, `i32`, `i64`, `f64`, `String`, `Vec<u8>`, [`Uuid`], [`ObjectId`](crate::ObjectId), [`Date`], [`Timestamp`], [`Json<T>`]
/// and `Option` of each. A newtype with rules of its own takes four lines:
///
/// ```
/// use axum_users::value::{ColumnType, Kind, Value};
///
/// /// A two-letter country code.
/// #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
/// #[serde(try_from = "String")]
/// struct Country(String);
///
/// impl TryFrom<String> for Country {
///     type Error = &'static str;
///     fn try_from(text: String) -> Result<Self, Self::Error> {
///         if text.len() == 2 { Ok(Self(text)) } else { Err("a country has two letters") }
///     }
/// }
///
/// impl ColumnType for Country {
///     const KIND: Kind = Kind::Text;
///     fn into_value(self) -> Value { Value::Text(self.0) }
///     fn from_value(value: Value) -> Result<Self, Value> { String::from_value(value).map(Self) }
/// }
/// assert!(Country::from_value(Value::Text("NO".into())).is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a column of a user profile",
    note = "wrap it in `axum_users::Json<{Self}>` to store it as a JSON document, or implement `ColumnType` for it"
)]
pub trait ColumnType: Sized {
    /// The column's type.
    const KIND: Kind;
    /// Whether the column may be `NULL`.
    const NULLABLE: bool = false;

    /// What to store.
    fn into_value(self) -> Value;

    /// Reads what was stored.
    ///
    /// # Errors
    /// Gives the value back when it is of another type.
    fn from_value(value: Value) -> Result<Self, Value>;
}

macro_rules! column_type {
    ($($type:ty => $kind:ident, $variant:ident;)*) => {$(
        impl ColumnType for $type {
            const KIND: Kind = Kind::$kind;
            fn into_value(self) -> Value {
                Value::$variant(self)
            }
            fn from_value(value: Value) -> Result<Self, Value> {
                match value {
                    Value::$variant(inner) => Ok(inner),
                    other => Err(other),
                }
            }
        }
    )*};
}

column_type! {
    bool => Bool, Bool;
    i64 => I64, Integer;
    f64 => Float, Float;
    String => Text, Text;
    Vec<u8> => Bytes, Bytes;
    Uuid => Uuid, Uuid;
}

impl ColumnType for i32 {
    const KIND: Kind = Kind::I32;
    fn into_value(self) -> Value {
        Value::Integer(self.into())
    }
    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Integer(wide) => Self::try_from(wide).map_err(|_| Value::Integer(wide)),
            other => Err(other),
        }
    }
}

impl ColumnType for Date {
    const KIND: Kind = Kind::Date;
    fn into_value(self) -> Value {
        Value::Date(self.0)
    }
    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Date(date) => Ok(Self(date)),
            other => Err(other),
        }
    }
}

impl ColumnType for Timestamp {
    const KIND: Kind = Kind::Timestamp;
    fn into_value(self) -> Value {
        Value::Timestamp(self.0)
    }
    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Timestamp(time) => Ok(Self(time)),
            other => Err(other),
        }
    }
}

/// Stores any serialisable value as a JSON document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned> ColumnType for Json<T> {
    const KIND: Kind = Kind::Json;
    fn into_value(self) -> Value {
        // Fails only for maps whose keys are no strings, which JSON cannot hold.
        serde_json::to_value(self.0).map_or(Value::Null, Value::Json)
    }
    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Json(json) => T::deserialize(&json).map(Self).map_err(|_| Value::Json(json)),
            other => Err(other),
        }
    }
}

impl<T: ColumnType> ColumnType for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;
    fn into_value(self) -> Value {
        self.map_or(Value::Null, T::into_value)
    }
    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_survives_the_way_through_a_value() {
        fn round<T: ColumnType + Clone + PartialEq + std::fmt::Debug>(value: &T) {
            assert_eq!(T::from_value(value.clone().into_value()).as_ref(), Ok(value));
        }
        round(&true);
        round(&i32::MIN);
        round(&i64::MAX);
        round(&1.5);
        round(&"text".to_owned());
        round(&vec![0_u8, 255]);
        round(&Uuid::from_u128(7));
        round(&Some(Json(vec!["a".to_owned()])));
        round(&None::<i64>);
        round(&Date(time::macros::date!(2026 - 02 - 28)));
        round(&Timestamp(time::macros::datetime!(2026-02-28 12:00:00.000_001 UTC)));
    }

    #[test]
    fn a_value_of_another_type_is_refused_not_converted() {
        assert!(i32::from_value(Value::Integer(i64::MAX)).is_err());
        assert!(bool::from_value(Value::Integer(1)).is_err());
        assert!(String::from_value(Value::Null).is_err());
        assert!(Json::<Vec<u8>>::from_value(Value::Json("text".into())).is_err());
    }
}
