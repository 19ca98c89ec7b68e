//! The tables of fastapi-users, in every SQL database.

use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, Column, ColumnIndex, Connection, Decode, MySqlConnection, MySqlPool, PgConnection, PgPool,
    Row, SqlitePool, TypeInfo,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use time::{OffsetDateTime, macros::format_description};

/// A row as text; `None` is a null.
type Texts = Vec<Option<String>>;

pub(super) enum Sql {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    Mariadb(MySqlPool),
}

impl Sql {
    /// A file that the first program makes.
    pub(super) fn sqlite(file: &Path) -> (String, Self) {
        let options =
            SqliteConnectOptions::new().filename(file).busy_timeout(std::time::Duration::from_secs(20));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
        (format!("sqlite:{}", file.display()), Self::Sqlite(pool))
    }

    /// A database of its own.
    pub(super) async fn postgres(server: &str) -> anyhow::Result<(String, Self)> {
        let (name, url) = named(server)?;
        let mut connection = PgConnection::connect(server).await.context("PostgreSQL (TEST_POSTGRES)")?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy(&url)?;
        Ok((url, Self::Postgres(pool)))
    }

    /// A database of its own, which compares texts as MariaDB does where nobody says otherwise.
    pub(super) async fn mariadb(server: &str) -> anyhow::Result<(String, Self)> {
        let (name, url) = named(server)?;
        let mut connection = MySqlConnection::connect(server).await.context("MariaDB (TEST_MARIADB)")?;
        let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await?;
        // In the server's time zone, as fastapi-users is.
        let options = url.parse::<MySqlConnectOptions>()?.timezone(None);
        let pool = MySqlPoolOptions::new().max_connections(2).connect_lazy_with(options);
        Ok((url, Self::Mariadb(pool)))
    }

    pub(super) async fn insert(&self, table: &str, columns: &[(&str, Value)]) -> anyhow::Result<()> {
        let names: Vec<String> = columns.iter().map(|(name, _)| self.name(name)).collect();
        let values: Vec<String> = columns.iter().map(|(_, value)| self.literal(value)).collect();
        let (table, names, values) = (self.name(table), names.join(", "), values.join(", "));
        self.execute(format!("INSERT INTO {table} ({names}) VALUES ({values})")).await?;
        Ok(())
    }

    pub(super) async fn insert_token(&self, token: &str, user: &str) -> anyhow::Result<()> {
        let format =
            format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");
        let now = OffsetDateTime::now_utc().format(format)?;
        let columns = [("token", json!(token)), ("created_at", json!(now)), ("user_id", json!(user))];
        self.insert("accesstoken", &columns).await
    }

    pub(super) async fn set(&self, user: &str, column: &str, value: &Value) -> anyhow::Result<()> {
        let (table, column, value) = (self.name("user"), self.name(column), self.literal(value));
        let id = self.literal(&json!(user));
        let update = format!("UPDATE {table} SET {column} = {value} WHERE id = {id}");
        ensure!(self.execute(update).await? == 1, "there is no user {user}");
        Ok(())
    }

    pub(super) async fn remove(&self, table: &str, column: &str, value: &str) -> anyhow::Result<()> {
        let (table, column, value) = (self.name(table), self.name(column), self.literal(&json!(value)));
        self.execute(format!("DELETE FROM {table} WHERE {column} = {value}")).await?;
        Ok(())
    }

    pub(super) async fn select(
        &self,
        table: &str,
        columns: &[&str],
        column: &str,
        value: &str,
    ) -> anyhow::Result<Vec<Texts>> {
        let columns: Vec<String> = columns.iter().map(|name| self.name(name)).collect();
        let (table, column, value) = (self.name(table), self.name(column), self.literal(&json!(value)));
        let query = format!("SELECT {} FROM {table} WHERE {column} = {value}", columns.join(", "));
        let query = sqlx::raw_sql(AssertSqlSafe(query));
        Ok(match self {
            Self::Sqlite(pool) => texts(&query.fetch_all(pool).await?)?,
            Self::Postgres(pool) => texts(&query.fetch_all(pool).await?)?,
            Self::Mariadb(pool) => texts(&query.fetch_all(pool).await?)?,
        })
    }

    /// How many rows it has changed.
    async fn execute(&self, statement: String) -> anyhow::Result<u64> {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement));
        let changed = match self {
            Self::Sqlite(pool) => statement.execute(pool).await?.rows_affected(),
            Self::Postgres(pool) => statement.execute(pool).await?.rows_affected(),
            Self::Mariadb(pool) => statement.execute(pool).await?.rows_affected(),
        };
        Ok(changed)
    }

    /// A name that may be a keyword.
    fn name(&self, name: &str) -> String {
        match self {
            Self::Sqlite(_) | Self::Postgres(_) => format!("\"{name}\""),
            Self::Mariadb(_) => format!("`{name}`"),
        }
    }

    /// A value whose type follows from its column.
    fn literal(&self, value: &Value) -> String {
        let Value::String(text) = value else { return value.to_string() };
        let text = match self {
            Self::Sqlite(_) | Self::Postgres(_) => text.clone(),
            Self::Mariadb(_) => text.replace('\\', "\\\\"),
        };
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// A new name, and the address of the database of that name.
fn named(server: &str) -> anyhow::Result<(String, String)> {
    let name = format!("compat_{}", super::unique());
    let (server, _) = server.rsplit_once('/').context("the address of a server names no database")?;
    let url = format!("{server}/{name}");
    Ok((name, url))
}

/// All of them send text if they are asked without values.
fn texts<R>(rows: &[R]) -> Result<Vec<Texts>, sqlx::Error>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> Option<String>: Decode<'r, R::Database>,
{
    let cell = |row: &R, index: usize| {
        let text: Option<String> = row.try_get_unchecked(index)?;
        let is_boolean = row.try_column(index)?.type_info().name() == "BOOL";
        Ok(text.map(|text| match text.as_str() {
            "t" if is_boolean => "1".to_owned(),
            "f" if is_boolean => "0".to_owned(),
            _ => text,
        }))
    };
    rows.iter().map(|row| (0..row.len()).map(|index| cell(row, index)).collect()).collect()
}
