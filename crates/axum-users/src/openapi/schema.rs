//! The schemas of users, from the profile's columns.

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};

use crate::{
    Policy, Profile, UserId,
    value::{Column, Kind},
};

// What examples show.
pub(super) const EMAIL: &str = "king.arthur@camelot.bt";
pub(super) const PASSWORD: &str = "excalibur in the stone";
pub(super) const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln";

const FLAGS: [(&str, &str, bool); 3] = [
    ("is_active", "Inactive users cannot log in.", true),
    ("is_superuser", "Superusers manage all users.", false),
    ("is_verified", "Whether the user has shown that the address is theirs.", false),
];

/// What answers show. Nullable columns are not required, for serde may be told to leave them out.
pub(super) fn user_read<P: Profile>() -> Object {
    let mut user = ObjectBuilder::new()
        .property("id", of_kind(P::Id::kind(), false, ""))
        .required("id")
        .property("email", email())
        .required("email");
    for (name, description, _) in FLAGS {
        user = user.property(name, plain(Type::Boolean).description(Some(description))).required(name);
    }
    for column in readable::<P>() {
        user = user.property(column.json, of_column(column));
        if !column.nullable {
            user = user.required(column.json);
        }
    }
    user.build()
}

/// An answer that fits [`user_read`].
pub(super) fn user_example<P: Profile>() -> Value {
    let mut user = Map::new();
    user.insert("id".to_owned(), example(P::Id::kind()));
    user.insert("email".to_owned(), EMAIL.into());
    user.extend(FLAGS.map(|(name, _, default)| (name.to_owned(), default.into())));
    user.extend(readable::<P>().map(|column| (column.json.to_owned(), example(column.kind))));
    Value::Object(user)
}

/// What registering takes.
pub(super) fn user_create<P: Profile>(policy: &Policy) -> Object {
    let mut user = ObjectBuilder::new()
        .property("email", email())
        .required("email")
        .property("password", password(policy))
        .required("password");
    for (name, _, default) in FLAGS {
        let flag = ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Boolean, Type::Null]));
        let flag =
            flag.default(Some(default.into())).description(Some("Ignored: nobody registers privileges."));
        user = user.property(name, flag);
    }
    for column in writable::<P>() {
        user = user.property(column.json, of_column(column));
        if column.required {
            user = user.required(column.json);
        }
    }
    user.build()
}

/// A body that fits [`user_create`].
pub(super) fn create_example<P: Profile>() -> Value {
    let mut user = Map::new();
    user.insert("email".to_owned(), EMAIL.into());
    user.insert("password".to_owned(), PASSWORD.into());
    user.extend(writable::<P>().map(|column| (column.json.to_owned(), example(column.kind))));
    Value::Object(user)
}

/// A body that fits [`user_update`].
pub(super) fn update_example<P: Profile>() -> Value {
    let mut user = Map::new();
    user.insert("email".to_owned(), EMAIL.into());
    user.extend(writable::<P>().map(|column| (column.json.to_owned(), example(column.kind))));
    Value::Object(user)
}

/// What changing a user takes: what is absent stays as it is.
pub(super) fn user_update<P: Profile>(policy: &Policy) -> Object {
    let password = password(policy)
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("A new password; `null` changes nothing."));
    let mut user = ObjectBuilder::new().property("password", password).property("email", email());
    if policy.recent_login.is_some() {
        let password = with_format(text(), KnownFormat::Password)
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .write_only(true)
            .description(Some(
                "The password you have, where the login is too long ago to change password or address.",
            ));
        user = user.property("current_password", password);
    }
    for (name, description, _) in FLAGS {
        let description = format!("{description} Honoured only when a superuser changes a user by id.");
        user = user.property(name, plain(Type::Boolean).description(Some(description)));
    }
    for column in writable::<P>() {
        user = user.property(column.json, of_column(column));
    }
    user.build()
}

pub(super) fn plain(schema_type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(schema_type)
}

pub(super) fn text() -> ObjectBuilder {
    plain(Type::String)
}

pub(super) fn email() -> ObjectBuilder {
    with_format(text(), KnownFormat::Email)
}

/// The longest password is counted in bytes, so that so many characters are too many in any case.
pub(super) fn password(policy: &Policy) -> ObjectBuilder {
    let rules = policy.password;
    with_format(text(), KnownFormat::Password)
        .write_only(true)
        .min_length(Some(rules.min_length).filter(|length| *length > 0))
        .max_length(Some(rules.max_bytes))
}

fn readable<P: Profile>() -> impl Iterator<Item = &'static Column> {
    P::columns().iter().filter(|column| column.access.readable())
}

fn writable<P: Profile>() -> impl Iterator<Item = &'static Column> {
    P::columns().iter().filter(|column| column.access.writable())
}

fn of_column(column: &Column) -> Schema {
    of_kind(column.kind, column.nullable, column.description)
}

fn of_kind(kind: Kind, nullable: bool, description: &str) -> Schema {
    let description = Some(description).filter(|text| !text.is_empty());
    let (schema_type, format) = match kind {
        Kind::Bool => (Type::Boolean, None),
        Kind::I32 => (Type::Integer, Some(KnownFormat::Int32)),
        Kind::I64 => (Type::Integer, Some(KnownFormat::Int64)),
        Kind::Float => (Type::Number, Some(KnownFormat::Double)),
        Kind::Text | Kind::ObjectId => (Type::String, None),
        Kind::Bytes => (Type::Array, None),
        Kind::Uuid => (Type::String, Some(KnownFormat::Uuid)),
        Kind::Date => (Type::String, Some(KnownFormat::Date)),
        Kind::Timestamp => (Type::String, Some(KnownFormat::DateTime)),
        Kind::Json => {
            return ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(description).into();
        }
    };
    let schema_type = match nullable {
        true => SchemaType::from_iter([schema_type, Type::Null]),
        false => schema_type.into(),
    };
    if kind == Kind::Bytes {
        let byte = plain(Type::Integer).minimum(Some(0)).maximum(Some(255));
        return ArrayBuilder::new()
            .schema_type(schema_type)
            .items(byte.build())
            .description(description)
            .into();
    }
    let format = format.map(SchemaFormat::KnownFormat);
    ObjectBuilder::new().schema_type(schema_type).format(format).description(description).into()
}

fn example(kind: Kind) -> Value {
    match kind {
        Kind::Bool => true.into(),
        Kind::I32 | Kind::I64 => 1.into(),
        Kind::Float => 1.5.into(),
        Kind::Text => "string".into(),
        Kind::Bytes => json!([0, 255]),
        Kind::Uuid => "497f6eca-6276-4993-bfeb-53cbbbba6f08".into(),
        Kind::ObjectId => "507f1f77bcf86cd799439011".into(),
        Kind::Date => "2026-02-28".into(),
        Kind::Timestamp => "2026-02-28T12:00:00Z".into(),
        Kind::Json => json!({}),
    }
}

fn with_format(schema: ObjectBuilder, format: KnownFormat) -> ObjectBuilder {
    schema.format(Some(SchemaFormat::KnownFormat(format)))
}
