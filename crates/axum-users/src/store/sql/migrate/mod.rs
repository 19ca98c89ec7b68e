//! Creates what is missing and adopts what fastapi-users made, in one transaction.
//!
//! Two things are kept apart. The library's own tables and indexes follow numbered migrations, recorded with a
//! checksum. The columns of the profile belong to the application and change with it: each start adds the ones that
//! are missing. What is to be done is found out first, by reading only, and then done.

mod existing;
mod step;

use std::sync::Arc;

use time::OffsetDateTime;

use self::{
    existing::Existing,
    step::{Step, steps},
};
use super::{
    dialect::Dialect,
    driver::{Driver, Transaction, Values},
    schema,
    statements::CORE,
};
use crate::{
    MigrationError, Profile, UserId,
    value::{ColumnType, Kind, Value},
};

/// How many offending rows an error lists.
const LISTED: i64 = 20;

/// Brings the database up to this version, and tells by which statements. Nodes that start at once wait for one
/// another: SQLite's transaction is exclusive among writers, the others have a lock for it. MySQL takes no table back that
/// it has made: there a node that dies half-way leaves what the next one completes.
pub(super) async fn run<P: Profile>(driver: &dyn Driver) -> Result<Vec<String>, MigrationError> {
    let mut database = Migration::begin(driver).await?;
    let done = match database.lock().await {
        Ok(()) => database.migrate::<P>().await,
        Err(error) => Err(error),
    };
    for sql in database.dialect.unlock_migration(done.is_ok()) {
        let unlocked = database.transaction.execute(&Arc::from(*sql), Vec::new()).await;
        // Why it failed says more than that a connection which failed cannot be put in order.
        if done.is_ok() {
            unlocked?;
        }
    }
    let statements = done?;
    database.transaction.commit().await?;
    Ok(statements)
}

/// The statements that [`run`] would use, or why it would refuse.
pub(super) async fn plan<P: Profile>(driver: &dyn Driver) -> Result<Vec<String>, MigrationError> {
    Ok(Migration::begin(driver).await?.plan::<P>().await?.statements)
}

struct Migration {
    dialect: Dialect,
    transaction: Box<dyn Transaction>,
}

#[derive(Default)]
struct Plan {
    statements: Vec<String>,
    /// Which migrations the statements complete.
    steps: Vec<Step>,
}

impl Migration {
    async fn begin(driver: &dyn Driver) -> Result<Self, MigrationError> {
        let mut migration = Self { dialect: driver.dialect(), transaction: driver.begin().await? };
        for sql in migration.dialect.lift_limits() {
            migration.transaction.execute(&Arc::from(*sql), Vec::new()).await?;
        }
        Ok(migration)
    }

    async fn lock(&mut self) -> Result<(), MigrationError> {
        for sql in self.dialect.lock_migration() {
            self.transaction.execute(&Arc::from(*sql), Vec::new()).await?;
        }
        if let Some(sql) = self.dialect.named_lock()
            && self.fetch(sql, &[Kind::I64]).await? != [[Value::Integer(1)]]
        {
            return Err(MigrationError::Database("another node has been at it for ten minutes".into()));
        }
        Ok(())
    }

    async fn migrate<P: Profile>(&mut self) -> Result<Vec<String>, MigrationError> {
        let plan = self.plan::<P>().await?;
        for sql in &plan.statements {
            self.transaction.execute(&Arc::from(sql.as_str()), Vec::new()).await?;
        }
        for step in &plan.steps {
            self.record(step).await?;
        }
        Ok(plan.statements)
    }

    async fn plan<P: Profile>(&mut self) -> Result<Plan, MigrationError> {
        let existing = Existing::read(&mut *self.transaction, self.dialect).await?;
        let mut plan = Plan::default();
        let applied = if existing.has_table("axum_users_migration") {
            self.applied().await?
        } else {
            plan.statements.push(schema::create_migration(self.dialect));
            0
        };
        if existing.has_table("user") {
            check_table(&existing, "user", &CORE.map(|(name, _)| name))?;
            self.check_ids::<P>(&existing)?;
            if !existing.has_index("ix_user_email_lower") {
                self.refuse_twins().await?;
            }
        } else {
            plan.statements.push(schema::create_user::<P>(self.dialect));
        }
        if existing.has_table("accesstoken") {
            check_table(&existing, "accesstoken", &["token", "user_id", "created_at"])?;
        } else {
            let id_type = existing.declared("user", "id").unwrap_or(self.dialect.id_type(P::Id::kind()));
            plan.statements.push(schema::create_accesstoken(self.dialect, id_type));
        }
        if existing.has_table("oauth_account") {
            check_table(
                &existing,
                "oauth_account",
                &["user_id", "oauth_name", "account_id", "account_email", "access_token"],
            )?;
            if !existing.has_index("ix_oauth_account_owner") {
                self.refuse_shared_accounts().await?;
            }
        } else {
            let id_type = existing.declared("user", "id").unwrap_or(self.dialect.id_type(P::Id::kind()));
            plan.statements.push(schema::create_oauth_account::<P>(self.dialect, id_type));
        }
        for step in steps(self.dialect).into_iter().skip(applied) {
            let missing = step.actions.iter().filter(|action| !action.is_done(&existing));
            plan.statements.extend(missing.map(|action| action.sql.clone()));
            plan.steps.push(step);
        }
        if existing.has_table("user") {
            plan.statements.extend(self.missing_columns::<P>(&existing).await?);
        }
        for sql in &mut plan.statements {
            *sql = self.dialect.sql(sql);
        }
        Ok(plan)
    }

