//! The neutral column model between an application's profile and every store.
//!
//! A [`Profile`](crate::Profile) describes its fields as [`Column`]s and turns them into [`Value`]s; a store binds
//! and reads `Value`s and knows nothing of the application's types. The same columns give the request bodies, the
//! public representation and the OpenAPI schema.

mod column_type;
mod date;

pub use column_type::{ColumnType, Json};
pub use date::{Date, Timestamp};

use uuid::Uuid;

use crate::ObjectId;

/// A value of one column, independent of any database.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A 32 or 64 bit integer.
    Integer(i64),
    /// A double precision float.
    Float(f64),
    /// Text.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A UUID, stored the way the database does best.
    Uuid(Uuid),
    /// An id of MongoDB; elsewhere its 24 digits.
    ObjectId(ObjectId),
    /// A calendar date.
    Date(time::Date),
    /// A point in time, UTC.
    Timestamp(time::OffsetDateTime),
    /// A JSON document.
    Json(serde_json::Value),
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `bool`
    Bool,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f64`
    Float,
    /// `String`
    Text,
    /// `Vec<u8>`
    Bytes,
    /// `Uuid`
    Uuid,
    /// [`ObjectId`]
    ObjectId,
    /// [`Date`]
    Date,
    /// [`Timestamp`]
    Timestamp,
    /// [`Json<T>`]
    Json,
}

/// Who may see and set a column over HTTP. Code may always do both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// In requests and answers.
    ReadWrite,
    /// Only in answers (`#[serde(skip_deserializing)]`).
    ReadOnly,
    /// Only in requests (`#[serde(skip_serializing)]`).
    WriteOnly,
    /// In neither (`#[serde(skip)]`): a column, but no part of the API.
    Private,
}

impl Access {
    /// Whether the column appears in answers.
    pub const fn readable(self) -> bool {
        matches!(self, Self::ReadWrite | Self::ReadOnly)
    }

    /// Whether a request may set the column.
    pub const fn writable(self) -> bool {
        matches!(self, Self::ReadWrite | Self::WriteOnly)
    }
}

/// One column of an application's profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The column's name in the database.
    pub name: &'static str,
    /// The field's name in JSON.
    pub json: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it may be `NULL`.
    pub nullable: bool,
    /// Who may see and set it over HTTP.
    pub access: Access,
    /// Whether registering must give a value.
    pub required: bool,
    /// What the field means, shown in the OpenAPI document.
    pub description: &'static str,
}

/// Columns to write, with their new values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Adds a column.
    pub fn push<T: ColumnType>(&mut self, column: &'static str, value: T) {
        self.push_value(column, value.into_value());
    }

    pub(crate) fn push_value(&mut self, column: &'static str, value: Value) {
        self.0.push((column, value));
    }

    /// The columns and their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(column, value)| (*column, value))
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The values of one stored row, read column by column in the order they were asked for.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Value>);

impl Row {
    /// A row of these values.
    pub fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// Reads the next value as `T`.
    ///
    /// # Errors
    /// [`ColumnError`] when the row is too short or the stored value is not a `T`.
    pub fn read<T: ColumnType>(&mut self, column: &'static str) -> Result<T, ColumnError> {
        self.read_with(column, T::from_value)
    }

    pub(crate) fn read_with<T>(
        &mut self,
        column: &'static str,
        convert: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<T, ColumnError> {
        let value = self.0.next().ok_or(ColumnError { column })?;
        convert(value).map_err(|_| ColumnError { column })
    }
}

/// A stored value does not have the type that its column promises. Never carries the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` holds a value of another type")]
pub struct ColumnError {
    /// The column.
    pub column: &'static str,
}
