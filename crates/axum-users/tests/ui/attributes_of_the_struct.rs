//! What would make JSON differ from the columns is refused where it stands.

use axum_users::Profile;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
#[serde(from = "Other")]
struct Converted {
    first_name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
#[serde(transparent)]
struct Transparent {
    first_name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
#[serde(rename_all(serialize = "camelCase"))]
struct NamedTwice {
    first_name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
#[profile(table = "people")]
struct Misspelt {
    first_name: String,
}

fn main() {}