    /// How many migrations have been applied: those of this version, in their order.
    async fn applied(&mut self) -> Result<usize, MigrationError> {
        let sql = "SELECT version, checksum FROM axum_users_migration ORDER BY version";
        let applied = self.fetch(sql, &[Kind::I64, Kind::Text]).await?;
        let steps = steps(self.dialect);
        for row in &applied {
            let [Value::Integer(version), Value::Text(checksum)] = row.as_slice() else { continue };
            let known = steps.iter().find(|step| step.number == *version);
            if known.is_none_or(|step| step.checksum() != *checksum) {
                return Err(MigrationError::Unknown(*version));
            }
        }
        Ok(applied.len())
    }

    fn check_ids<P: Profile>(&self, existing: &Existing) -> Result<(), MigrationError> {
        let found = existing.declared("user", "id").unwrap_or_default().to_uppercase();
        let is_integer = matches!(P::Id::kind(), Kind::I32 | Kind::I64);
        if found.contains("INT") == is_integer {
            return Ok(());
        }
        Err(MigrationError::IdType { found, expected: self.dialect.column_type(P::Id::kind()) })
    }

    async fn missing_columns<P: Profile>(
        &mut self,
        existing: &Existing,
    ) -> Result<Vec<String>, MigrationError> {
        let missing: Vec<_> =
            P::columns().iter().filter(|column| !existing.has_column("user", column.name)).collect();
        if let Some(required) = missing.iter().find(|column| !column.nullable)
            && !self.fetch("SELECT 1 FROM \"user\" LIMIT 1", &[Kind::I64]).await?.is_empty()
        {
            return Err(MigrationError::ColumnNeedsValues(required.name));
        }
        Ok(missing.into_iter().map(|column| schema::add_column(self.dialect, column)).collect())
    }

    async fn refuse_twins(&mut self) -> Result<(), MigrationError> {
        let folded = self.dialect.folded("email");
        let sql = format!(
            "SELECT email FROM \"user\" WHERE {folded} IN \
             (SELECT {folded} FROM \"user\" GROUP BY {folded} HAVING count(*) > 1) \
             ORDER BY {folded}, email LIMIT {LISTED}"
        );
        let twins = self.fetch(&sql, &[Kind::Text]).await?;
        let emails = twins.into_iter().flatten().filter_map(|value| String::from_value(value).ok());
        let emails: Vec<String> = emails.collect();
        if emails.is_empty() { Ok(()) } else { Err(MigrationError::EmailsDifferOnlyInCase(emails)) }
    }

    /// fastapi-users gives an account to anybody who logs in at the provider with it, and more than once.
    async fn refuse_shared_accounts(&mut self) -> Result<(), MigrationError> {
        let sql = format!(
            "SELECT oauth_name, account_id FROM oauth_account GROUP BY oauth_name, account_id HAVING count(*) > 1 \
             ORDER BY oauth_name, account_id LIMIT {LISTED}"
        );
        let shared = self.fetch(&sql, &[Kind::Text, Kind::Text]).await?;
        let shared: Vec<String> = shared
            .into_iter()
            .filter_map(|row| match <[Value; 2]>::try_from(row) {
                Ok([Value::Text(name), Value::Text(id)]) => Some(format!("{name} {id}")),
                _ => None,
            })
            .collect();
        if shared.is_empty() { Ok(()) } else { Err(MigrationError::SharedAccounts(shared)) }
    }

    async fn record(&mut self, step: &Step) -> Result<(), MigrationError> {
        let sql = self.dialect.statement(
            "INSERT INTO axum_users_migration (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
            &[Kind::I64, Kind::Text, Kind::Text, Kind::Timestamp],
        );
        let values = vec![
            Value::Integer(step.number),
            Value::Text(step.name.to_owned()),
            Value::Text(step.checksum()),
            Value::Timestamp(OffsetDateTime::now_utc()),
        ];
        self.transaction.execute(&Arc::from(sql), values).await?;
        Ok(())
    }

    async fn fetch(&mut self, sql: &str, kinds: &[Kind]) -> Result<Vec<Values>, MigrationError> {
        Ok(self.transaction.fetch(&Arc::from(self.dialect.sql(sql)), Vec::new(), kinds).await?)
    }
}

fn check_table(
    existing: &Existing,
    table: &'static str,
    needed: &[&'static str],
) -> Result<(), MigrationError> {
    let missing =
        needed.iter().find(|needed| !existing.columns(table).iter().any(|(name, _)| name == **needed));
    missing.map_or(Ok(()), |column| Err(MigrationError::ForeignTable { table, column }))
}
