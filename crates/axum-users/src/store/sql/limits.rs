//! Limits in SQL.
//!
//! A row holds what [`LimitState`](crate::LimitState) does, beside the rule by which it was last asked: what is given back
//! needs no more than its key. The database's clock decides.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    SqlStore,
    dialect::Dialect,
    driver::{DriverError, Values},
    retry::retried,
};
use crate::{
    Bucket, LimitRule, LimitStore, Profile, StoreError,
    value::{Kind, Row, Value},
};

/// For so many buckets at once statements are kept; a login has nine.
const KEPT: usize = 10;

pub(super) struct LimitStatements {
    dialect: Dialect,
    kept: Vec<OfSome>,
    remove_expired: Arc<str>,
}

/// The statements for a number of buckets.
#[derive(Clone)]
struct OfSome {
    take: Arc<str>,
    /// How long each must be waited for, where the statement that takes does not tell.
    waits: Arc<str>,
    give_back: Arc<str>,
    forget: Arc<str>,
}

impl LimitStatements {
    pub(super) fn new(dialect: Dialect) -> Self {
        let remove = dialect.statement(&dialect.remove_expired_limits(), &[Kind::I64]);
        Self {
            dialect,
            kept: (1..=KEPT).map(|count| OfSome::new(dialect, count)).collect(),
            remove_expired: remove.into(),
        }
    }

    fn of(&self, count: usize) -> OfSome {
        let kept = count.checked_sub(1).and_then(|index| self.kept.get(index));
        kept.cloned().unwrap_or_else(|| OfSome::new(self.dialect, count))
    }
}

impl OfSome {
    fn new(dialect: Dialect, count: usize) -> Self {
        use Kind::{I64, Text};
        let filled =
            |template: &str, kinds: &[Kind]| -> Arc<str> { dialect.statement(template, kinds).into() };
        let keys = vec!["?"; count].join(", ");
        let texts = vec![Text; count];
        let now = dialect.now();
        let row = [Text, I64, I64, I64, I64, I64, I64, I64, I64];
        let values = format!("(?, ?, ?, ?, ?, ?, {now} * ? + ?, 1, {now} + ?, 1)");
        let take = format!(
            "INSERT INTO axum_users_limit \
             (id, step, slack, free, longest, memory, used_until, tries, over_at, admitted) VALUES {}{}{}",
            vec![values.as_str(); count].join(", "),
            upsert(dialect),
            if dialect.returns_rows() { format!(" RETURNING {}", wait(dialect)) } else { String::new() }
        );
        let cost = cost(dialect, "tries", str::to_owned);
        let used = dialect.greatest(&format!("used_until - {cost}"), "0");
        let tries = dialect.greatest("tries - 1", "0");
        Self {
            take: filled(&take, &row.repeat(count)),
            waits: filled(
                &format!("SELECT {} FROM axum_users_limit WHERE id IN ({keys})", wait(dialect)),
                &texts,
            ),
            give_back: filled(
                &format!(
                    "UPDATE axum_users_limit SET used_until = {used}, tries = {tries} WHERE {}",
                    dialect.limits_in_order(&keys)
                ),
                &texts,
            ),
            forget: filled(
                &format!("DELETE FROM axum_users_limit WHERE {}", dialect.limits_in_order(&keys)),
                &texts,
            ),
        }
    }
}

/// What [`LimitRule::take`] does to a row that is there.
fn upsert(dialect: Dialect) -> String {
    let now = dialect.now();
    let old = |column: &str| dialect.old_value("axum_users_limit", column);
    let new = |column: &str| dialect.new_value(column);
    let is_over = format!("{} <= {now}", old("over_at"));
    let used = format!("CASE WHEN {is_over} THEN 0 ELSE {} END", old("used_until"));
    let tries = format!("CASE WHEN {is_over} THEN 1 ELSE {} + 1 END", old("tries"));
    let is_admitted = format!("{used} - {} <= {now}", new("slack"));
    let cost = cost(dialect, &format!("({tries})"), new);
    let until =
        format!("CASE WHEN {cost} = 0 THEN {used} ELSE {} + {cost} END", dialect.greatest(&used, now));
    let remembered = format!("{now} + {}", new("memory"));
    // MySQL sets one column after the other, and reads what it has set.
    let (is_admitted_now, until_now) = match dialect.sets_one_by_one() {
        true => ("admitted = 1".to_owned(), "used_until".to_owned()),
        false => (is_admitted.clone(), until.clone()),
    };
    let if_admitted = |column: &str, value: &str| {
        format!("{column} = CASE WHEN {is_admitted_now} THEN {value} ELSE {} END", old(column))
    };
    let set = [
        format!("admitted = CASE WHEN {is_admitted} THEN 1 ELSE 0 END"),
        if_admitted("used_until", &until),
        if_admitted("tries", &tries),
        if_admitted("over_at", &dialect.greatest(&until_now, &remembered)),
        rule_of(&new),
    ];
    dialect.or_update("id", &set.join(", "))
}

