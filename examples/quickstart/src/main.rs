//! The quickstart of the README: users in SQLite, logged in by JWT.

use std::net::SocketAddr;

use axum::{Router, routing::get};
use axum_users::{Backend, Bearer, Context, CurrentUser, HookResult, Hooks, Jwt, SqlStore, User, Users};

struct Events;

impl Hooks for Events {
    async fn after_register(&self, user: &User, _: &Context) -> HookResult {
        println!("User {} has registered.", user.id);
        Ok(())
    }
    async fn after_forgot_password(&self, user: &User, token: &str, _: &Context) -> HookResult {
        println!("User {} has forgotten the password. Reset token: {token}", user.id);
        Ok(())
    }
    async fn after_request_verify(&self, user: &User, token: &str, _: &Context) -> HookResult {
        println!("Verification requested for user {}. Verification token: {token}", user.id);
        Ok(())
    }
}

async fn authenticated_route(user: CurrentUser) -> String {
    format!("Hello {}!", user.email)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = std::env::var("SECRET").map_err(|_| "set SECRET, for example to $(openssl rand -hex 32)")?;
    let users: Users = Users::builder(SqlStore::open("sqlite:users.db").await?, secret.clone())
        .backend(Backend::new("jwt", Bearer, Jwt::new(secret)))
        .hooks(Events)
        .build()?;
    let app = Router::new()
        .route("/authenticated-route", get(authenticated_route))
        .merge(users.routes())
        .with_state(users);
    let address = std::env::var("LISTEN").unwrap_or("127.0.0.1:8000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // With the addresses of clients, which rate limits need.
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
