//! What a database must have, and what it is refused for.

use std::{fmt, time::Duration};

use mongodb::{
    Collection, IndexModel,
    bson::{Bson, Document, doc},
    error::{Error, ErrorKind},
    options::{Collation, CollationStrength, IndexOptions},
};

use super::{
    Inner, MongoStore,
    document::{CORE, from_bson},
    users::case_insensitive,
};
use crate::{MigrationError, Profile, UserId, value::Kind};

/// How many offending addresses an error lists.
const LISTED: i32 = 20;

/// An index. Shown as the command of `mongosh` that makes it.
pub(super) struct Index {
    collection: Collection<Document>,
    field: &'static str,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// For look-ups only.
    None,
    /// For look-ups in the order of ids.
    ById,
    /// No value twice.
    Unique,
    /// No value twice, and any number of documents without one.
    UniqueIfThere,
    /// No text twice, whatever its case.
    UniqueInAnyCase,
    /// No account at a provider in the documents of two users.
    OneOwner,
    /// MongoDB removes the document when this point in time is over.
    Ends,
}

impl Index {
    /// Named as Beanie names it.
    fn name(&self) -> String {
        match self.rule {
            Rule::UniqueInAnyCase => format!("case_insensitive_{}_index", self.field),
            Rule::OneOwner => format!("{}_owner", self.field),
            Rule::ById => format!("{}_1__id_1", self.field),
            _ => format!("{}_1", self.field),
        }
    }

    fn keys(&self) -> Document {
        match self.rule {
            Rule::OneOwner => doc! {
                format!("{}.oauth_name", self.field): 1,
                format!("{}.account_id", self.field): 1,
            },
            Rule::ById => doc! { self.field: 1, "_id": 1 },
            _ => doc! { self.field: 1 },
        }
    }

    /// Documents without what is to be unique have nothing in common.
    fn filter(&self) -> Option<Document> {
        let field = match self.rule {
            Rule::OneOwner => format!("{}.account_id", self.field),
            Rule::UniqueIfThere => self.field.to_owned(),
            _ => return None,
        };
        Some(doc! { field: { "$exists": true } })
    }

    fn options(&self) -> IndexOptions {
        let is_unique = !matches!(self.rule, Rule::None | Rule::ById | Rule::Ends);
        IndexOptions::builder()
            .name(self.name())
            .unique(is_unique.then_some(true))
            .collation((self.rule == Rule::UniqueInAnyCase).then(case_insensitive))
            .partial_filter_expression(self.filter())
            .expire_after((self.rule == Rule::Ends).then_some(Duration::ZERO))
            .build()
    }

    /// Whether an index does what this one would, whatever its name.
    fn is(&self, existing: &IndexModel) -> bool {
        let none = IndexOptions::default();
        let options = existing.options.as_ref().unwrap_or(&none);
        // An index serves only those who compare as it does.
        let ignores_case = |collation: &Collation| {
            collation.locale == "en" && matches!(collation.strength, Some(CollationStrength::Secondary))
        };
        let does = match self.rule {
            Rule::None | Rule::ById => true,
            Rule::Unique | Rule::UniqueIfThere | Rule::OneOwner => options.unique == Some(true),
            Rule::UniqueInAnyCase => {
                options.unique == Some(true) && options.collation.as_ref().is_some_and(ignores_case)
            }
            Rule::Ends => options.expire_after == Some(Duration::ZERO),
        };
        does && existing.keys.keys().eq(self.keys().keys())
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self.rule {
            Rule::None | Rule::ById => "",
            Rule::Unique | Rule::UniqueIfThere | Rule::OneOwner => ", \"unique\": true",
            Rule::UniqueInAnyCase => {
                ", \"unique\": true, \"collation\": { \"locale\": \"en\", \"strength\": 2 }"
            }
            Rule::Ends => ", \"expireAfterSeconds\": 0",
        };
        let filter = self.filter().map(|filter| format!(", \"partialFilterExpression\": {filter}"));
        let (collection, keys, name) = (self.collection.name(), self.keys(), self.name());
        write!(
            f,
            "db.getCollection({collection:?}).createIndex({keys}, {{ \"name\": {name:?}{rule}{} }})",
            filter.unwrap_or_default()
        )
    }
}

impl<P: Profile> MongoStore<P> {
    /// Makes what is missing, and tells what that was. Nodes that start at once make the same, once.
    pub(super) async fn bring_up_to_date(&self) -> Result<Vec<String>, MigrationError> {
        let missing = self.missing_indexes().await?;
        for index in &missing {
            let model = IndexModel::builder().keys(index.keys()).options(index.options()).build();
            index.collection.create_index(model).await.map_err(failed)?;
        }
        Ok(missing.iter().map(ToString::to_string).collect())
    }

    /// Indexes that do not exist, or the reason why this database is refused.
    pub(super) async fn missing_indexes(&self) -> Result<Vec<Index>, MigrationError> {
        self.check_documents().await?;
        let mut missing = Vec::new();
        let Inner { users, tokens, revoked, jobs, events, .. } = &*self.inner;
        for collection in [users, tokens, revoked, jobs, events] {
            let existing = existing_indexes(collection).await?;
            let wanted =
                self.indexes().into_iter().filter(|index| index.collection.name() == collection.name());
            missing.extend(wanted.filter(|index| !existing.iter().any(|other| index.is(other))));
        }
        if missing.iter().any(|index| index.rule == Rule::UniqueInAnyCase) {
            self.refuse_twins().await?;
        }
        if missing.iter().any(|index| index.rule == Rule::OneOwner) {
            self.refuse_shared_accounts().await?;
        }
        Ok(missing)
    }

