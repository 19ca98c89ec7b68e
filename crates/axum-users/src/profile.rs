//! The application's own user fields, and the type of its ids.

use std::{
    fmt::{Debug, Display},
    hash::Hash,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::value::{Column, ColumnError, ColumnType, Fields, Kind, Row, Value};

/// An application's own user fields: the one type parameter of this library.
///
/// Derive it. The struct's fields become typed columns, part of the register and `PATCH` bodies, of the public
/// representation and of the OpenAPI document. Serde attributes say what is part of the API, and mean what they
/// always mean: `skip` makes a column private, `skip_deserializing` read-only, `skip_serializing` write-only,
/// `default` optional when registering, `rename` and `rename_all` name it in JSON.
///
/// ```
/// use axum_users::Profile;
///
/// #[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
/// #[profile(id = i64)] // ids are UUIDs unless said otherwise
/// #[serde(rename_all = "camelCase")]
/// struct Account {
///     /// Shown in greetings.
///     first_name: String,
///     age: Option<i32>,
///     #[serde(skip)] // a column, but no part of the API
///     stripe_id: Option<String>,
/// }
///
/// assert_eq!(Account::columns()[0].json, "firstName");
/// ```
///
/// Write it by hand when the fields are known only at run time, as the ready-made server does for those of its
/// configuration. This is what the derive writes for one field:
///
/// ```
/// use axum_users::{Profile, value::{Access, Column, ColumnError, ColumnType, Fields, Kind, Row, Value}};
/// use serde::{Deserialize, Serialize};
/// use uuid::Uuid;
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Nickname { nickname: String }
///
/// #[derive(Clone, Debug, Default, Deserialize)]
/// struct NicknamePatch { nickname: Option<String> }
///
/// impl From<NicknamePatch> for Fields {
///     fn from(patch: NicknamePatch) -> Self {
///         let mut fields = Fields::default();
///         if let Some(nickname) = patch.nickname { fields.push("nickname", nickname) }
///         fields
///     }
/// }
///
/// impl Profile for Nickname {
///     type Id = Uuid;
///     type Patch = NicknamePatch;
///
///     fn columns() -> &'static [Column] {
///         const COLUMNS: &[Column] = &[Column {
///             name: "nickname", json: "nickname", kind: Kind::Text, nullable: false,
///             access: Access::ReadWrite, required: true, description: "",
///         }];
///         COLUMNS
///     }
///     fn into_values(self) -> Vec<Value> { vec![self.nickname.into_value()] }
///     fn from_row(row: &mut Row) -> Result<Self, ColumnError> { Ok(Self { nickname: row.read("nickname")? }) }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a user profile",
    note = "add `#[derive(axum_users::Profile)]` to `{Self}`, beside `Clone`, `Debug`, `serde::Serialize` and `serde::Deserialize`"
)]
pub trait Profile: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static {
    /// The type of user ids.
    type Id: UserId;
    /// Changes to some of the fields: absent fields stay as they are.
    type Patch: DeserializeOwned + Into<Fields> + Default + Clone + Debug + Send + Sync + 'static;

    /// The columns, in the order of [`into_values`](Self::into_values) and [`from_row`](Self::from_row).
    fn columns() -> &'static [Column];
    /// The values to store, one for each column.
    fn into_values(self) -> Vec<Value>;
    /// Reads the stored values, one for each column.
    ///
    /// # Errors
    /// [`ColumnError`] when a stored value has another type than its column.
    fn from_row(row: &mut Row) -> Result<Self, ColumnError>;
}

/// No fields beside the ones every user has: the default profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoProfile {}

/// Changes to [`NoProfile`]: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NoPatch {}

impl From<NoPatch> for Fields {
    fn from(_: NoPatch) -> Self {
        Self::default()
    }
}

impl Profile for NoProfile {
    type Id = Uuid;
    type Patch = NoPatch;

    fn columns() -> &'static [Column] {
        &[]
    }
    fn into_values(self) -> Vec<Value> {
        Vec::new()
    }
    fn from_row(_: &mut Row) -> Result<Self, ColumnError> {
        Ok(Self {})
    }
}

