//! Accounts at providers in SQL.

mod statements;

pub(super) use statements::AccountStatements;
use statements::COLUMNS;

use super::{
    SqlStore,
    driver::{DriverError, Transaction, Values},
    id,
    retry::retried,
    users::nothing_inserted,
};
use crate::{
    OAuthAccount, OAuthStore, Profile, StoreError, UserId,
    user::{Changes, NewUser, User},
    value::{ColumnError, ColumnType, Row, Value},
};

/// Every verb locks the user first, as updates do: who locks in one order never waits in a circle.
impl<P: Profile> OAuthStore<P> for SqlStore<P> {
    async fn get_by_account(
        &self,
        oauth_name: &str,
        account_id: &str,
    ) -> Result<Option<User<P>>, StoreError> {
        let values = self.exactly(oauth_name, account_id);
        self.fetch_user(&self.statements.accounts.find_user, values).await
    }

    async fn accounts(&self, user: &P::Id) -> Result<Vec<OAuthAccount>, StoreError> {
        let kinds = COLUMNS.map(|(_, kind)| kind);
        let rows = self.driver.fetch(&self.statements.accounts.list, vec![id::<P>(user)], &kinds).await?;
        let mut accounts = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        accounts.sort();
        Ok(accounts)
    }

    async fn insert_with_account(
        &self,
        user: NewUser<P>,
        account: &OAuthAccount,
    ) -> Result<User<P>, StoreError> {
        let insert = self.to_insert(user);
        let created = retried(async || {
            let mut transaction = self.driver.begin().await?;
            let created = self.write(&mut *transaction, &insert).await?;
            if let Some(created) = &created {
                self.insert_account(&mut *transaction, &created.id, account).await?;
            }
            transaction.commit().await?;
            Ok(created)
        });
        created.await?.ok_or_else(nothing_inserted)
    }

    async fn put_account(&self, user: &P::Id, account: &OAuthAccount) -> Result<(), StoreError> {
        let put = retried(async || {
            let mut transaction = self.driver.begin().await?;
            if transaction.execute(&self.statements.accounts.lock_user, vec![id::<P>(user)]).await? == 0 {
                return Ok(false);
            }
            let renew = &self.statements.accounts.renew;
            let mut values = vec![
                Value::Text(account.account_email.clone()),
                Value::Text(account.access_token.clone()),
                account.expires_at.into_value(),
                account.refresh_token.clone().into_value(),
                id::<P>(user),
            ];
            values.extend(self.exactly(&account.oauth_name, &account.account_id));
            if transaction.execute(renew, values).await? == 0 {
                // Read without a lock: of many at once on MySQL, who is told of a deadlock would otherwise run into the next one.
                let account_is = self.exactly(&account.oauth_name, &account.account_id);
                let owner = &self.statements.accounts.owner;
                if !transaction.fetch(owner, account_is, &[P::Id::kind()]).await?.is_empty() {
                    return Err(DriverError::Unique("oauth_account".to_owned()));
                }
                self.insert_account(&mut *transaction, user, account).await?;
            }
            transaction.commit().await?;
            Ok(true)
        });
        if put.await? { Ok(()) } else { Err(StoreError::NoSuchUser) }
    }

    async fn update_with_only_account(
        &self,
        user: &P::Id,
        changes: &Changes,
        account: &OAuthAccount,
    ) -> Result<Option<User<P>>, StoreError> {
        let update = self.to_update(user, changes);
        let updated = retried(async || {
            let mut transaction = self.driver.begin().await?;
            let updated = self.write(&mut *transaction, &update).await?;
            if updated.is_some() {
                transaction.execute(&self.statements.accounts.remove_all, vec![id::<P>(user)]).await?;
                self.insert_account(&mut *transaction, user, account).await?;
            }
            transaction.commit().await?;
            Ok(updated)
        });
        Ok(updated.await?)
    }

    async fn remove_account(
        &self,
        user: &P::Id,
        oauth_name: &str,
        account_id: &str,
        keep_last: bool,
    ) -> Result<bool, StoreError> {
        let removed = retried(async || {
            let mut transaction = self.driver.begin().await?;
            transaction.execute(&self.statements.accounts.lock_user, vec![id::<P>(user)]).await?;
            let kinds = COLUMNS.map(|(_, kind)| kind);
            let list = &self.statements.accounts.list;
            if keep_last && transaction.fetch(list, vec![id::<P>(user)], &kinds).await?.len() < 2 {
                return Ok(false);
            }
            let mut values = vec![id::<P>(user)];
            values.extend(self.exactly(oauth_name, account_id));
            let removed = transaction.execute(&self.statements.accounts.remove, values).await?;
            transaction.commit().await?;
            Ok(removed > 0)
        });
        Ok(removed.await?)
    }
}

impl<P: Profile> SqlStore<P> {
    fn exactly(&self, oauth_name: &str, account_id: &str) -> Values {
        [self.statements.exactly(oauth_name), self.statements.exactly(account_id)].concat()
    }

    async fn insert_account(
        &self,
        transaction: &mut dyn Transaction,
        user: &P::Id,
        account: &OAuthAccount,
    ) -> Result<(), DriverError> {
        let statements = &self.statements.accounts;
        let own_id = P::Id::generate();
        let sql = if own_id.is_some() { &statements.insert } else { &statements.insert_without_id };
        let mut values: Values = own_id.map(ColumnType::into_value).into_iter().collect();
        values.push(id::<P>(user));
        values.extend([
            Value::Text(account.oauth_name.clone()),
            Value::Text(account.account_id.clone()),
            Value::Text(account.account_email.clone()),
            Value::Text(account.access_token.clone()),
            account.expires_at.into_value(),
            account.refresh_token.clone().into_value(),
        ]);
        transaction.execute(sql, values).await?;
        Ok(())
    }
}

fn read(values: Values) -> Result<OAuthAccount, ColumnError> {
    let mut row = Row::new(values);
    Ok(OAuthAccount {
        oauth_name: row.read("oauth_name")?,
        account_id: row.read("account_id")?,
        account_email: row.read("account_email")?,
        access_token: row.read("access_token")?,
        expires_at: row.read("expires_at")?,
        refresh_token: row.read("refresh_token")?,
    })
}
