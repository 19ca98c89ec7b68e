//! Only a struct with named fields is a profile.

use axum_users::Profile;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Tuple(String);

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
enum Choice {
    Knight { name: String },
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Generic<T> {
    name: T,
}

fn main() {}
