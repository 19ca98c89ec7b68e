//! One store for SQL databases. The statements and the neutral values meet the driver at one small seam
//! ([`driver`]).

mod dialect;
mod driver;
mod migrate;
#[cfg(feature = "postgres")]
mod postgres;
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod text;

use std::sync::Arc;

pub use migrate::MigrationError;
use time::OffsetDateTime;

#[cfg(feature = "postgres")]
use self::postgres::PostgresDriver;
#[cfg(feature = "sqlite")]
use self::sqlite::SqliteDriver;
use self::{
    driver::{Driver, Values},
    statements::{CORE, Statements, quote},
};
use super::{Found, NewToken, StoreError, TokenStore, UserStore};
use crate::{
    NoProfile, PasswordHash, Profile,
    user::{Changes, NewUser, User},
    value::{ColumnError, ColumnType, Kind, Row, Value},
};

/// Keeps users and tokens in an SQL database, SQLite or PostgreSQL, with the tables of fastapi-users.
///
/// Opening creates what is missing, in versioned migrations, and adopts a database that fastapi-users made: it adds,
/// and never drops or rewrites. Cloning shares the connections.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use axum_users::{NoProfile, SqlStore};
///
/// let store = SqlStore::<NoProfile>::open("sqlite::memory:").await?;
/// # Ok(()) }
/// ```
pub struct SqlStore<P: Profile = NoProfile> {
    driver: Arc<dyn Driver>,
    statements: Arc<Statements>,
    profile: std::marker::PhantomData<fn() -> P>,
}

/// What the URL of a database may start with.
const SCHEMES: &[&str] = &[
    #[cfg(feature = "sqlite")]
    "`sqlite:`",
    #[cfg(feature = "postgres")]
    "`postgres://`",
];

async fn connect(url: &str) -> Result<Arc<dyn Driver>, MigrationError> {
    Ok(match url.split_once(':').map(|(scheme, _)| scheme) {
        #[cfg(feature = "sqlite")]
        Some("sqlite") => Arc::new(SqliteDriver::open(url).await.map_err(MigrationError::Open)?),
        #[cfg(feature = "postgres")]
        Some("postgres" | "postgresql") => {
            Arc::new(PostgresDriver::open(url).await.map_err(MigrationError::Open)?)
        }
        _ => {
            let schemes = SCHEMES.join(" or ");
            let error = format!("the URL of the database must start with {schemes}");
            return Err(MigrationError::Open(error.into()));
        }
    })
}

impl<P: Profile> SqlStore<P> {
    /// Opens the database of a URL like `sqlite:users.db`, a file that is created if there is none, or
    /// `postgres://name:password@host/database`. On PostgreSQL: at most 16 connections, five seconds of patience for one
    /// of them and for each statement, TLS as the URL's `sslmode` says.
    ///
    /// # Errors
    /// [`MigrationError`], when the database cannot be opened, or holds what this version cannot adopt; the message
    /// says what to do.
    pub async fn open(url: &str) -> Result<Self, MigrationError> {
        Self::with_driver(connect(url).await?).await
    }

    /// Does what [`open`](Self::open) does to the database, and tells by which statements.
    ///
    /// # Errors
    /// As for `open`.
    pub async fn migrate(url: &str) -> Result<Vec<String>, MigrationError> {
        migrate::run::<P>(&*connect(url).await?).await
    }

    /// The statements by which [`open`](Self::open) would bring this database up to date; none when it is. Nothing is
    /// changed; an SQLite file that does not exist is taken for an empty one.
    ///
    /// # Errors
    /// What `open` would refuse.
    pub async fn plan(url: &str) -> Result<Vec<String>, MigrationError> {
        #[cfg(feature = "sqlite")]
        if url.starts_with("sqlite:") {
            let driver = SqliteDriver::open_to_read(url).await.map_err(MigrationError::Open)?;
            return migrate::plan::<P>(&driver).await;
        }
        migrate::plan::<P>(&*connect(url).await?).await
    }

    /// Works on a connection pool of the application. Its connections should have foreign keys on, a busy timeout,
    /// and the write-ahead log.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    #[cfg(feature = "sqlite")]
    pub async fn from_pool(pool: sqlx::SqlitePool) -> Result<Self, MigrationError> {
        Self::with_driver(Arc::new(SqliteDriver::shared(pool))).await
    }

