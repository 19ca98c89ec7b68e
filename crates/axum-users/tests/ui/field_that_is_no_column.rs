//! Fields whose types cannot be columns: one error each, at the type.

use std::collections::HashMap;

use axum_users::Profile;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Account {
    first_name: String,
    tags: Vec<String>,
    settings: Option<HashMap<String, bool>>,
}

fn main() {}