fn rule_of(new: &impl Fn(&str) -> String) -> String {
    let columns = ["step", "slack", "free", "longest", "memory"];
    columns.map(|column| format!("{column} = {}", new(column))).join(", ")
}

/// What [`LimitRule`] calls the cost of a try.
fn cost(dialect: Dialect, tries: &str, column: impl Fn(&str) -> String) -> String {
    let [step, free, longest] = ["step", "free", "longest"].map(column);
    let doubled = dialect.doubled("1000000", &dialect.least(&format!("{tries} - {free}"), "20"));
    format!("CASE WHEN {tries} < {free} THEN {step} ELSE {} END", dialect.least(&doubled, &longest))
}

/// The key of a row, and how long it must be waited for: 0 if it has just given one.
fn wait(dialect: Dialect) -> String {
    let wait = dialect.greatest(&format!("used_until - slack - {}", dialect.now()), "1");
    format!("id, CASE WHEN admitted = 1 THEN 0 ELSE {wait} END")
}

impl<P: Profile> LimitStore for SqlStore<P> {
    async fn take(&self, buckets: &[Bucket]) -> Result<Vec<Duration>, StoreError> {
        if buckets.is_empty() {
            return Ok(Vec::new());
        }
        // All lock rows in one order: nobody waits in a circle.
        let mut sorted: Vec<&Bucket> = buckets.iter().collect();
        sorted.sort_by(|one, other| one.key.cmp(&other.key));
        let of_some = self.statements.limits.of(buckets.len());
        let rows = retried(async || self.take_sorted(&of_some, &sorted).await).await?;
        let mut waits = HashMap::new();
        for row in rows {
            let mut row = Row::new(row);
            let key: String = row.read("id")?;
            let wait = u64::try_from(row.read::<i64>("wait")?).unwrap_or(0);
            waits.insert(key, Duration::from_micros(wait));
        }
        let wait = |bucket: &Bucket| waits.get(&bucket.key).copied().unwrap_or_default();
        let refused = waits.values().any(|wait| !wait.is_zero());
        if refused && self.driver.dialect().writes_by_fetch() {
            let taken: Vec<Bucket> =
                buckets.iter().filter(|bucket| wait(bucket).is_zero()).cloned().collect();
            LimitStore::give_back(self, &taken).await?;
        }
        Ok(buckets.iter().map(wait).collect())
    }

    async fn give_back(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        if buckets.is_empty() {
            return Ok(());
        }
        let of_some = self.statements.limits.of(buckets.len());
        self.execute(&of_some.give_back, keys(buckets.iter())).await.map(drop)
    }

    async fn forget(&self, keys: &[String]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let of_some = self.statements.limits.of(keys.len());
        self.execute(&of_some.forget, keys.iter().cloned().map(Value::Text).collect()).await.map(drop)
    }

    async fn remove_expired(&self, limit: u32) -> Result<u64, StoreError> {
        self.execute(&self.statements.limits.remove_expired, vec![Value::Integer(limit.into())]).await
    }
}

impl<P: Profile> SqlStore<P> {
    /// One statement, which gives what was decided; or a transaction, in which the rows are read that it has locked, and
    /// which leaves no trace if one of them refused.
    async fn take_sorted(&self, of_some: &OfSome, buckets: &[&Bucket]) -> Result<Vec<Values>, DriverError> {
        const KINDS: [Kind; 2] = [Kind::Text, Kind::I64];
        let values: Values = buckets.iter().flat_map(|bucket| row(bucket)).collect();
        if self.driver.dialect().writes_by_fetch() {
            return self.driver.fetch(&of_some.take, values, &KINDS).await;
        }
        let mut transaction = self.driver.begin().await?;
        let rows = if self.statements.return_rows() {
            transaction.fetch(&of_some.take, values, &KINDS).await?
        } else {
            transaction.execute(&of_some.take, values).await?;
            transaction.fetch(&of_some.waits, keys(buckets.iter().copied()), &KINDS).await?
        };
        if rows.iter().all(|row| row.last() == Some(&Value::Integer(0))) {
            transaction.commit().await?;
        }
        Ok(rows)
    }
}

fn keys<'a>(buckets: impl Iterator<Item = &'a Bucket>) -> Values {
    buckets.map(|bucket| Value::Text(bucket.key.clone())).collect()
}

/// The values of a row: the rule, whether the first try costs something and what, and how long it is remembered.
fn row(bucket: &Bucket) -> Values {
    let LimitRule { step, slack, free, longest, memory } = bucket.rule;
    let cost = bucket.rule.cost(1);
    let figures = [step, slack, free, longest, memory, cost.min(1), cost, cost.max(memory)];
    let figure = |figure| Value::Integer(i64::try_from(figure).unwrap_or(i64::MAX));
    std::iter::once(Value::Text(bucket.key.clone())).chain(figures.map(figure)).collect()
}
