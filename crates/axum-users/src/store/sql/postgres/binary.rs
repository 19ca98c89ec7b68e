//! Values in PostgreSQL's binary form, in which every driver sends and reads them.

use bytes::BufMut;
use time::{Date, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::super::{
    driver::{DriverError, other},
    text,
};
use crate::value::{Kind, Value};

/// The time from which PostgreSQL counts.
const EPOCH: OffsetDateTime = datetime!(2000-01-01 00:00 UTC);

/// Writes a value as the type that the statement says for it; `false` for `NULL`. Dates, times and JSON go as text that the
/// statement casts.
pub(super) fn write(value: &Value, out: &mut impl BufMut) -> Result<bool, DriverError> {
    match value {
        Value::Null => return Ok(false),
        Value::Bool(value) => out.put_u8((*value).into()),
        Value::Integer(value) => out.put_i64(*value),
        Value::Float(value) => out.put_f64(*value),
        Value::Text(value) => out.put_slice(value.as_bytes()),
        Value::Bytes(value) => out.put_slice(value),
        Value::Uuid(value) => out.put_slice(value.as_bytes()),
        Value::ObjectId(value) => out.put_slice(value.to_string().as_bytes()),
        Value::Date(value) => out.put_slice(text::date(*value).map_err(other)?.as_bytes()),
        Value::Timestamp(value) => {
            out.put_slice(text::timestamp(*value).map_err(other)?.as_bytes());
            out.put_slice(b"+00");
        }
        Value::Json(value) => out.put_slice(value.to_string().as_bytes()),
    }
    Ok(true)
}

/// Reads a value that is not `NULL`. Its form decides, not the type of the column that was asked for: adopted tables have
/// other ones than those made here.
pub(super) fn read(kind: Kind, bytes: &[u8]) -> Result<Value, DriverError> {
    Ok(match kind {
        Kind::Bool => Value::Bool(bytes.iter().any(|byte| *byte != 0)),
        Kind::I32 | Kind::I64 => Value::Integer(integer(bytes).ok_or_else(|| odd("number"))?),
        Kind::Float => Value::Float(float(bytes).ok_or_else(|| odd("number"))?),
        Kind::Bytes => Value::Bytes(bytes.to_vec()),
        Kind::Text => Value::Text(utf8(bytes)?.to_owned()),
        Kind::Uuid => Value::Uuid(match Uuid::from_slice(bytes) {
            Ok(uuid) => uuid,
            // A text has more than 16 characters.
            Err(_) => Uuid::try_parse(utf8(bytes)?).map_err(other)?,
        }),
        Kind::ObjectId => Value::ObjectId(text::read_object_id(utf8(bytes)?)?),
        Kind::Date => Value::Date(date(bytes).ok_or_else(|| odd("date"))?),
        Kind::Timestamp => Value::Timestamp(timestamp(bytes).ok_or_else(|| odd("time"))?),
        // JSONB begins with its version, which no JSON begins with.
        Kind::Json => {
            let json = bytes.strip_prefix(&[1]).unwrap_or(bytes);
            Value::Json(serde_json::from_slice(json).map_err(other)?)
        }
    })
}

fn utf8(bytes: &[u8]) -> Result<&str, DriverError> {
    str::from_utf8(bytes).map_err(other)
}

fn integer(bytes: &[u8]) -> Option<i64> {
    match bytes.len() {
        2 => Some(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        4 => Some(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        _ => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
    }
}

fn float(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => Some(f32::from_be_bytes(bytes.try_into().ok()?).into()),
        _ => Some(f64::from_be_bytes(bytes.try_into().ok()?)),
    }
}

/// Days since the epoch.
fn date(bytes: &[u8]) -> Option<Date> {
    let days = i32::from_be_bytes(bytes.try_into().ok()?);
    EPOCH.date().checked_add(time::Duration::days(days.into()))
}

/// Microseconds since the epoch.
fn timestamp(bytes: &[u8]) -> Option<OffsetDateTime> {
    let microseconds = i64::from_be_bytes(bytes.try_into().ok()?);
    EPOCH.checked_add(time::Duration::microseconds(microseconds))
}

fn odd(what: &str) -> DriverError {
    DriverError::Other(format!("a stored {what} cannot be read or is out of range").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_value_tells_its_type() {
        let read = |kind, bytes: &[u8]| read(kind, bytes).unwrap();
        assert_eq!(read(Kind::I64, &[0xff, 0xfe]), Value::Integer(-2));
        assert_eq!(read(Kind::I64, &[0, 0, 1, 0]), Value::Integer(256));
        assert_eq!(read(Kind::I32, &i64::MIN.to_be_bytes()), Value::Integer(i64::MIN));
        assert_eq!(read(Kind::Float, &0.5_f32.to_be_bytes()), Value::Float(0.5));
        let uuid = Uuid::from_u128(7);
        assert_eq!(read(Kind::Uuid, uuid.as_bytes()), Value::Uuid(uuid));
        assert_eq!(read(Kind::Uuid, uuid.to_string().as_bytes()), Value::Uuid(uuid));
        assert_eq!(read(Kind::Json, b"\x01[1]"), read(Kind::Json, b"[1]"));
        assert_eq!(
            read(Kind::Timestamp, &1_i64.to_be_bytes()),
            Value::Timestamp(EPOCH + time::Duration::MICROSECOND)
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for (kind, bytes) in [
            (Kind::I64, &[1, 2, 3][..]),
            (Kind::Float, &[1]),
            (Kind::Text, &[0xff]),
            (Kind::Uuid, b"no uuid"),
            (Kind::Date, &[0x7f, 0xff, 0xff, 0xff]),
            (Kind::Timestamp, &i64::MAX.to_be_bytes()),
            (Kind::Json, b"{"),
        ] {
            assert!(read(kind, bytes).is_err(), "{kind:?}");
        }
    }
}