    /// Works on a connection pool of the application, in the first schema of its search path. Its connections should
    /// have a statement timeout.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    #[cfg(feature = "postgres")]
    pub async fn from_postgres_pool(pool: sqlx::PgPool) -> Result<Self, MigrationError> {
        Self::with_driver(Arc::new(PostgresDriver::shared(pool))).await
    }

    async fn with_driver(driver: Arc<dyn Driver>) -> Result<Self, MigrationError> {
        migrate::run::<P>(&*driver).await?;
        let statements = Arc::new(Statements::new::<P>(driver.dialect()));
        Ok(Self { driver, statements, profile: std::marker::PhantomData })
    }

    async fn fetch_user(&self, sql: &Arc<str>, values: Values) -> Result<Option<User<P>>, StoreError> {
        let rows = self.driver.fetch(sql, values, &self.statements.kinds).await?;
        rows.into_iter().next().map(user).transpose().map_err(StoreError::from)
    }
}

impl<P: Profile> Clone for SqlStore<P> {
    fn clone(&self) -> Self {
        Self {
            driver: Arc::clone(&self.driver),
            statements: Arc::clone(&self.statements),
            profile: std::marker::PhantomData,
        }
    }
}

impl<P: Profile> std::fmt::Debug for SqlStore<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlStore").finish_non_exhaustive()
    }
}

/// Reads a user from the columns of [`statements::CORE`] and those of the profile.
fn user<P: Profile>(values: Values) -> Result<User<P>, ColumnError> {
    let mut row = Row::new(values);
    Ok(User {
        id: row.read("id")?,
        email: row.read("email")?,
        hashed_password: PasswordHash::new(row.read::<String>("hashed_password")?),
        is_active: row.read("is_active")?,
        is_superuser: row.read("is_superuser")?,
        is_verified: row.read("is_verified")?,
        profile: P::from_row(&mut row)?,
    })
}

/// The kind of a column that is not the id.
fn kind_of<P: Profile>(name: &str) -> Kind {
    let core = CORE.iter().find(|(core, _)| *core == name).map(|(_, kind)| *kind);
    let profile = || P::columns().iter().find(|column| column.name == name).map(|column| column.kind);
    core.or_else(profile).unwrap_or(Kind::Text)
}

fn id<P: Profile>(id: &P::Id) -> Value {
    id.clone().into_value()
}

impl<P: Profile> UserStore<P> for SqlStore<P> {
    async fn get(&self, user: &P::Id) -> Result<Option<User<P>>, StoreError> {
        self.fetch_user(&self.statements.get, vec![id::<P>(user)]).await
    }

    async fn get_by_email(&self, email: &str) -> Result<Option<User<P>>, StoreError> {
        self.fetch_user(&self.statements.get_by_email, vec![Value::Text(email.to_owned())]).await
    }

    async fn list(&self, after: Option<&P::Id>, limit: u32) -> Result<Vec<User<P>>, StoreError> {
        let limit = Value::Integer(limit.into());
        let (sql, values) = match after {
            Some(after) => (&self.statements.list_after, vec![id::<P>(after), limit]),
            None => (&self.statements.list_first, vec![limit]),
        };
        let rows = self.driver.fetch(sql, values, &self.statements.kinds).await?;
        rows.into_iter().map(|row| user(row).map_err(StoreError::from)).collect()
    }

    async fn insert(&self, new: NewUser<P>) -> Result<User<P>, StoreError> {
        let sql = if new.id.is_some() { &self.statements.insert } else { &self.statements.insert_without_id };
        let mut values: Values = new.id.map(ColumnType::into_value).into_iter().collect();
        values.push(Value::Text(new.email));
        values.push(Value::Text(new.hashed_password.into_string()));
        values.extend([new.is_active, new.is_superuser, new.is_verified].map(Value::Bool));
        values.extend(new.profile.into_values());
        let mut transaction = self.driver.begin().await?;
        let rows = transaction.fetch(sql, values, &self.statements.kinds).await?;
        let created = rows.into_iter().next().map(user).transpose()?;
        transaction.commit().await?;
        created.ok_or_else(|| StoreError::Backend("an insert returned no row".into()))
    }

