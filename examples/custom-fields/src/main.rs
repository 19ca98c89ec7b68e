//! Users with fields of the application's own, integer ids, two backends, and a rule for passwords.

use std::net::SocketAddr;

use axum::{Router, routing::get};
use axum_users::{Backend, Bearer, Context, Cookie, Hooks, Jwt, Opaque, Profile, SqlStore};

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
#[profile(id = i64)]
#[serde(rename_all = "camelCase")]
struct Account {
    first_name: String,
    age: Option<i32>,
    #[serde(skip)] // a column, but no part of the API
    stripe_id: Option<String>,
}
type CurrentUser = axum_users::CurrentUser<Account>;
type Users = axum_users::Users<Account>;

struct Rules;

impl Hooks<Account> for Rules {
    async fn validate_password(&self, password: &str, _: &str, _: &Context) -> Result<(), String> {
        if password.contains("camelot") { Err("Password should not name the castle".into()) } else { Ok(()) }
    }
}

async fn hello(user: Option<CurrentUser>) -> String {
    format!("Hail {}!", user.map_or("stranger".into(), |user| user.0.profile.first_name))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = std::env::var("SECRET").map_err(|_| "set SECRET, for example to $(openssl rand -hex 32)")?;
    let store = SqlStore::open("sqlite:users.db").await?;
    let users: Users = Users::builder(store.clone(), secret.clone())
        .backend(Backend::new("cookie", Cookie::default(), Opaque::new(store)))
        .backend(Backend::new("jwt", Bearer, Jwt::new(secret)))
        .hooks(Rules)
        .build()?;
    let app = Router::new().route("/", get(hello)).merge(users.routes()).with_state(users);
    let address = std::env::var("LISTEN").unwrap_or("127.0.0.1:8000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // With the addresses of clients, which rate limits need.
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
