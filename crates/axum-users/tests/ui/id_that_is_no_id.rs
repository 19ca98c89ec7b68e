//! A type of ids that cannot be one.

use axum_users::Profile;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
#[profile(id = u64)]
struct Account {
    first_name: String,
}

fn main() {}
