//! User fields that the configuration names: a profile written by hand over the library's column model.

mod id;

use std::{fmt, sync::OnceLock};

use anyhow::{Context, bail};
use axum_users::{
    ObjectId, Profile,
    value::{Column, ColumnError, ColumnType, Date, Fields, Kind, Row, Timestamp, Value},
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};
use uuid::Uuid;

pub use self::id::Id;
use crate::config::{FieldSettings, Settings};

/// The configured columns: a process has one configuration.
static COLUMNS: OnceLock<Vec<Column>> = OnceLock::new();

/// Makes the configured fields the columns of [`Configured`], and its ids those of the configured type. The first call counts.
pub fn configure(settings: &Settings) {
    id::set_type(settings.ids());
    COLUMNS.get_or_init(|| {
        let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let column = |field: &FieldSettings| {
            let name = leak(&field.name);
            Column {
                name,
                json: name,
                kind: field.kind.into(),
                nullable: !field.required,
                access: field.access.into(),
                required: field.required,
                description: leak(&field.description),
            }
        };
        settings.fields.iter().map(column).collect()
    });
}

fn columns() -> &'static [Column] {
    COLUMNS.get().map_or(&[], Vec::as_slice)
}

/// The configured fields of a user.
#[derive(Clone, Debug)]
pub struct Configured {
    /// One for each column.
    values: Vec<Value>,
}

impl Configured {
    /// Reads `name=value` pairs as the command line gives them; it may set every field, also private ones.
    pub fn from_pairs(pairs: &[(String, String)]) -> anyhow::Result<Self> {
        let mut values = vec![Value::Null; columns().len()];
        for (name, text) in pairs {
            let position = columns().iter().position(|column| column.name == name);
            let Some((column, slot)) =
                position.and_then(|at| Some((columns().get(at)?, values.get_mut(at)?)))
            else {
                bail!("there is no field `{name}` in the configuration");
            };
            let json = match column.kind {
                Kind::Text | Kind::Uuid | Kind::ObjectId | Kind::Date | Kind::Timestamp => {
                    text.as_str().into()
                }
                _ => serde_json::from_str(text).with_context(|| format!("the field `{name}` takes JSON"))?,
            };
            *slot =
                read(column, json).map_err(|wanted| anyhow::anyhow!("the field `{name}` takes {wanted}"))?;
        }
        for (column, value) in columns().iter().zip(&values) {
            if column.required && *value == Value::Null {
                bail!("the field `{}` is required: give --field {}=…", column.name, column.name);
            }
        }
        Ok(Self { values })
    }
}

impl Profile for Configured {
    type Id = Id;
    type Patch = Patch;

    fn columns() -> &'static [Column] {
        columns()
    }

    fn into_values(self) -> Vec<Value> {
        self.values
    }

    fn from_row(row: &mut Row) -> Result<Self, ColumnError> {
        let values = columns().iter().map(|column| row.read::<Any>(column.name).map(|any| any.0));
        Ok(Self { values: values.collect::<Result<_, _>>()? })
    }
}

impl Serialize for Configured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (column, value) in
            columns().iter().zip(&self.values).filter(|(column, _)| column.access.readable())
        {
            map.serialize_key(column.json)?;
            match value {
                Value::Null => map.serialize_value(&()),
                Value::Bool(value) => map.serialize_value(value),
                Value::Integer(value) => map.serialize_value(value),
                Value::Float(value) => map.serialize_value(value),
                Value::Text(value) => map.serialize_value(value),
                Value::Bytes(value) => map.serialize_value(value),
                Value::Uuid(value) => map.serialize_value(value),
                Value::ObjectId(value) => map.serialize_value(value),
                Value::Date(value) => map.serialize_value(&Date(*value)),
                Value::Timestamp(value) => map.serialize_value(&Timestamp(*value)),
                Value::Json(value) => map.serialize_value(value),
            }?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Configured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = deserializer.deserialize_map(FieldsVisitor)?;
        let value = |column: &Column| match given.iter().find(|(name, _)| *name == column.name) {
            Some((_, value)) => Ok(value.clone()),
            None if column.required => Err(de::Error::missing_field(column.json)),
            None => Ok(Value::Null),
        };
        Ok(Self { values: columns().iter().map(value).collect::<Result<_, _>>()? })
    }
}

/// Changes to configured fields.
#[derive(Clone, Debug, Default)]
pub struct Patch(Vec<(&'static str, Value)>);

impl<'de> Deserialize<'de> for Patch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor).map(Self)
    }
}

impl From<Patch> for Fields {
    fn from(patch: Patch) -> Self {
        let mut fields = Self::default();
        for (column, value) in patch.0 {
            fields.push(column, Any(value));
        }
        fields
    }
}

/// The writable fields of an object; others are ignored.
struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(&'static str, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, json)) = access.next_entry::<String, serde_json::Value>()? {
            let column = columns().iter().find(|column| column.json == name && column.access.writable());
            if let Some(column) = column {
                let value = read(column, json)
                    .map_err(|wanted| de::Error::custom(format_args!("`{}` takes {wanted}", column.json)))?;
                fields.push((column.name, value));
            }
        }
        Ok(fields)
    }
}

/// A JSON value as a value of the column, or what the column takes instead.
fn read(column: &Column, json: serde_json::Value) -> Result<Value, &'static str> {
    fn parse<T: de::DeserializeOwned + ColumnType>(json: serde_json::Value) -> Option<Value> {
        serde_json::from_value::<T>(json).ok().map(T::into_value)
    }
    if json.is_null() {
        return if column.nullable { Ok(Value::Null) } else { Err("a value, not null") };
    }
    let (value, wanted) = match column.kind {
        Kind::Bool => (parse::<bool>(json), "true or false"),
        Kind::I32 => (parse::<i32>(json), "an integer of 32 bits"),
        Kind::I64 => (parse::<i64>(json), "an integer of 64 bits"),
        Kind::Float => (parse::<f64>(json), "a number"),
        Kind::Text => (parse::<String>(json), "a text"),
        Kind::Bytes => (parse::<Vec<u8>>(json), "a list of numbers from 0 to 255"),
        Kind::Uuid => (parse::<Uuid>(json), "a UUID"),
        Kind::ObjectId => (parse::<ObjectId>(json), "24 hexadecimal digits"),
        Kind::Date => (parse::<Date>(json), "a date like 2026-02-28"),
        Kind::Timestamp => (parse::<Timestamp>(json), "a time like 2026-02-28T12:00:00Z"),
        Kind::Json => (Some(Value::Json(json)), "any JSON"),
    };
    value.ok_or(wanted)
}

/// A value of whatever kind its column has.
struct Any(Value);

impl ColumnType for Any {
    const KIND: Kind = Kind::Json;

    fn into_value(self) -> Value {
        self.0
    }

    fn from_value(value: Value) -> Result<Self, Value> {
        Ok(Self(value))
    }
}