    async fn update(&self, user_id: &P::Id, changes: &Changes) -> Result<Option<User<P>>, StoreError> {
        let text = |text: &String| Value::Text(text.clone());
        let hash = |hash: &PasswordHash| Value::Text(hash.as_str().to_owned());
        let core = [
            ("email", changes.email.as_ref().map(text)),
            ("hashed_password", changes.hashed_password.as_ref().map(hash)),
            ("is_active", changes.is_active.map(Value::Bool)),
            ("is_superuser", changes.is_superuser.map(Value::Bool)),
            ("is_verified", changes.is_verified.map(Value::Bool)),
        ];
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for (name, value) in core {
            if let Some(value) = value {
                columns.push((quote(name), kind_of::<P>(name)));
                values.push(value);
            }
        }
        for (name, value) in changes.profile.iter() {
            columns.push((quote(name), kind_of::<P>(name)));
            values.push(value.clone());
        }
        values.push(id::<P>(user_id));
        let mut conditions = Vec::new();
        if let Some(expected) = &changes.if_password_is {
            conditions.push("hashed_password");
            values.push(hash(expected));
        }
        if let Some(expected) = &changes.if_email_is {
            conditions.push("email");
            values.push(text(expected));
        }
        let sql = self.statements.update::<P>(&columns, &conditions);
        let mut transaction = self.driver.begin().await?;
        let rows = transaction.fetch(&sql, values, &self.statements.kinds).await?;
        let updated: Option<User<P>> = rows.into_iter().next().map(user).transpose()?;
        if updated.is_some() && changes.end_sessions {
            transaction.execute(&self.statements.remove_tokens, vec![id::<P>(user_id)]).await?;
        }
        transaction.commit().await?;
        Ok(updated)
    }

    async fn delete(&self, user: &P::Id) -> Result<bool, StoreError> {
        let mut transaction = self.driver.begin().await?;
        // The user first, as updates do: two transactions that lock the same rows in one order never wait in a circle.
        let deleted = transaction.execute(&self.statements.delete, vec![id::<P>(user)]).await?;
        // The foreign key does this too, but not in a file whose other users leave foreign keys off.
        transaction.execute(&self.statements.remove_tokens, vec![id::<P>(user)]).await?;
        transaction.commit().await?;
        Ok(deleted > 0)
    }

    async fn revoke(&self, digest: &str, expires_at: OffsetDateTime) -> Result<(), StoreError> {
        let mut transaction = self.driver.begin().await?;
        let now = Value::Timestamp(OffsetDateTime::now_utc());
        transaction.execute(&self.statements.purge_revoked, vec![now]).await?;
        let values = vec![Value::Text(digest.to_owned()), Value::Timestamp(expires_at)];
        transaction.execute(&self.statements.revoke, values).await?;
        Ok(transaction.commit().await?)
    }

    async fn get_unless_revoked(&self, user: &P::Id, digest: &str) -> Result<Option<User<P>>, StoreError> {
        let values = vec![id::<P>(user), Value::Text(digest.to_owned())];
        self.fetch_user(&self.statements.get_unless_revoked, values).await
    }
}

impl<P: Profile> TokenStore<P> for SqlStore<P> {
    async fn insert(&self, new: NewToken<'_, P>) -> Result<(), StoreError> {
        let values = vec![
            Value::Text(new.token.to_owned()),
            id::<P>(new.user),
            Value::Timestamp(new.created_at),
            new.expires_at.map_or(Value::Null, Value::Timestamp),
        ];
        self.driver.execute(&self.statements.insert_token, values).await?;
        Ok(())
    }

    async fn find(
        &self,
        token: &str,
        not_before: Option<OffsetDateTime>,
    ) -> Result<Option<Found<P>>, StoreError> {
        let mut values = vec![Value::Text(token.to_owned())];
        values.extend(not_before.map(Value::Timestamp));
        let since = not_before.is_some();
        let sql = if since { &self.statements.find_token_since } else { &self.statements.find_token };
        Ok(self.fetch_user(sql, values).await?.map(|user| Found::User(Box::new(user))))
    }

    async fn remove(&self, token: &str) -> Result<bool, StoreError> {
        let values = vec![Value::Text(token.to_owned())];
        Ok(self.driver.execute(&self.statements.remove_token, values).await? > 0)
    }

    async fn remove_all(&self, user: &P::Id) -> Result<(), StoreError> {
        self.driver.execute(&self.statements.remove_tokens, vec![id::<P>(user)]).await?;
        Ok(())
    }

    async fn remove_expired(&self, now: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let values = vec![Value::Timestamp(now), Value::Integer(limit.into())];
        Ok(self.driver.execute(&self.statements.remove_expired_tokens, values).await?)
    }
}
