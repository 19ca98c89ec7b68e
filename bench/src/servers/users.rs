//! The same users in every server.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};

use super::Strategy;

/// Who is asking.
pub const EMAIL: &str = "king.arthur@camelot.bt";
pub const PASSWORD: &str = "Excalibur and 12 empty seats";
/// How many others there are in PostgreSQL.
pub const OTHER_USERS: u32 = 1000;

/// The address of one of them, from 1.
pub fn other_email(number: u32) -> String {
    format!("knight.{number}@camelot.bt")
}

/// Gives a token.
pub async fn register_and_log_in(address: &str, strategy: Strategy) -> anyhow::Result<String> {
    register(address).await?;
    log_in(address, strategy, EMAIL).await
}

pub async fn register(address: &str) -> anyhow::Result<()> {
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let answer = reqwest::Client::new().post(format!("{address}/auth/register")).json(&body).send().await?;
    let status = answer.status();
    ensure!(status == 201, "register: {status} {}", answer.text().await?);
    Ok(())
}

/// Gives a token. All have the same password.
pub async fn log_in(address: &str, strategy: Strategy, email: &str) -> anyhow::Result<String> {
    let form = [("username", email), ("password", PASSWORD)];
    let url = format!("{address}/auth/{}/login", strategy.name());
    let answer = reqwest::Client::new().post(url).form(&form).send().await?;
    let status = answer.status();
    ensure!(status == 200, "login: {status} {}", answer.text().await?);
    let answer: Value = answer.json().await?;
    Ok(answer["access_token"].as_str().context("no access token")?.to_owned())
}

/// Adds the others with the password of the first: to register them would take minutes.
pub(super) async fn add_others(database: &str) -> anyhow::Result<()> {
    let mut connection = sqlx::PgConnection::connect(database).await?;
    let insert = format!(
        "INSERT INTO \"user\" (id, email, hashed_password, is_active, is_superuser, is_verified) \
         SELECT gen_random_uuid(), 'knight.' || n || '@camelot.bt', hashed_password, true, false, false \
         FROM \"user\", generate_series(1, {OTHER_USERS}) AS n WHERE email = $1"
    );
    let added = sqlx::query(AssertSqlSafe(insert)).bind(EMAIL).execute(&mut connection).await?;
    ensure!(added.rows_affected() == u64::from(OTHER_USERS), "{} users were added", added.rows_affected());
    sqlx::query("ANALYZE").execute(&mut connection).await?;
    Ok(connection.close().await?)
}
