//! Users and tokens written straight into the tables, which both servers share (SQLite).

use std::{path::Path, time::Duration};

use anyhow::Context;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection, TypeInfo, ValueRef,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use time::{OffsetDateTime, macros::format_description};

use super::{jwt, server::Server, settings::Secrets, variables::Variables};

/// The hash of `guinevere`, the password of seeded users, with the parameters of new hashes. Made with argon2-cffi, as all hashes here.
pub(crate) const HASH: &str =
    "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$pe3YdBRKK6IHmVouEMF04cgqISDgNKzq6CbSwCFt2d0";

/// The hash of that hash, as reset tokens hold it, with cheap parameters.
const FINGERPRINT: &str =
    "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$in8f7LV4xoKHn6kCfrXFrT2ZL2nwHWI064hI2M45N30";

pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) is_active: bool,
    pub(crate) is_superuser: bool,
    pub(crate) is_verified: bool,
    pub(crate) hash: &'static str,
}

impl Person {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, is_active: true, is_superuser: false, is_verified: false, hash: HASH }
    }

    /// Writes the user with a database token, both with values that follow from the scenario's number.
    pub(super) async fn seed(&self, server: &Server, variables: &mut Variables) -> anyhow::Result<()> {
        let Self { name, is_active, is_superuser, is_verified, hash } = self;
        let unique = variables.fill("<unique>");
        let number: u32 = unique.trim_start_matches('u').parse()?;
        let position = name.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 997);
        let id = match server.integer_ids {
            true => (number * 1000 + position).to_string(),
            false => format!("{number:08x}-face-4000-8000-{position:012x}"),
        };
        let email = format!("{name}.{unique}@example.com");
        let session = format!("{name:-<20}{unique:-<23}");
        let fields: String = server.fields.iter().map(|field| format!(", {field}")).collect();
        let values: String = server.fields.iter().map(|_| ", 'Arthur'").collect();
        change(
            &server.database,
            &format!(
                "INSERT INTO \"user\" \
                 (id, email, hashed_password, is_active, is_superuser, is_verified{fields}) \
                 VALUES ('{id}', '{email}', '{hash}', {is_active}, {is_superuser}, {is_verified}{values})"
            ),
        )
        .await?;
        if server.has_tokens {
            let now = OffsetDateTime::now_utc().format(format_description!(
                "[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]"
            ))?;
            let insert = format!(
                "INSERT INTO accesstoken (token, created_at, user_id) VALUES ('{session}', '{now}', '{id}')"
            );
            change(&server.database, &insert).await?;
        }
        let claims = serde_json::json!({
            "sub": id, "aud": ["fastapi-users:auth"], "exp": jwt::in_seconds(3600),
        });
        let header = serde_json::json!({"alg": "HS256", "typ": "JWT"});
        let token = jwt::sign(&header, &claims.to_string(), Secrets::SHARED.jwt)?;
        if !server.integer_ids {
            variables.own(&format!("{name}.upper"), id.to_uppercase());
            variables.own(&format!("{name}.tail"), id.replace('-', "").split_off(2));
        }
        variables.own(&format!("{name}.id"), id);
        variables.own(&format!("{name}.jwt"), token);
        variables.own(&format!("{name}.session"), session);
        variables.own(&format!("{name}.hash"), *hash);
        variables.own(&format!("{name}.fingerprint"), FINGERPRINT);
        variables.shared(&format!("{name}.email"), email);
        Ok(())
    }
}

async fn connect(database: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(Duration::from_secs(20));
    options.disable_statement_logging().connect().await.context("cannot open the database")
}

pub(super) async fn change(database: &Path, statement: &str) -> anyhow::Result<()> {
    let mut connection = connect(database).await?;
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// The rows of a query, one a line, the columns separated by ` | `.
pub(super) async fn rows(database: &Path, query: &str, variables: &Variables) -> anyhow::Result<String> {
    let mut connection = connect(database).await?;
    let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut connection).await?;
    connection.close().await?;
    let lines: Result<Vec<String>, sqlx::Error> = rows
        .iter()
        .map(|row| {
            let cells: Result<Vec<String>, _> =
                (0..row.columns().len()).map(|index| cell(row, index, variables)).collect();
            Ok(cells?.join(" | "))
        })
        .collect();
    Ok(lines?.join("\n"))
}

fn cell(row: &SqliteRow, index: usize, variables: &Variables) -> Result<String, sqlx::Error> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok("null".to_owned());
    }
    match value.type_info().name() {
        "TEXT" => {
            let text: String = row.try_get_unchecked(index)?;
            Ok(super::normal::cell(&text, variables))
        }
        _ => Ok(row.try_get_unchecked::<i64, _>(index)?.to_string()),
    }
}
