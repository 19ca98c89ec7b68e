//! What the derive cannot follow is refused where it stands.

use axum_users::Profile;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Flattened {
    #[serde(flatten)]
    address: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Aliased {
    #[serde(alias = "name")]
    first_name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Converted {
    #[serde(with = "somewhere")]
    first_name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct NamedTwice {
    #[serde(rename(serialize = "name", deserialize = "firstName"))]
    first_name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Misspelt {
    #[profile(colum = "name")]
    first_name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct SometimesAbsent {
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<i32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    first_name: String,
}

fn main() {}
