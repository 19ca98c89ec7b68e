//! Users and tokens in MongoDB.

mod audit;
mod document;
mod jobs;
mod migrate;
mod oauth;
mod tokens;
mod users;

use std::{sync::Arc, time::Duration};

use mongodb::{
    Client, Collection, Database,
    bson::{Document, doc},
    error::{Error, ErrorKind, WriteFailure},
    options::{Acknowledgment, ClientOptions, CollectionOptions, WriteConcern},
};

use super::{MigrationError, StoreError};
use crate::{NoProfile, Profile};

/// Keeps users, tokens, jobs and audit events in MongoDB 5 or newer, in the documents of fastapi-users with Beanie.
///
/// Ids are [`ObjectId`](crate::ObjectId)s as a rule; any type that generates its ids will do. Opening makes the indexes
/// that are missing, beside a database that fastapi-users made too: it adds, and never drops or rewrites. Fields of the
/// documents that are not of the profile, `oauth_accounts` for one, stay as they are. Points in time are kept in
/// milliseconds. Cloning shares the connections.
///
/// To change a password and to end the sessions of the user is one transaction, for which MongoDB must be a replica set,
/// of one node if need be. On a server that is none the sessions end directly after; opening warns of it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use axum_users::{MongoStore, ObjectId, Profile};
///
/// #[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
/// #[profile(id = ObjectId)]
/// struct Account { nickname: Option<String> }
///
/// let store = MongoStore::<Account>::open("mongodb://127.0.0.1:27017/app").await?;
/// # Ok(()) }
/// ```
pub struct MongoStore<P: Profile = NoProfile> {
    inner: Arc<Inner>,
    profile: std::marker::PhantomData<fn() -> P>,
}

struct Inner {
    client: Client,
    users: Collection<Document>,
    tokens: Collection<Document>,
    revoked: Collection<Document>,
    jobs: Collection<Document>,
    events: Collection<Document>,
    has_transactions: bool,
}

/// The names of the collections. The defaults are what Beanie makes of the classes in the documentation of fastapi-users.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MongoCollections {
    /// Users. Default: `User`.
    pub users: String,
    /// Session tokens. Default: `AccessToken`.
    pub tokens: String,
    /// JWTs that are no longer valid, of which fastapi-users knows nothing. Default: `RevokedToken`.
    pub revoked: String,
    /// Jobs, of which fastapi-users knows nothing. Default: `AxumUsersJob`.
    pub jobs: String,
    /// Audit events, of which fastapi-users knows nothing. Default: `AxumUsersEvent`.
    pub events: String,
}

impl Default for MongoCollections {
    fn default() -> Self {
        Self {
            users: "User".to_owned(),
            tokens: "AccessToken".to_owned(),
            revoked: "RevokedToken".to_owned(),
            jobs: "AxumUsersJob".to_owned(),
            events: "AxumUsersEvent".to_owned(),
        }
    }
}

impl MongoCollections {
    /// Users are in this collection.
    #[must_use]
    pub fn users(mut self, name: impl Into<String>) -> Self {
        self.users = name.into();
        self
    }

    /// JWTs that are no longer valid are in this collection.
    #[must_use]
    pub fn revoked(mut self, name: impl Into<String>) -> Self {
        self.revoked = name.into();
        self
    }

    /// Jobs are in this collection.
    #[must_use]
    pub fn jobs(mut self, name: impl Into<String>) -> Self {
        self.jobs = name.into();
        self
    }

    /// Audit events are in this collection.
    #[must_use]
    pub fn events(mut self, name: impl Into<String>) -> Self {
        self.events = name.into();
        self
    }

    /// Session tokens are in this collection.
    #[must_use]
    pub fn tokens(mut self, name: impl Into<String>) -> Self {
        self.tokens = name.into();
        self
    }
}

/// How long a server may take to be found and connected to.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a verb may take in all; what is tried again, and a transaction, included.
const PATIENCE: Duration = Duration::from_secs(6);
/// As many connections as an `SqlStore` has.
const CONNECTIONS: u32 = 16;

impl<P: Profile> MongoStore<P> {
    /// Opens the database that a URL names, `mongodb://[user:password@]host[:port][,host…]/database[?options]` or
    /// `mongodb+srv://…`, TLS and the like as its options say. If they do not say otherwise: at most 16 connections, and five
    /// seconds to connect. Each verb has six seconds.
    ///
    /// # Errors
    /// [`MigrationError`], when the URL cannot be read or names no database, nobody answers, or the database holds what
    /// this version cannot adopt; the message says what to do.
    pub async fn open(url: &str) -> Result<Self, MigrationError> {
        Self::open_with(url, &MongoCollections::default()).await
    }

