use axum_users::value::{Access, Kind};
use serde::{Deserialize, Serialize};

/// One of the application's own user fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSettings {
    /// Its name, in JSON and in the database.
    pub name: String,
    /// The type of its values.
    pub kind: KindName,
    /// Whether registering must give a value; otherwise it may be `null`.
    #[serde(default)]
    pub required: bool,
    /// Who may see and set it over HTTP.
    #[serde(default)]
    pub access: AccessName,
    /// What it means, shown in the OpenAPI document.
    #[serde(default)]
    pub description: String,
}

/// The type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KindName {
    Bool,
    I32,
    #[serde(alias = "integer")]
    I64,
    Float,
    Text,
    Uuid,
    Date,
    Timestamp,
    Json,
    Bytes,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Bool => Self::Bool,
            KindName::I32 => Self::I32,
            KindName::I64 => Self::I64,
            KindName::Float => Self::Float,
            KindName::Text => Self::Text,
            KindName::Uuid => Self::Uuid,
            KindName::Date => Self::Date,
            KindName::Timestamp => Self::Timestamp,
            KindName::Json => Self::Json,
            KindName::Bytes => Self::Bytes,
        }
    }
}

/// Who may see and set a field over HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessName {
    /// In requests and answers.
    #[default]
    ReadWrite,
    /// Only in answers.
    ReadOnly,
    /// Only in requests.
    WriteOnly,
    /// In neither: only the command line sees and sets it.
    Private,
}

impl From<AccessName> for Access {
    fn from(name: AccessName) -> Self {
        match name {
            AccessName::ReadWrite => Self::ReadWrite,
            AccessName::ReadOnly => Self::ReadOnly,
            AccessName::WriteOnly => Self::WriteOnly,
            AccessName::Private => Self::Private,
        }
    }
}
