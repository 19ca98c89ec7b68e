//! The documents of fastapi-users, in MongoDB.

use anyhow::{Context, ensure};
use mongodb::{
    Client,
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
};
use serde_json::Value;
use tokio::sync::OnceCell;

/// What Beanie calls the collections, after the classes.
const USERS: &str = "User";
const TOKENS: &str = "AccessToken";

pub(super) struct Mongo {
    url: String,
    database: OnceCell<mongodb::Database>,
}

impl Mongo {
    /// A database of its own, which the first program makes.
    pub(super) fn new(server: &str) -> anyhow::Result<(String, Self)> {
        let (host, options) = server.split_once("/?").context("TEST_MONGODB has no options")?;
        let url = format!("{host}/compat_{}?{options}", super::unique());
        Ok((url.clone(), Self { url, database: OnceCell::new() }))
    }

    pub(super) async fn insert_user(&self, columns: &[(&str, Value)]) -> anyhow::Result<()> {
        let mut user = Document::new();
        for (name, value) in columns {
            match (*name, value) {
                ("id", Value::String(id)) => user.insert("_id", ObjectId::parse_str(id)?),
                (name, value) => user.insert(name, bson(value)),
            };
        }
        self.collection(USERS).await?.insert_one(user).await?;
        Ok(())
    }

    pub(super) async fn insert_token(&self, token: &str, user: &str) -> anyhow::Result<()> {
        let user = ObjectId::parse_str(user)?;
        let token = doc! { "token": token, "user_id": user, "created_at": DateTime::now() };
        self.collection(TOKENS).await?.insert_one(token).await?;
        Ok(())
    }

    pub(super) async fn set(&self, user: &str, field: &str, value: &Value) -> anyhow::Result<()> {
        let id = doc! { "_id": ObjectId::parse_str(user)? };
        let change = doc! { "$set": { field: bson(value) } };
        let updated = self.collection(USERS).await?.update_one(id, change).await?;
        ensure!(updated.matched_count == 1, "there is no user {user}");
        Ok(())
    }

    pub(super) async fn remove(&self, user: &str) -> anyhow::Result<()> {
        let user = ObjectId::parse_str(user)?;
        self.collection(TOKENS).await?.delete_many(doc! { "user_id": user }).await?;
        self.collection(USERS).await?.delete_one(doc! { "_id": user }).await?;
        Ok(())
    }

    pub(super) async fn user(
        &self,
        id: &str,
        fields: &[&str],
    ) -> anyhow::Result<Option<Vec<Option<String>>>> {
        let user = doc! { "_id": ObjectId::parse_str(id)? };
        let user = self.collection(USERS).await?.find_one(user).await?;
        let text = |user: &Document, field: &str| text(user.get(if field == "id" { "_id" } else { field }));
        Ok(user.map(|user| fields.iter().map(|field| text(&user, field)).collect()))
    }

    pub(super) async fn accounts(
        &self,
        user: &str,
        fields: &[&str],
    ) -> anyhow::Result<Vec<Vec<Option<String>>>> {
        let user = doc! { "_id": ObjectId::parse_str(user)? };
        let user = self.collection(USERS).await?.find_one(user).await?.unwrap_or_default();
        let accounts = user.get_array("oauth_accounts").map(Vec::as_slice).unwrap_or_default();
        let accounts = accounts.iter().filter_map(Bson::as_document);
        Ok(accounts.map(|account| fields.iter().map(|field| text(account.get(field))).collect()).collect())
    }

    pub(super) async fn tokens_of(&self, user: &str) -> anyhow::Result<Vec<String>> {
        let mut found =
            self.collection(TOKENS).await?.find(doc! { "user_id": ObjectId::parse_str(user)? }).await?;
        let mut tokens = Vec::new();
        while found.advance().await? {
            tokens.push(found.current().get_str("token")?.to_owned());
        }
        Ok(tokens)
    }

    async fn collection(&self, name: &str) -> anyhow::Result<mongodb::Collection<Document>> {
        let connect = async || {
            let client = Client::with_uri_str(&self.url).await?;
            client.default_database().context("the address names no database")
        };
        let database = self.database.get_or_try_init(connect).await.context("MongoDB (TEST_MONGODB)")?;
        Ok(database.collection(name))
    }
}

fn bson(value: &Value) -> Bson {
    match value {
        Value::String(text) => Bson::String(text.clone()),
        Value::Bool(value) => Bson::Boolean(*value),
        Value::Number(number) => number.as_i64().map_or(Bson::Null, Bson::Int64),
        _ => Bson::Null,
    }
}

/// `None` is a null or nothing; 1 and 0 are booleans.
fn text(value: Option<&Bson>) -> Option<String> {
    match value? {
        Bson::Null => None,
        Bson::ObjectId(id) => Some(id.to_hex()),
        Bson::String(text) => Some(text.clone()),
        Bson::Boolean(value) => Some(u8::from(*value).to_string()),
        other => Some(other.to_string()),
    }
}
