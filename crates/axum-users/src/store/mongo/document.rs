//! Between values and BSON.

use mongodb::bson::{Binary, Bson, DateTime, Document, doc, oid, spec::BinarySubtype};
use serde_json::{Map, Number};
use time::{OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};
use uuid::Uuid;

use crate::{
    BoxError, ObjectId, Profile, StoreError, UserId,
    user::{NewUser, User},
    value::{ColumnError, ColumnType, Kind, Row, Value},
};

/// The fields that every user has, beside the id.
pub(super) const CORE: [(&str, Kind); 5] = [
    ("email", Kind::Text),
    ("hashed_password", Kind::Text),
    ("is_active", Kind::Bool),
    ("is_superuser", Kind::Bool),
    ("is_verified", Kind::Bool),
];

/// As Beanie writes it: a UUID as binary, a date as the midnight it begins with.
pub(super) fn to_bson(value: Value) -> Result<Bson, StoreError> {
    Ok(match value {
        Value::Null => Bson::Null,
        Value::Bool(value) => Bson::Boolean(value),
        Value::Integer(value) => Bson::Int64(value),
        Value::Float(value) => Bson::Double(value),
        Value::Text(value) => Bson::String(value),
        Value::Bytes(bytes) => Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes }),
        Value::Uuid(value) => {
            Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: value.as_bytes().to_vec() })
        }
        Value::ObjectId(value) => Bson::ObjectId(oid::ObjectId::from_bytes(value.bytes())),
        Value::Date(value) => moment(PrimitiveDateTime::new(value, Time::MIDNIGHT).assume_utc()),
        Value::Timestamp(value) => moment(value),
        Value::Json(value) => from_json(value).map_err(StoreError::Backend)?,
    })
}

/// A point in time; what is less than a millisecond is cut off.
pub(super) fn moment(time: OffsetDateTime) -> Bson {
    let milliseconds = time.unix_timestamp_nanos().div_euclid(1_000_000);
    Bson::DateTime(DateTime::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX)))
}

/// Not by serde: that would take an object like `{"$oid": …}` for an id.
fn from_json(json: serde_json::Value) -> Result<Bson, BoxError> {
    Ok(match json {
        serde_json::Value::Null => Bson::Null,
        serde_json::Value::Bool(value) => Bson::Boolean(value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Bson::Int64(value),
            (None, Some(value)) if !number.is_u64() => Bson::Double(value),
            _ => return Err("MongoDB holds no integers above 9223372036854775807".into()),
        },
        serde_json::Value::String(text) => Bson::String(text),
        serde_json::Value::Array(items) => {
            Bson::Array(items.into_iter().map(from_json).collect::<Result<_, _>>()?)
        }
        serde_json::Value::Object(members) => {
            let mut document = Document::new();
            for (name, value) in members {
                if name.contains('\0') {
                    return Err("a name in a document of MongoDB holds no NUL".into());
                }
                document.insert(name, from_json(value)?);
            }
            Bson::Document(document)
        }
    })
}

fn to_json(bson: Bson) -> Option<serde_json::Value> {
    Some(match bson {
        Bson::Null => serde_json::Value::Null,
        Bson::Boolean(value) => value.into(),
        Bson::Int32(value) => value.into(),
        Bson::Int64(value) => value.into(),
        Bson::Double(value) => Number::from_f64(value)?.into(),
        Bson::String(text) => text.into(),
        Bson::Array(items) => items.into_iter().map(to_json).collect::<Option<Vec<_>>>()?.into(),
        Bson::Document(document) => {
            let members = document.into_iter().map(|(name, value)| Some((name, to_json(value)?)));
            members.collect::<Option<Map<_, _>>>()?.into()
        }
        _ => return None,
    })
}

/// A stored value; one that is missing is `Null`. Of numbers Python takes the smallest type that holds them.
pub(super) fn from_bson(bson: Option<Bson>, kind: Kind) -> Option<Value> {
    Some(match (kind, bson.unwrap_or(Bson::Null)) {
        (Kind::Json, bson) => match to_json(bson)? {
            serde_json::Value::Null => Value::Null,
            json => Value::Json(json),
        },
        (_, Bson::Null) => Value::Null,
        (Kind::Bool, Bson::Boolean(value)) => Value::Bool(value),
        (Kind::I32 | Kind::I64, Bson::Int32(value)) => Value::Integer(value.into()),
        (Kind::I32 | Kind::I64, Bson::Int64(value)) => Value::Integer(value),
        (Kind::Float, Bson::Double(value)) => Value::Float(value),
        (Kind::Float, Bson::Int32(value)) => Value::Float(value.into()),
        (Kind::Text, Bson::String(value)) => Value::Text(value),
        (Kind::Bytes, Bson::Binary(value)) => Value::Bytes(value.bytes),
        (Kind::Uuid, Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes })) => {
            Value::Uuid(Uuid::from_slice(&bytes).ok()?)
        }
        (Kind::ObjectId, Bson::ObjectId(value)) => Value::ObjectId(ObjectId::from_bytes(value.bytes())),
        (Kind::Date, Bson::DateTime(value)) => Value::Date(time(value)?.date()),
        (Kind::Timestamp, Bson::DateTime(value)) => Value::Timestamp(time(value)?),
        _ => return None,
    })
}