/// The type of user ids: [`Uuid`], `i64`, or an application's own.
///
/// ```
/// use axum_users::{UserId, value::{ColumnType, Kind, Value}};
///
/// /// `u_` and 32 hexadecimal digits.
/// #[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
/// struct AccountId(String);
///
/// impl std::fmt::Display for AccountId {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
/// }
///
/// impl ColumnType for AccountId {
///     const KIND: Kind = Kind::Text;
///     fn into_value(self) -> Value { Value::Text(self.0) }
///     fn from_value(value: Value) -> Result<Self, Value> { String::from_value(value).map(Self) }
/// }
///
/// impl UserId for AccountId {
///     fn generate() -> Option<Self> { Some(Self(format!("u_{}", uuid::Uuid::new_v4().simple()))) }
///     fn parse(text: &str) -> Option<Self> { text.starts_with("u_").then(|| Self(text.to_owned())) }
/// }
/// assert!(AccountId::parse("17").is_none());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of user ids",
    note = "ids are `uuid::Uuid`, `i64`, or a type of yours that implements `axum_users::UserId`"
)]
pub trait UserId:
    ColumnType + Clone + Eq + Hash + Debug + Display + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The type of its columns. Only for an id whose type is known no earlier than when the program runs it is another than
    /// [`KIND`](ColumnType::KIND); it stays the same then.
    fn kind() -> Kind {
        Self::KIND
    }

    /// A new id, or `None` when the database assigns it.
    fn generate() -> Option<Self>;

    /// Reads an id from a path or a token's `sub` claim.
    fn parse(text: &str) -> Option<Self>;

    /// Like [`parse`](Self::parse), but takes every form that fastapi-users takes. For
    /// [`Policy::lenient_ids`](crate::Policy::lenient_ids).
    fn parse_lenient(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl UserId for Uuid {
    fn generate() -> Option<Self> {
        Some(Self::new_v4())
    }

    /// The hyphenated or the simple form, in any case.
    fn parse(text: &str) -> Option<Self> {
        let plain = matches!(text.len(), 32 | 36) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
        plain.then(|| Self::try_parse(text).ok()).flatten()
    }

    /// Python's `uuid.UUID(text)`: `urn:` and `uuid:` prefixes, braces and hyphens anywhere are dropped.
    fn parse_lenient(text: &str) -> Option<Self> {
        let stripped = text.replace("urn:", "").replace("uuid:", "");
        let digits = stripped.trim_matches(['{', '}']).replace('-', "");
        (digits.len() == 32).then(|| Self::try_parse(&digits).ok()).flatten()
    }
}

impl UserId for i64 {
    fn generate() -> Option<Self> {
        None
    }

    /// Decimal digits without a sign or leading zeros.
    fn parse(text: &str) -> Option<Self> {
        let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
        canonical.then(|| text.parse().ok()).flatten()
    }

    /// Python's `int(text)` for ASCII: surrounding spaces, a sign, leading zeros, single underscores between digits.
    fn parse_lenient(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let grouped =
            digits.split('_').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()));
        grouped.then(|| text.replace('_', "").parse().ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_forms() {
        let canonical = "6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f";
        let id = Uuid::try_parse(canonical).ok();
        let simple = canonical.replace('-', "");
        for text in [canonical, &canonical.to_uppercase(), &simple] {
            assert_eq!(Uuid::parse(text), id, "{text}");
        }
        for text in [
            &format!("{{{canonical}}}"),
            &format!("urn:uuid:{canonical}"),
            "6-f1c2c5e9f6b4f1c8b1a2a3b4c5d6e7f",
        ] {
            assert_eq!(<Uuid as UserId>::parse(text), None, "{text}");
            assert_eq!(Uuid::parse_lenient(text), id, "{text}");
        }
        for text in ["", "x", &simple[1..], "6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7g"] {
            assert_eq!(Uuid::parse_lenient(text), None, "{text}");
        }
    }

    #[test]
    fn integer_forms() {
        assert_eq!(<i64 as UserId>::parse("17"), Some(17));
        for text in [" 17 ", "+17", "017", "1_7"] {
            assert_eq!(<i64 as UserId>::parse(text), None, "{text}");
            assert_eq!(i64::parse_lenient(text), Some(17), "{text}");
        }
        for text in ["", "1.0", "1e3", "0x10", "1__7", "_17", "99999999999999999999"] {
            assert_eq!(i64::parse_lenient(text), None, "{text}");
        }
    }
}
