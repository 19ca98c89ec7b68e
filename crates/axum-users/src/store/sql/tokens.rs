//! Session tokens in SQL.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{SqlStore, driver::Values, id, retry::retried};
use crate::{
    Found, NewToken, Profile, StoreError, TokenStore,
    value::{Kind, Row, Timestamp, Value},
};

impl<P: Profile> TokenStore<P> for SqlStore<P> {
    async fn insert(&self, new: NewToken<'_, P>) -> Result<(), StoreError> {
        let values = vec![
            Value::Text(new.token.to_owned()),
            id::<P>(new.user),
            Value::Timestamp(new.created_at),
            new.expires_at.map_or(Value::Null, Value::Timestamp),
        ];
        self.execute(&self.statements.insert_token, values).await?;
        Ok(())
    }

    async fn find(
        &self,
        token: &str,
        not_before: Option<OffsetDateTime>,
    ) -> Result<Option<Found<P>>, StoreError> {
        let mut values = self.statements.exactly(token);
        values.extend(not_before.map(Value::Timestamp));
        let since = not_before.is_some();
        let sql = if since { &self.statements.find_token_since } else { &self.statements.find_token };
        Ok(self.fetch_user(sql, values).await?.map(|user| Found::User(Box::new(user))))
    }

    async fn created_at(&self, token: &str) -> Result<Option<OffsetDateTime>, StoreError> {
        let (sql, values) = (&self.statements.token_created_at, self.statements.exactly(token));
        let row = self.driver.find(sql, values, &[Kind::Timestamp]).await?;
        let read = |values| Row::new(values).read::<Timestamp>("created_at");
        Ok(row.map(read).transpose()?.map(|created_at| created_at.0))
    }

    async fn remove(&self, token: &str) -> Result<bool, StoreError> {
        Ok(self.execute(&self.statements.remove_token, self.statements.exactly(token)).await? > 0)
    }

    async fn remove_all(&self, user: &P::Id) -> Result<(), StoreError> {
        self.execute(&self.statements.remove_tokens, vec![id::<P>(user)]).await?;
        Ok(())
    }

    async fn remove_expired(&self, now: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let values = vec![Value::Timestamp(now), Value::Integer(limit.into())];
        self.execute(&self.statements.remove_expired_tokens, values).await
    }
}

impl<P: Profile> SqlStore<P> {
    /// Runs one statement, which is a transaction of its own.
    pub(super) async fn execute(&self, sql: &Arc<str>, values: Values) -> Result<u64, StoreError> {
        Ok(retried(async || self.driver.execute(sql, values.clone()).await).await?)
    }
}
