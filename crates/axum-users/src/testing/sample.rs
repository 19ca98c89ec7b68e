use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::json;
use time::macros::{date, datetime};
use uuid::Uuid;

use crate::{
    Date, Json, NewUser, NoPatch, PasswordHash, Profile, Timestamp, UserId,
    value::{Access, Column, ColumnError, ColumnType, Row, Value},
};

macro_rules! sample {
    ($($field:ident: $type:ty = $value:expr;)+) => {
        /// A profile with ids of the type `I` and a field of every type, each once as a value and once as one that may
        /// be missing: what the cases keep in a store.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(bound = "")]
        pub struct Sample<I: UserId> {
            $(pub(super) $field: $type,)+
            #[serde(skip)]
            pub(super) ids: PhantomData<fn() -> I>,
        }

        impl<I: UserId> Default for Sample<I> {
            fn default() -> Self {
                Self { $($field: $value,)+ ids: PhantomData }
            }
        }

        impl<I: UserId> Profile for Sample<I> {
            type Id = I;
            type Patch = NoPatch;

            fn columns() -> &'static [Column] {
                const COLUMNS: &[Column] = &[$(Column {
                    name: stringify!($field),
                    json: stringify!($field),
                    kind: <$type as ColumnType>::KIND,
                    nullable: <$type as ColumnType>::NULLABLE,
                    access: Access::ReadWrite,
                    required: !<$type as ColumnType>::NULLABLE,
                    description: "",
                },)+];
                COLUMNS
            }

            fn into_values(self) -> Vec<Value> {
                vec![$(self.$field.into_value(),)+]
            }

            fn from_row(row: &mut Row) -> Result<Self, ColumnError> {
                Ok(Self { $($field: row.read(stringify!($field))?,)+ ids: PhantomData })
            }
        }
    };
}

// The moments are whole milliseconds: what every database can keep.
sample! {
    flag: bool = true;
    small: i32 = -7;
    large: i64 = 1 << 40;
    ratio: f64 = 0.1 + 0.2;
    title: String = "King".to_owned();
    bytes: Vec<u8> = vec![0, 255, 10];
    reference: Uuid = Uuid::from_u128(7);
    day: Date = Date(date!(1066 - 10 - 14));
    moment: Timestamp = Timestamp(datetime!(2038-01-20 03:14:08.001 UTC));
    document: Json<serde_json::Value> = Json(json!({"a": [1, null, "ü"], "b": {"c": 1.5}}));
    no_flag: Option<bool> = None;
    age: Option<i32> = Some(40);
    no_large: Option<i64> = None;
    no_ratio: Option<f64> = None;
    no_title: Option<String> = None;
    no_bytes: Option<Vec<u8>> = None;
    no_reference: Option<Uuid> = None;
    no_day: Option<Date> = None;
    no_moment: Option<Timestamp> = None;
    no_document: Option<Json<serde_json::Value>> = None;
}

/// The address of the first user.
pub(super) const KING: &str = "king.arthur@camelot.bt";

/// An active user.
pub(super) fn new_user<I: UserId>(email: &str) -> NewUser<Sample<I>> {
    NewUser {
        id: I::generate(),
        email: email.to_owned(),
        hashed_password: PasswordHash::new("first hash"),
        is_active: true,
        is_superuser: false,
        is_verified: false,
        profile: Sample::default(),
    }
}

/// The id of no user: one that was never given away, or that no database comes to.
pub(super) fn nobody<I: UserId>() -> I {
    I::generate().or_else(|| I::parse("1000000")).expect("ids are generated, or parsed from digits")
}