pub(super) fn time(value: DateTime) -> Option<OffsetDateTime> {
    let nanoseconds = i128::from(value.timestamp_millis()) * 1_000_000;
    Some(OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?.to_offset(UtcOffset::UTC))
}

/// Reads a field.
pub(super) fn take<T: ColumnType>(
    document: &mut Document,
    name: &str,
    column: &'static str,
) -> Result<T, ColumnError> {
    let value = from_bson(document.remove(name), T::KIND).and_then(|value| T::from_value(value).ok());
    value.ok_or(ColumnError { column })
}

pub(super) fn id<P: Profile>(id: &P::Id) -> Result<Bson, StoreError> {
    to_bson(id.clone().into_value())
}

/// Reads a user.
pub(super) fn user<P: Profile>(mut document: Document) -> Result<User<P>, ColumnError> {
    let columns = P::columns().iter().map(|column| (column.name, column.kind));
    let fields = [("_id", P::Id::kind())].into_iter().chain(CORE).chain(columns);
    let values =
        fields.map(|(name, kind)| from_bson(document.remove(name), kind).ok_or(ColumnError { column: name }));
    User::from_row(&mut Row::new(values.collect::<Result<_, _>>()?))
}

/// A user to insert.
pub(super) fn new_user<P: Profile>(new: NewUser<P>) -> Result<Document, StoreError> {
    let no_id = || StoreError::Backend("MongoDB assigns no ids: use ObjectId or Uuid".into());
    let id = new.id.or_else(P::Id::generate).ok_or_else(no_id)?;
    let mut document = doc! {
        "_id": self::id::<P>(&id)?,
        "email": new.email,
        "hashed_password": new.hashed_password.into_string(),
        "is_active": new.is_active,
        "is_superuser": new.is_superuser,
        "is_verified": new.is_verified,
    };
    for (column, value) in P::columns().iter().zip(new.profile.into_values()) {
        document.insert(column.name, to_bson(value)?);
    }
    Ok(document)
}

/// What of a document is read.
pub(super) fn projection<P: Profile>() -> Document {
    let names = CORE.into_iter().map(|(name, _)| name).chain(P::columns().iter().map(|column| column.name));
    names.map(|name| (name.to_owned(), Bson::Int32(1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_stays_what_it_is() {
        let documents = [
            json!({"$oid": "507f1f77bcf86cd799439011"}),
            json!({"$date": {"$numberLong": "0"}, "a.b": [{"$numberDouble": "NaN"}], "": {}}),
            json!([0, -1, i64::MAX, 1.5, null, true, "ü\0"]),
        ];
        for document in documents {
            assert_eq!(to_json(from_json(document.clone()).unwrap()), Some(document));
        }
    }

    #[test]
    fn what_bson_cannot_hold_is_refused() {
        assert!(from_json(json!({"a": [u64::MAX]})).is_err());
        assert!(from_json(json!({"a\0b": 1})).is_err());
    }

    #[test]
    fn values_as_python_writes_them_are_read() {
        let read = |bson, kind| from_bson(Some(bson), kind);
        assert_eq!(read(Bson::Int32(40), Kind::I64), Some(Value::Integer(40)));
        assert_eq!(read(Bson::Int32(2), Kind::Float), Some(Value::Float(2.0)));
        assert_eq!(read(Bson::Boolean(true), Kind::I32), None);
        assert_eq!(read(Bson::String("x".to_owned()), Kind::ObjectId), None);
        assert_eq!(from_bson(None, Kind::Text), Some(Value::Null));
    }

    #[test]
    fn moments_before_1970_are_cut_off_like_those_after() {
        let time = ::time::macros::datetime!(1969-12-31 23:59:59.999_9 UTC);
        assert_eq!(moment(time), Bson::DateTime(DateTime::from_millis(-1)));
    }
}
