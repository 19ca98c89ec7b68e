//! A handler that asks for a user, in a router whose state holds none. `debug_handler` tells it in one line.

use axum::{Router, debug_handler, routing::get};
use axum_users::CurrentUser;

#[derive(Clone)]
struct App {
    motto: &'static str,
}

#[debug_handler(state = App)]
async fn hello(user: CurrentUser) -> String {
    format!("Hello {}!", user.email)
}

fn main() {
    let _: Router = Router::new().route("/hello", get(hello)).with_state(App { motto: "all for one" });
}
