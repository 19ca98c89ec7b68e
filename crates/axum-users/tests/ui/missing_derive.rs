//! A profile without its derive.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    first_name: String,
}

fn greet(user: &axum_users::User<Account>) -> String {
    format!("Hello {}!", user.profile.first_name)
}

fn main() {}
