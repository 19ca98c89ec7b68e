//! A session check as axum-login with tower-sessions-sqlx-store does it: the row of the session, then that of the user, each
//! through a pool with its default pings; nothing is written. The session holds the user's id and a fingerprint of the password
//! hash, which is compared. tower-sessions
//! packs it as MessagePack, this program as JSON of the same content.

use std::{sync::Arc, time::UNIX_EPOCH};

use anyhow::Context;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cookie::Cookie;
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, SqlitePool};
use subtle::ConstantTimeEq;

use super::{Broken, seed, unauthorized};

/// What tower-sessions calls it.
const COOKIE: &str = "id";
/// Bytes of a session's id.
const ID_BYTES: usize = 16;
/// Seconds.
const LIFETIME: u64 = 36_000;
const INSERT: &str = "INSERT INTO session (id, data, expiry_date) VALUES ($1, $2, $3)";
const SESSION: &str = "SELECT data FROM session WHERE id = $1 AND expiry_date > $2";

/// A row of the session's table, unpacked.
#[derive(Serialize, Deserialize)]
struct Record {
    user_id: String,
    auth_hash: Vec<u8>,
}

#[derive(Serialize)]
struct User {
    id: String,
    email: String,
    #[serde(skip)]
    hashed_password: String,
    is_active: bool,
    is_superuser: bool,
    is_verified: bool,
}

enum Store {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

/// The same statements by the pool of either database; the id of a user is a UUID in one and text in the other.
macro_rules! on {
    ($store:expr, $pool:ident => $does:expr) => {
        match $store {
            Store::Postgres($pool) => $does,
            Store::Sqlite($pool) => $does,
        }
    };
}

impl Store {
    const fn user_query(&self) -> &'static str {
        match self {
            Self::Postgres(_) => {
                "SELECT id::text AS id, email, hashed_password, is_active, is_superuser, is_verified \
                 FROM \"user\" WHERE id = $1::uuid"
            }
            Self::Sqlite(_) => "SELECT * FROM user WHERE id = $1",
        }
    }

    async fn session(&self, id: &str) -> anyhow::Result<Option<Record>> {
        let now = i64::try_from(UNIX_EPOCH.elapsed()?.as_secs())?;
        let data: Option<Vec<u8>> =
            on!(self, pool => sqlx::query_scalar(SESSION).bind(id).bind(now).fetch_optional(pool).await?);
        Ok(data.map(|data| serde_json::from_slice(&data)).transpose()?)
    }

    async fn user(&self, id: &str) -> anyhow::Result<Option<User>> {
        let query = self.user_query();
        let row: Option<(String, String, String, bool, bool, bool)> =
            on!(self, pool => sqlx::query_as(query).bind(id).fetch_optional(pool).await?);
        Ok(row.map(|(id, email, hashed_password, is_active, is_superuser, is_verified)| User {
            id,
            email,
            hashed_password,
            is_active,
            is_superuser,
            is_verified,
        }))
    }

    /// Gives the session's id.
    async fn log_in(&self, user_id: &str) -> anyhow::Result<String> {
        let user = self.user(user_id).await?.context("the user is missing")?;
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id)?;
        let id = URL_SAFE_NO_PAD.encode(id);
        let data =
            serde_json::to_vec(&Record { user_id: user.id, auth_hash: user.hashed_password.into_bytes() })?;
        let expiry = i64::try_from(UNIX_EPOCH.elapsed()?.as_secs() + LIFETIME)?;
        on!(self, pool => {
            sqlx::query(INSERT).bind(&id).bind(data).bind(expiry).execute(pool).await?;
        });
        Ok(id)
    }
}

/// Serves on a database without tables.
pub async fn run(database: &str) -> anyhow::Result<()> {
    let seed = seed::seed(database).await?;
    let store = match database.starts_with("postgres") {
        true => Store::Postgres(PgPool::connect(database).await?),
        false => Store::Sqlite(SqlitePool::connect(database).await?),
    };
    let session = store.log_in(&seed.user.to_string()).await?;
    let routes = Router::new().route("/users/me", get(me)).with_state(Arc::new(store));
    super::serve(routes, &format!("cookie: {COOKIE}={session}")).await
}

async fn me(State(store): State<Arc<Store>>, headers: HeaderMap) -> Result<Response, Broken> {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let id = Cookie::split_parse(cookies).flatten().find(|cookie| cookie.name() == COOKIE);
    let Some(id) = id else { return Ok(unauthorized()) };
    let Some(record) = store.session(id.value()).await? else { return Ok(unauthorized()) };
    Ok(match store.user(&record.user_id).await? {
        Some(user) if user.hashed_password.as_bytes().ct_eq(&record.auth_hash).into() => {
            Json(user).into_response()
        }
        _ => unauthorized(),
    })
}
