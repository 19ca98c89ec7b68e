//! Ids of the type that the configuration names: one type for all of them, so that the server is compiled once.

use std::{fmt, sync::OnceLock};

use axum_users::{
    ObjectId, UserId,
    value::{ColumnType, Kind, Value},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::config::IdType;

/// The configured type: a process has one configuration.
static TYPE: OnceLock<IdType> = OnceLock::new();

/// The first call counts.
pub(super) fn set_type(id_type: IdType) {
    TYPE.get_or_init(|| id_type);
}

fn id_type() -> IdType {
    TYPE.get().copied().unwrap_or(IdType::Uuid)
}

/// The id of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// As fastapi-users has them in SQL by default.
    Uuid(Uuid),
    /// Made by the database.
    Integer(i64),
    /// Of a document in MongoDB.
    ObjectId(ObjectId),
}

/// The same of whatever type it is.
macro_rules! of_each {
    ($id:expr, $inner:ident => $done:expr) => {
        match $id {
            Id::Uuid($inner) => $done,
            Id::Integer($inner) => $done,
            Id::ObjectId($inner) => $done,
        }
    };
}

/// The same for the type that is configured.
macro_rules! of_type {
    ($name:ident => $made:expr) => {
        match id_type() {
            IdType::Uuid => {
                type $name = Uuid;
                $made.map(Id::Uuid)
            }
            IdType::Integer => {
                type $name = i64;
                $made.map(Id::Integer)
            }
            IdType::ObjectId => {
                type $name = ObjectId;
                $made.map(Id::ObjectId)
            }
        }
    };
}

impl UserId for Id {
    fn kind() -> Kind {
        match id_type() {
            IdType::Uuid => Uuid::KIND,
            IdType::Integer => i64::KIND,
            IdType::ObjectId => ObjectId::KIND,
        }
    }

    fn generate() -> Option<Self> {
        of_type!(Inner => <Inner as UserId>::generate())
    }

    fn parse(text: &str) -> Option<Self> {
        of_type!(Inner => <Inner as UserId>::parse(text))
    }

    fn parse_lenient(text: &str) -> Option<Self> {
        of_type!(Inner => <Inner as UserId>::parse_lenient(text))
    }
}

impl ColumnType for Id {
    /// Of most; [`UserId::kind`] knows.
    const KIND: Kind = Kind::Uuid;

    fn into_value(self) -> Value {
        of_each!(self, id => id.into_value())
    }

    fn from_value(value: Value) -> Result<Self, Value> {
        of_type!(Inner => Inner::from_value(value))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        of_each!(self, id => id.fmt(f))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        of_each!(self, id => id.serialize(serializer))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        of_type!(Inner => Inner::deserialize(deserializer))
    }
}