    /// The same with other names of collections.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(url: &str, collections: &MongoCollections) -> Result<Self, MigrationError> {
        Self::from_database_with(&connect(url).await?, collections).await
    }

    /// Works on a database of the application's own client. What is written is acknowledged by most
    /// nodes, and is in their journals, whatever the client is set to.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn from_database(database: &Database) -> Result<Self, MigrationError> {
        Self::from_database_with(database, &MongoCollections::default()).await
    }

    /// The same with other names of collections.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn from_database_with(
        database: &Database,
        collections: &MongoCollections,
    ) -> Result<Self, MigrationError> {
        let store = Self::on(database, collections).await?;
        store.bring_up_to_date().await?;
        if !store.inner.has_transactions {
            tracing::warn!(
                "MongoDB is no replica set and has no transactions: should this process end between a change of a \
                 password and the end of the sessions of the user, these go on; make it a replica set of one node"
            );
        }
        Ok(store)
    }

    /// Does what [`open`](Self::open) does to the database, and tells by which commands of `mongosh`.
    ///
    /// # Errors
    /// As for `open`.
    pub async fn migrate(url: &str) -> Result<Vec<String>, MigrationError> {
        Self::on(&connect(url).await?, &MongoCollections::default()).await?.bring_up_to_date().await
    }

    /// The commands by which [`open`](Self::open) would bring this database up to date; none when it is. Nothing is
    /// changed.
    ///
    /// # Errors
    /// What `open` would refuse.
    pub async fn plan(url: &str) -> Result<Vec<String>, MigrationError> {
        let store = Self::on(&connect(url).await?, &MongoCollections::default()).await?;
        Ok(store.missing_indexes().await?.iter().map(ToString::to_string).collect())
    }

    async fn on(database: &Database, collections: &MongoCollections) -> Result<Self, MigrationError> {
        let asked = async { Ok(database.run_command(doc! { "hello": 1 }).await?) };
        let hello = limited(asked).await.map_err(|error| MigrationError::Open(error.into()))?;
        let collection = |name: &str| {
            let options = CollectionOptions::builder().write_concern(kept());
            database.collection_with_options(name, options.build())
        };
        let inner = Inner {
            client: database.client().clone(),
            users: collection(&collections.users),
            tokens: collection(&collections.tokens),
            revoked: collection(&collections.revoked),
            jobs: collection(&collections.jobs),
            events: collection(&collections.events),
            // A node of a replica set, or a router before a sharded cluster.
            has_transactions: hello.contains_key("setName")
                || hello.get_str("msg").is_ok_and(|text| text == "isdbgrid"),
        };
        Ok(Self { inner: Arc::new(inner), profile: std::marker::PhantomData })
    }
}

impl<P: Profile> Clone for MongoStore<P> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), profile: std::marker::PhantomData }
    }
}

impl<P: Profile> std::fmt::Debug for MongoStore<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MongoStore").field("users", &self.inner.users.name()).finish_non_exhaustive()
    }
}

async fn connect(url: &str) -> Result<Database, MigrationError> {
    let refuse = |error: Error| MigrationError::Open(error.into());
    let mut options = ClientOptions::parse(url).await.map_err(refuse)?;
    if options.default_database.is_none() {
        let error = "the URL names no database: add one, like `mongodb://host/app`";
        return Err(MigrationError::Open(error.into()));
    }
    options.connect_timeout.get_or_insert(CONNECT);
    options.server_selection_timeout.get_or_insert(CONNECT);
    options.max_pool_size.get_or_insert(CONNECTIONS);
    options.app_name.get_or_insert("axum-users".to_owned());
    let client = Client::with_options(options).map_err(refuse)?;
    client.default_database().ok_or_else(|| MigrationError::Open("the URL names no database".into()))
}

/// What is acknowledged is on the disks of most nodes: MongoDB's own default may lose a tenth of a second.
fn kept() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build()
}

/// For what may be lost: acknowledged by one server, from its memory.
fn unkept() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Nodes(1)).journal(false).build()
}

/// The answer to a verb, or an error when it takes too long.
async fn limited<T>(verb: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(PATIENCE, verb).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::Backend("MongoDB has not answered in six seconds".into())),
    }
}

/// A unique index refused the document.
const DUPLICATE_KEY: i32 = 11000;

/// The code and the message with which the server refuses.
fn refusal(error: &Error) -> Option<(i32, &str)> {
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(failure)) => Some((failure.code, &failure.message)),
        ErrorKind::Command(failure) => Some((failure.code, &failure.message)),
        _ => None,
    }
}

fn is_duplicate(error: &Error) -> bool {
    refusal(error).is_some_and(|(code, _)| code == DUPLICATE_KEY)
}

impl From<Error> for StoreError {
    /// What the server tells beside its message is left out: of a document that it refuses that is every value.
    fn from(error: Error) -> Self {
        let Some((code, message)) = refusal(&error) else { return Self::Backend(error.into()) };
        if code != DUPLICATE_KEY {
            return Self::Backend(format!("MongoDB refuses with {code}: {message}").into());
        }
        // The message ends with the value that is there twice, which may be a token.
        let index =
            message.split(" index: ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        if index.contains("oauth_accounts") {
            return Self::AccountTaken;
        }
        if index.contains("email") {
            return Self::Duplicate;
        }
        Self::Backend(format!("unique index {index}").into())
    }
}
