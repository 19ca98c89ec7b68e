use axum::{Router, routing::get};
use axum_users::{CurrentUser, Profile, Users};

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
struct Account {
    first_name: String,
}

async fn hello(user: CurrentUser<Account>) -> String {
    user.profile.first_name.clone()
}

fn routes(users: Users) -> Router {
    Router::new().route("/", get(hello)).with_state(users)
}

fn main() {}
