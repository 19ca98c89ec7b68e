//! What `#[derive(Profile)]` makes of a struct: columns, JSON names, patches.

#![allow(non_snake_case)]

use axum_users::{
    Json, NoProfile, Profile,
    value::{Access, Fields, Kind, Row, Value},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The names that the columns claim are the names that serde writes.
macro_rules! rename_all {
    ($($test:ident: $rule:literal,)*) => { $(
        #[test]
        fn $test() {
            #[derive(Clone, Debug, Default, Serialize, Deserialize, Profile)]
            #[serde(rename_all = $rule, default)]
            struct Named {
                plain: bool,
                first_name: bool,
                _leading: bool,
                trailing_: bool,
                two__lines: bool,
                x2_y: bool,
                Upper_case: bool,
                r#type: bool,
                straße_öst: bool,
                #[serde(rename = "as_IS")]
                renamed: bool,
            }
            let shown = serde_json::to_value(Named::default()).unwrap();
            let names: Vec<_> = shown.as_object().unwrap().keys().map(String::as_str).collect();
            let columns: Vec<_> = Named::columns().iter().map(|column| column.json).collect();
            assert_eq!(columns, names);
            for name in names {
                let patch: NamedPatch = serde_json::from_value(json!({ name: true })).unwrap();
                assert_eq!(Fields::from(patch).iter().count(), 1, "{name} is read by the patch");
            }
        }
    )* };
}

rename_all! {
    lower_case: "lowercase",
    upper_case: "UPPERCASE",
    pascal_case: "PascalCase",
    camel_case: "camelCase",
    snake_case: "snake_case",
    screaming_snake_case: "SCREAMING_SNAKE_CASE",
    kebab_case: "kebab-case",
    screaming_kebab_case: "SCREAMING-KEBAB-CASE",
}

mod inner {
    use super::*;

    /// The profile's users do not see this type: the field is private, and so it is in the patch.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Setting(u8);

    #[derive(Clone, Debug, Serialize, Deserialize, Profile)]
    #[profile(id = i64)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub(crate) struct Account {
        /// Shown in
        /// greetings.
        pub(crate) first_name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) age: Option<i32>,
        #[serde(default)]
        pub(crate) newsletter: bool,
        #[serde(skip_deserializing)]
        pub(crate) credit: i64,
        #[serde(skip_serializing, default)]
        pub(crate) invitation: String,
        #[serde(skip)]
        #[profile(column = "stripe_customer")]
        pub(crate) stripe_id: Option<String>,
        settings: Json<Vec<Setting>>,
    }

    impl Account {
        pub(crate) fn new(first_name: &str) -> Self {
            Self {
                first_name: first_name.to_owned(),
                age: None,
                newsletter: true,
                credit: 5,
                invitation: "secret".to_owned(),
                stripe_id: Some("cus_1".to_owned()),
                settings: Json(vec![Setting(7)]),
            }
        }
    }
}
use inner::{Account, AccountPatch};

#[test]
fn columns_say_what_the_attributes_do() {
    let columns: Vec<_> = Account::columns()
        .iter()
        .map(|c| (c.name, c.json, c.kind, c.nullable, c.access, c.required, c.description))
        .collect();
    use Access::{Private, ReadOnly, ReadWrite, WriteOnly};
    let expected = [
        ("first_name", "firstName", Kind::Text, false, ReadWrite, true, "Shown in greetings."),
        ("age", "age", Kind::I32, true, ReadWrite, false, ""),
        ("newsletter", "newsletter", Kind::Bool, false, ReadWrite, false, ""),
        ("credit", "credit", Kind::I64, false, ReadOnly, false, ""),
        ("invitation", "invitation", Kind::Text, false, WriteOnly, false, ""),
        ("stripe_customer", "stripeId", Kind::Text, true, Private, false, ""),
        ("settings", "settings", Kind::Json, false, ReadWrite, true, ""),
    ];
    assert_eq!(columns, expected);
    assert!(NoProfile::columns().is_empty());
}

#[test]
fn a_profile_survives_the_way_through_its_columns() {
    let account = Account::new("Arthur");
    let values = account.clone().into_values();
    assert_eq!(values.len(), Account::columns().len());
    let read = Account::from_row(&mut Row::new(values.clone())).unwrap();
    assert_eq!(format!("{read:?}"), format!("{account:?}"));
    let shown = serde_json::to_value(&read).unwrap();
    assert_eq!(shown, json!({"firstName": "Arthur", "newsletter": true, "credit": 5, "settings": [7]}));

    let mut wrong = values.clone();
    wrong[3] = Value::Null;
    assert_eq!(Account::from_row(&mut Row::new(wrong)).unwrap_err().column, "credit");
    let short = values[..5].to_vec();
    assert_eq!(Account::from_row(&mut Row::new(short)).unwrap_err().column, "stripe_customer");
}

#[test]
fn a_patch_tells_absent_from_null() {
    let read = |body| Fields::from(serde_json::from_value::<AccountPatch>(body).unwrap());
    let changed =
        |fields: &Fields| fields.iter().map(|(name, value)| (name, value.clone())).collect::<Vec<_>>();
    assert!(read(json!({})).is_empty());
    assert_eq!(changed(&read(json!({"age": null}))), [("age", Value::Null)]);
    assert_eq!(changed(&read(json!({"age": 40}))), [("age", Value::Integer(40))]);
    assert!(serde_json::from_value::<AccountPatch>(json!({"firstName": null})).is_err());
    // What requests may not set is not read, whatever it is; code may set it.
    assert!(read(json!({"credit": 1_000_000, "stripeId": "cus_2", "stripe_customer": "cus_2"})).is_empty());
    let mut patch = AccountPatch::default();
    (patch.credit, patch.stripe_id) = (Some(9), Some(None));
    assert_eq!(changed(&patch.into()), [("credit", Value::Integer(9)), ("stripe_customer", Value::Null)]);
}