    /// The contract's two, and ours: to end a user's sessions, for MongoDB to remove what is over, for jobs and
    /// for audit events.
    fn indexes(&self) -> [Index; 12] {
        let index = |collection: &Collection<Document>, field, rule| Index {
            collection: collection.clone(),
            field,
            rule,
        };
        let Inner { users, tokens, revoked, jobs, events, .. } = &*self.inner;
        [
            index(users, "email", Rule::UniqueInAnyCase),
            index(users, "oauth_accounts", Rule::OneOwner),
            index(tokens, "token", Rule::Unique),
            index(tokens, "user_id", Rule::None),
            index(tokens, "expires_at", Rule::Ends),
            index(revoked, "expires_at", Rule::Ends),
            index(jobs, "unique_key", Rule::UniqueIfThere),
            index(jobs, "due_at", Rule::None),
            index(jobs, "died_at", Rule::None),
            index(events, "user_id", Rule::ById),
            index(events, "identifier", Rule::ById),
            index(events, "act", Rule::ById),
        ]
    }

    /// The oldest user stands for all: with another type of ids, or without a field that may not be missing, this
    /// profile is not the one of the database.
    async fn check_documents(&self) -> Result<(), MigrationError> {
        let oldest = self.inner.users.find_one(doc! {}).sort(doc! { "_id": 1 }).await.map_err(failed)?;
        let Some(oldest) = oldest else { return Ok(()) };
        let id = oldest.get("_id").cloned();
        let found = id.as_ref().map(Bson::element_type);
        if from_bson(id, P::Id::kind()).is_none() {
            let found = found.map(|found| format!("{found:?}")).unwrap_or_default();
            return Err(MigrationError::IdType { found, expected: name_of(P::Id::kind()) });
        }
        if let Some((column, _)) = CORE.into_iter().find(|(name, _)| !oldest.contains_key(*name)) {
            return Err(MigrationError::ForeignTable { table: "User", column });
        }
        let missing =
            P::columns().iter().find(|column| !column.nullable && !oldest.contains_key(column.name));
        missing.map_or(Ok(()), |column| Err(MigrationError::ColumnNeedsValues(column.name)))
    }

    async fn refuse_twins(&self) -> Result<(), MigrationError> {
        let pipeline = [
            doc! { "$group": { "_id": "$email", "emails": { "$push": "$email" }, "count": { "$sum": 1 } } },
            doc! { "$match": { "count": { "$gt": 1 } } },
            doc! { "$unwind": "$emails" },
            doc! { "$sort": { "emails": 1 } },
            doc! { "$limit": LISTED },
        ];
        let twins = self.inner.users.aggregate(pipeline).collation(case_insensitive());
        let mut twins = twins.allow_disk_use(true).await.map_err(failed)?;
        let mut emails = Vec::new();
        while twins.advance().await.map_err(failed)? {
            emails.extend(twins.current().get_str("emails").ok().map(str::to_owned));
        }
        if emails.is_empty() { Ok(()) } else { Err(MigrationError::EmailsDifferOnlyInCase(emails)) }
    }

    /// fastapi-users gives an account to anybody who logs in at the provider with it.
    async fn refuse_shared_accounts(&self) -> Result<(), MigrationError> {
        let account = doc! { "name": "$oauth_accounts.oauth_name", "id": "$oauth_accounts.account_id" };
        let pipeline = [
            doc! { "$unwind": "$oauth_accounts" },
            doc! { "$group": { "_id": account, "owners": { "$addToSet": "$_id" } } },
            doc! { "$match": { "owners.1": { "$exists": true } } },
            doc! { "$sort": { "_id": 1 } },
            doc! { "$limit": LISTED },
        ];
        let shared = self.inner.users.aggregate(pipeline).allow_disk_use(true);
        let mut shared = shared.await.map_err(failed)?;
        let mut accounts = Vec::new();
        while shared.advance().await.map_err(failed)? {
            let account = shared
                .current()
                .get_document("_id")
                .map_err(|error| MigrationError::Database(error.into()))?;
            let text = |name| account.get_str(name).unwrap_or_default();
            accounts.push(format!("{} {}", text("name"), text("id")));
        }
        if accounts.is_empty() { Ok(()) } else { Err(MigrationError::SharedAccounts(accounts)) }
    }
}

async fn existing_indexes(collection: &Collection<Document>) -> Result<Vec<IndexModel>, MigrationError> {
    const NAMESPACE_NOT_FOUND: i32 = 26;
    let mut indexes = match collection.list_indexes().await {
        Ok(indexes) => indexes,
        Err(error) => match error.kind.as_ref() {
            ErrorKind::Command(failure) if failure.code == NAMESPACE_NOT_FOUND => return Ok(Vec::new()),
            _ => return Err(failed(error)),
        },
    };
    let mut found = Vec::new();
    while indexes.advance().await.map_err(failed)? {
        found.push(indexes.deserialize_current().map_err(failed)?);
    }
    Ok(found)
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Uuid => "Uuid",
        Kind::ObjectId => "ObjectId",
        Kind::I32 | Kind::I64 => "Integer",
        Kind::Text => "String",
        _ => "another type",
    }
}

fn failed(error: Error) -> MigrationError {
    MigrationError::Database(error.into())
}
