//! Names that every user has already, or another field.

use axum_users::Profile;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct OfEveryUser {
    email: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct InJson {
    #[serde(rename = "password")]
    secret: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
#[serde(rename_all = "snake_case")]
struct InAnUpdate {
    current_password: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct InTheDatabase {
    #[profile(column = "Is_Active")]
    active: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct ByAnotherField {
    name: String,
    #[profile(column = "NAME")]
    nickname: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Nameless {
    #[profile(column = "")]
    name: String,
}

fn main() {}
