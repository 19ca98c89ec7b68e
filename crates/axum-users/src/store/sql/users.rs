//! Users in SQL.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{
    SqlStore,
    driver::{DriverError, Transaction, Values},
    id,
    retry::retried,
    statements::{CORE, quote},
    user,
};
use crate::{
    PasswordHash, Profile, StoreError, UserId, UserStore,
    secret::random_token,
    user::{Changes, NewUser, User},
    value::{ColumnType, Kind, Value},
};

/// The kind of a column that is not the id.
fn kind_of<P: Profile>(name: &str) -> Kind {
    let core = CORE.iter().find(|(core, _)| *core == name).map(|(_, kind)| *kind);
    let profile = || P::columns().iter().find(|column| column.name == name).map(|column| column.kind);
    core.or_else(profile).unwrap_or(Kind::Text)
}

impl<P: Profile> UserStore<P> for SqlStore<P> {
    async fn get(&self, user: &P::Id) -> Result<Option<User<P>>, StoreError> {
        self.fetch_user(&self.statements.get, vec![id::<P>(user)]).await
    }

    async fn get_by_email(&self, email: &str) -> Result<Option<User<P>>, StoreError> {
        let email = vec![Value::Text(email.to_owned())];
        let (sql, kinds) = (&self.statements.get_by_email, &self.statements.kinds_by_email);
        let Some(mut row) = self.driver.find(sql, email, kinds).await? else { return Ok(None) };
        let is_nobody = row.pop() != Some(Value::Bool(false));
        let found = user(row);
        if is_nobody {
            std::hint::black_box(&found);
            return Ok(None);
        }
        Ok(Some(found?))
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
        self.write_alone(&self.to_insert(new)).await?.ok_or_else(nothing_inserted)
    }

    async fn insert_hidden(&self, new: NewUser<P>) -> Result<User<P>, StoreError> {
        let Some(id) = new.id.clone() else { return self.insert(new).await };
        let Some(sql) = &self.statements.insert_or_touch else {
            return self.insert_beside_nobody(new).await;
        };
        let insert = Write { sql: Arc::clone(sql), ..self.to_insert(new) };
        let user = self.write_alone(&insert).await?.ok_or_else(nothing_inserted)?;
        if user.id == id { Ok(user) } else { Err(StoreError::Duplicate) }
    }

    async fn update(&self, user: &P::Id, changes: &Changes) -> Result<Option<User<P>>, StoreError> {
        self.write_alone(&self.to_update(user, changes)).await
    }

    async fn delete(&self, user: &P::Id) -> Result<bool, StoreError> {
        let deleted = retried(async || {
            let mut transaction = self.driver.begin().await?;
            // The user first, as updates do: two transactions that lock the same rows in one order never wait in a
            // circle.
            let deleted = transaction.execute(&self.statements.delete, vec![id::<P>(user)]).await?;
            // The foreign key does this too, but not in a file whose other users leave foreign keys off.
            transaction.execute(&self.statements.remove_tokens, vec![id::<P>(user)]).await?;
            transaction.execute(&self.statements.accounts.remove_all, vec![id::<P>(user)]).await?;
            transaction.commit().await?;
            Ok(deleted > 0)
        });
        Ok(deleted.await?)
    }

