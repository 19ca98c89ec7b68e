//! The limit: for each route the least work that gives the right answer, with nothing that a user of a library would ask for.

mod postgres;
mod sqlite;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Broken, bearer, hashes, json, seed, unauthorized};

const SECRET: &[u8] = b"a secret of the benchmark's limit";
const AUDIENCE: &str = "fastapi-users:auth";
/// How long tokens live.
const LIFETIME: Duration = Duration::from_secs(36_000);
/// Forgotten passwords that wait to be mailed.
const QUEUE: usize = 4096;

#[derive(Clone, Debug, Serialize)]
struct User {
    id: Uuid,
    email: String,
    is_active: bool,
    is_superuser: bool,
    is_verified: bool,
}

enum Users {
    Postgres(Box<postgres::Users>),
    Sqlite(sqlite::Users),
}

enum Sessions {
    Jwt,
    Database,
    Redis(redis::aio::MultiplexedConnection),
}

struct App {
    users: Users,
    sessions: Sessions,
    hashes: hashes::Pool,
    forgotten: mpsc::Sender<String>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

/// Serves on a database without tables.
pub async fn run(strategy: &str, database: &str, redis: &str) -> anyhow::Result<()> {
    let seed = seed::seed(database).await?;
    let users = match database.strip_prefix("sqlite:") {
        Some(path) => Users::Sqlite(sqlite::Users::new(path)),
        None => Users::Postgres(Box::new(postgres::Users::connect(database).await?)),
    };
    let sessions = match strategy {
        "jwt" => Sessions::Jwt,
        "database" => Sessions::Database,
        _ => {
            let mut connection = redis::Client::open(redis)?.get_multiplexed_async_connection().await?;
            let key = redis_key(&seed.token);
            let () = connection.set_ex(key, seed.user.to_string(), LIFETIME.as_secs()).await?;
            Sessions::Redis(connection)
        }
    };
    let (forgotten, mut queue) = mpsc::channel(QUEUE);
    tokio::spawn(async move { while queue.recv().await.is_some() {} });
    let mut validation = Validation::default();
    validation.set_audience(&[AUDIENCE]);
    let app = App {
        users,
        sessions,
        hashes: hashes::Pool::start()?,
        forgotten,
        encoding: EncodingKey::from_secret(SECRET),
        decoding: DecodingKey::from_secret(SECRET),
        validation,
    };
    let token = match &app.sessions {
        Sessions::Jwt => app.sign(seed.user)?,
        _ => seed.token,
    };
    let routes = Router::new()
        .route("/users/me", get(me))
        .route("/auth/jwt/login", post(log_in))
        .route("/auth/register", post(register))
        .route("/auth/forgot-password", post(forgot_password))
        .with_state(Arc::new(app));
    super::serve(routes, &format!("authorization: Bearer {token}")).await
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    aud: [String; 1],
    exp: u64,
}

impl App {
    fn sign(&self, user: Uuid) -> anyhow::Result<String> {
        let exp = std::time::UNIX_EPOCH.elapsed()? + LIFETIME;
        let claims = Claims { sub: user, aud: [AUDIENCE.to_owned()], exp: exp.as_secs() };
        Ok(jsonwebtoken::encode(&Header::default(), &claims, &self.encoding)?)
    }

    async fn user(&self, token: &str) -> anyhow::Result<Option<User>> {
        let id = match &self.sessions {
            Sessions::Database => {
                return match &self.users {
                    Users::Postgres(users) => users.by_token(token).await,
                    Users::Sqlite(users) => users.by_token(token),
                };
            }
            Sessions::Jwt => match jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation) {
                Ok(token) => token.claims.sub,
                Err(_) => return Ok(None),
            },
            Sessions::Redis(connection) => {
                let id: Option<String> = connection.clone().get(redis_key(token)).await?;
                let Some(id) = id else { return Ok(None) };
                id.parse()?
            }
        };
        match &self.users {
            Users::Postgres(users) => users.by_id(id).await,
            Users::Sqlite(users) => users.by_id(id),
        }
    }

    fn postgres(&self) -> anyhow::Result<&postgres::Users> {
        match &self.users {
            Users::Postgres(users) => Ok(users),
            Users::Sqlite(_) => anyhow::bail!("only sessions are checked on SQLite"),
        }
    }
}

async fn me(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Broken> {
    let Some(token) = bearer(&headers) else { return Ok(unauthorized()) };
    Ok(match app.user(token).await? {
        Some(user) if user.is_active => Json(user).into_response(),
        _ => unauthorized(),
    })
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

async fn log_in(State(app): State<Arc<App>>, Form(login): Form<Login>) -> Result<Response, Broken> {
    let (id, hash) = app.postgres()?.hash_of(&login.username).await?.context("unknown")?;
    if !app.hashes.verify(login.password, hash).await? {
        return Ok(json(StatusCode::BAD_REQUEST, r#"{"detail":"LOGIN_BAD_CREDENTIALS"}"#));
    }
    let answer = serde_json::json!({"access_token": app.sign(id)?, "token_type": "bearer"});
    Ok(Json(answer).into_response())
}

#[derive(Deserialize)]
struct Registration {
    email: String,
    password: String,
}

async fn register(
    State(app): State<Arc<App>>,
    Json(Registration { email, password }): Json<Registration>,
) -> Result<Response, Broken> {
    let hash = app.hashes.hash(password).await?;
    let user = User { id: Uuid::new_v4(), email, is_active: true, is_superuser: false, is_verified: false };
    if !app.postgres()?.insert(&user, &hash).await? {
        return Ok(json(StatusCode::BAD_REQUEST, r#"{"detail":"REGISTER_USER_ALREADY_EXISTS"}"#));
    }
    Ok((StatusCode::CREATED, Json(user)).into_response())
}

#[derive(Deserialize)]
struct Forgotten {
    email: String,
}

async fn forgot_password(
    State(app): State<Arc<App>>,
    Json(body): Json<Forgotten>,
) -> Result<Response, Broken> {
    if !body.email.contains('@') {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    }
    app.forgotten.send(body.email).await?;
    Ok(json(StatusCode::ACCEPTED, "null"))
}

fn redis_key(token: &str) -> String {
    format!("fastapi_users_token:{token}")
}
