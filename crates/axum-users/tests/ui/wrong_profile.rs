//! A handler that asks for users of another profile than the router's, told by `debug_handler` and by the route.

use axum::{Router, debug_handler, routing::get};
use axum_users::{CurrentUser, NoProfile, Profile, Superuser, Users};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Account {
    first_name: String,
}

#[debug_handler(state = Users<Account>)]
async fn forgot_the_profile(user: CurrentUser) -> String {
    format!("Hello {}!", user.email)
}

async fn hello(user: CurrentUser<Account>, _: Option<Superuser<NoProfile>>) -> String {
    format!("Hello {}!", user.profile.first_name)
}

fn routes() -> Router<Users<Account>> {
    Router::new().route("/hello", get(hello))
}

fn main() {}