    /// Each statement is a transaction of its own: MySQL keeps the gaps where something has expired locked until the end
    /// of one, and two that are to insert there would wait in a circle.
    async fn revoke(&self, digest: &str, expires_at: OffsetDateTime) -> Result<bool, StoreError> {
        let now = Value::Timestamp(OffsetDateTime::now_utc());
        self.execute(&self.statements.purge_revoked, vec![now]).await?;
        let values = vec![Value::Text(digest.to_owned()), Value::Timestamp(expires_at)];
        match retried(async || self.driver.execute(&self.statements.revoke, values.clone()).await).await {
            Ok(rows) => Ok(rows > 0),
            Err(DriverError::Unique(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn get_unless_revoked(&self, user: &P::Id, digest: &str) -> Result<Option<User<P>>, StoreError> {
        let values = vec![id::<P>(user), Value::Text(digest.to_owned())];
        self.fetch_user(&self.statements.get_unless_revoked, values).await
    }

    async fn sample_hashes(&self, limit: u32) -> Result<Vec<PasswordHash>, StoreError> {
        self.sample(limit).await
    }
}

/// What is written to the table of users.
pub(super) struct Write<'a> {
    sql: Arc<str>,
    values: Values,
    /// Finds the user where the statement itself does not give what it has written.
    read: (&'a Arc<str>, Values),
    /// Whose sessions end with it.
    end_sessions_of: Option<Value>,
}

pub(super) fn nothing_inserted() -> StoreError {
    StoreError::Backend("an insert returned no row".into())
}

impl<P: Profile> SqlStore<P> {
    pub(super) fn to_insert(&self, new: NewUser<P>) -> Write<'_> {
        let has_id = new.id.is_some();
        let sql = if has_id { &self.statements.insert } else { &self.statements.insert_without_id };
        let mut values: Values = new.id.map(ColumnType::into_value).into_iter().collect();
        values.push(Value::Text(new.email));
        values.push(Value::Text(new.hashed_password.into_string()));
        values.extend([new.is_active, new.is_superuser, new.is_verified].map(Value::Bool));
        values.extend(new.profile.into_values());
        let read = match values.first().filter(|_| has_id) {
            Some(id) => (&self.statements.get, vec![id.clone()]),
            None => (&self.statements.get_inserted, Vec::new()),
        };
        Write { sql: Arc::clone(sql), values, read, end_sessions_of: None }
    }

    pub(super) fn to_update(&self, user: &P::Id, changes: &Changes) -> Write<'_> {
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
        values.push(id::<P>(user));
        let mut conditions = Vec::new();
        if let Some(expected) = &changes.if_password_is {
            conditions.push("hashed_password");
            values.push(hash(expected));
        }
        if let Some(expected) = &changes.if_email_is {
            conditions.push("email");
            values.push(text(expected));
        }
        Write {
            sql: self.statements.update::<P>(&columns, &conditions),
            values,
            read: (&self.statements.get, vec![id::<P>(user)]),
            end_sessions_of: changes.end_sessions.then(|| id::<P>(user)),
        }
    }

    /// Inserts beside a row of nobody, which is removed again; if the address is taken, that row is changed instead. So there is as
    /// much to be brought to the disk.
    async fn insert_beside_nobody(&self, new: NewUser<P>) -> Result<User<P>, StoreError> {
        let Some(nobody) = P::Id::generate() else { return self.insert(new).await };
        let address = || random_token().map(|token| format!("{token}@nobody.invalid"));
        let address = || address().map_err(|error| StoreError::Backend(error.into()));
        let text = |text: &str| Value::Text(text.to_owned());
        let wanted = vec![text(&new.email)];
        let change = vec![text(&address()?), id::<P>(&nobody)];
        let remove = vec![id::<P>(&nobody)];
        let spare = self.to_insert(NewUser { id: Some(nobody), email: address()?, ..new.clone() });
        let insert = self.to_insert(new);
        let (get, id) = &insert.read;
        let statements = &self.statements;
        let written = retried(async || {
            let mut transaction = self.driver.begin().await?;
            let found = transaction
                .fetch(&statements.get_by_email, wanted.clone(), &statements.kinds_by_email)
                .await?;
            let is_taken = found.into_iter().next().and_then(|mut row| row.pop()) == Some(Value::Bool(false));
            transaction.execute(&spare.sql, spare.values.clone()).await?;
            match is_taken {
                true => transaction.execute(&statements.change_email, change.clone()).await?,
                false => transaction.execute(&insert.sql, insert.values.clone()).await?,
            };
            transaction.execute(&statements.delete, remove.clone()).await?;
            let written = transaction.fetch(get, id.clone(), &statements.kinds).await?;
            transaction.commit().await?;
            Ok(written.into_iter().next().map(user).transpose()?)
        });
        written.await?.ok_or(StoreError::Duplicate)
    }

    /// Writes one user in a transaction of its own.
    async fn write_alone(&self, write: &Write<'_>) -> Result<Option<User<P>>, StoreError> {
        let written = retried(async || {
            let mut transaction = self.driver.begin().await?;
            let written = self.write(&mut *transaction, write).await?;
            transaction.commit().await?;
            Ok(written)
        });
        Ok(written.await?)
    }

    /// Writes one user, and gives what is now stored; `None` when there was nothing to write.
    pub(super) async fn write(
        &self,
        transaction: &mut dyn Transaction,
        write: &Write<'_>,
    ) -> Result<Option<User<P>>, DriverError> {
        let kinds = &self.statements.kinds;
        let rows = if self.statements.return_rows() {
            transaction.fetch(&write.sql, write.values.clone(), kinds).await?
        } else if transaction.execute(&write.sql, write.values.clone()).await? > 0 {
            transaction.fetch(write.read.0, write.read.1.clone(), kinds).await?
        } else {
            Vec::new()
        };
        let written = rows.into_iter().next().map(user).transpose()?;
        if let Some(user) = write.end_sessions_of.as_ref().filter(|_| written.is_some()) {
            transaction.execute(&self.statements.remove_tokens, vec![user.clone()]).await?;
        }
        Ok(written)
    }
}
