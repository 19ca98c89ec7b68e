//! What is MongoDB's own: the documents of Beanie, its collation, fields that are not ours, servers without transactions.

use axum_users::{
    Changes, Found, MigrationError, MongoCollections, MongoStore, NewToken, NewUser, OAuthStore, ObjectId,
    PasswordHash, Profile, StoreError, TokenStore, User, UserId, UserStore,
};
use axum_users_testkit::{Mongo, mongodb_database};
use mongodb::{
    Client, Database, IndexModel,
    bson::{self, Bson, Document, doc},
    options::{Collation, CollationStrength, IndexOptions},
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Profile)]
#[profile(id = ObjectId)]
struct Knight {
    nickname: Option<String>,
    age: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Profile)]
#[profile(id = ObjectId)]
struct Titled {
    title: String,
}

type Store = MongoStore<Knight>;

const EMAIL: &str = "king.arthur@camelot.bt";

fn new_user(email: &str) -> NewUser<Knight> {
    NewUser {
        id: None,
        email: email.to_owned(),
        hashed_password: PasswordHash::new("hash"),
        is_active: true,
        is_superuser: false,
        is_verified: false,
        profile: Knight { nickname: None, age: None },
    }
}

/// The database behind a URL, as another program sees it.
async fn database(url: &str) -> Database {
    Client::with_uri_str(url).await.unwrap().default_database().unwrap()
}

/// As Beanie 2 writes a user of fastapi-users.
fn beanie_user(email: &str) -> Document {
    doc! {
        "email": email,
        "hashed_password": "hash",
        "is_active": true,
        "is_superuser": false,
        "is_verified": true,
        "age": 40_i32,
        "oauth_accounts": [{
            "id": bson::oid::ObjectId::new(),
            "oauth_name": "github",
            "access_token": "secret",
            "account_id": "17",
            "account_email": email,
            "expires_at": Bson::Null,
            "refresh_token": Bson::Null,
        }],
    }
}

/// The database as fastapi-users makes it, with one user.
async fn fastapi_users() -> (String, Database, ObjectId) {
    let url = mongodb_database().unwrap();
    let database = database(&url).await;
    let users = database.collection::<Document>("User");
    let ignoring_case = Collation::builder().locale("en").strength(CollationStrength::Secondary).build();
    let options = IndexOptions::builder()
        .name("case_insensitive_email_index".to_owned())
        .unique(true)
        .collation(ignoring_case)
        .build();
    users
        .create_index(IndexModel::builder().keys(doc! { "email": 1 }).options(options).build())
        .await
        .unwrap();
    let options = IndexOptions::builder().unique(true).build();
    let tokens = database.collection::<Document>("AccessToken");
    tokens
        .create_index(IndexModel::builder().keys(doc! { "token": 1 }).options(options).build())
        .await
        .unwrap();
    let inserted = users.insert_one(beanie_user("King.Arthur@camelot.bt")).await.unwrap().inserted_id;
    let id = inserted.as_object_id().unwrap();
    let token = doc! { "token": "theirs", "user_id": id, "created_at": bson::DateTime::now() };
    tokens.insert_one(token).await.unwrap();
    (url, database, ObjectId::from_bytes(id.bytes()))
}

async fn index_names(database: &Database, collection: &str) -> Vec<String> {
    let mut names = database.collection::<Document>(collection).list_index_names().await.unwrap();
    names.sort();
    names
}

async fn owner(store: &Store, token: &str) -> Option<ObjectId> {
    let found = TokenStore::find(store, token, None).await.unwrap();
    found.map(|found| match found {
        Found::User(user) => user.id,
        Found::Id(id) => id,
    })
}

async fn add_token(store: &Store, token: &str, user: &ObjectId) {
    let created_at = OffsetDateTime::now_utc();
    let expires_at = Some(created_at + Duration::HOUR);
    TokenStore::insert(store, NewToken { token, user, created_at, expires_at }).await.unwrap();
}

#[tokio::test]
async fn documents_and_indexes_are_those_of_the_contract() {
    let url = mongodb_database().unwrap();
    let store = Store::open(&url).await.unwrap();
    let user = UserStore::insert(&store, new_user(EMAIL)).await.unwrap();
    add_token(&store, "token", &user.id).await;
    store.revoke("digest", OffsetDateTime::now_utc() + Duration::HOUR).await.unwrap();

    let database = database(&url).await;
    let stored = database.collection::<Document>("User").find_one(doc! {}).await.unwrap().unwrap();
    let expected = doc! {
        "_id": bson::oid::ObjectId::from_bytes(user.id.bytes()),
        "email": EMAIL,
        "hashed_password": "hash",
        "is_active": true,
        "is_superuser": false,
        "is_verified": false,
        "nickname": Bson::Null,
        "age": Bson::Null,
    };
    assert_eq!(stored, expected);
    let token = database.collection::<Document>("AccessToken").find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(token.keys().collect::<Vec<_>>(), ["_id", "token", "user_id", "created_at", "expires_at"]);
    assert_eq!(token.get("user_id"), stored.get("_id"));
    assert_eq!(
        index_names(&database, "User").await,
        ["_id_", "case_insensitive_email_index", "oauth_accounts_owner"]
    );
    assert_eq!(index_names(&database, "AccessToken").await, ["_id_", "expires_at_1", "token_1", "user_id_1"]);
    assert_eq!(index_names(&database, "RevokedToken").await, ["_id_", "expires_at_1"]);
    let jobs = index_names(&database, "AxumUsersJob").await;
    assert_eq!(jobs, ["_id_", "died_at_1", "due_at_1", "unique_key_1"]);
    let events = index_names(&database, "AxumUsersEvent").await;
    assert_eq!(events, ["_id_", "act_1__id_1", "identifier_1__id_1", "user_id_1__id_1"]);
}

#[tokio::test]
async fn a_database_of_fastapi_users_is_adopted_and_keeps_what_is_not_ours() {
    let (url, database, id) = fastapi_users().await;
    let planned = Store::plan(&url).await.unwrap();
    let collections = database.list_collection_names().await.unwrap();
    assert_eq!(collections.len(), 2, "nothing was made: {collections:?}");
    assert_eq!(
        planned,
        [
            r#"db.getCollection("User").createIndex({ "oauth_accounts.oauth_name": 1, "oauth_accounts.account_id": 1 }, { "name": "oauth_accounts_owner", "unique": true, "partialFilterExpression": { "oauth_accounts.account_id": { "$exists": true } } })"#,
            r#"db.getCollection("AccessToken").createIndex({ "user_id": 1 }, { "name": "user_id_1" })"#,
            r#"db.getCollection("AccessToken").createIndex({ "expires_at": 1 }, { "name": "expires_at_1", "expireAfterSeconds": 0 })"#,
            r#"db.getCollection("RevokedToken").createIndex({ "expires_at": 1 }, { "name": "expires_at_1", "expireAfterSeconds": 0 })"#,
            r#"db.getCollection("AxumUsersJob").createIndex({ "unique_key": 1 }, { "name": "unique_key_1", "unique": true, "partialFilterExpression": { "unique_key": { "$exists": true } } })"#,
            r#"db.getCollection("AxumUsersJob").createIndex({ "due_at": 1 }, { "name": "due_at_1" })"#,
            r#"db.getCollection("AxumUsersJob").createIndex({ "died_at": 1 }, { "name": "died_at_1" })"#,
            r#"db.getCollection("AxumUsersEvent").createIndex({ "user_id": 1, "_id": 1 }, { "name": "user_id_1__id_1" })"#,
            r#"db.getCollection("AxumUsersEvent").createIndex({ "identifier": 1, "_id": 1 }, { "name": "identifier_1__id_1" })"#,
            r#"db.getCollection("AxumUsersEvent").createIndex({ "act": 1, "_id": 1 }, { "name": "act_1__id_1" })"#,
        ]
    );
    assert_eq!(Store::migrate(&url).await.unwrap(), planned);
    assert_eq!(Store::plan(&url).await.unwrap(), [""; 0]);

    let store = Store::open(&url).await.unwrap();
    let user = store.get_by_email(EMAIL).await.unwrap().unwrap();
    assert_eq!((user.id, user.email.as_str()), (id, "King.Arthur@camelot.bt"));
    assert_eq!(user.profile, Knight { nickname: None, age: Some(40) }, "a field that is missing is null");
    assert_eq!(owner(&store, "theirs").await, Some(id));
    assert_eq!(store.get_by_account("github", "17").await.unwrap().unwrap().id, id);
    let account = store.accounts(&id).await.unwrap().remove(0);
    assert_eq!(
        (account.access_token.as_str(), account.expires_at, account.refresh_token),
        ("secret", None, None)
    );

    let changes = Changes { is_superuser: Some(true), ..Changes::default() };
    store.update(&id, &changes).await.unwrap().unwrap();
    let mut expected = beanie_user("King.Arthur@camelot.bt");
    let mut stored = database.collection::<Document>("User").find_one(doc! {}).await.unwrap().unwrap();
    stored.remove("_id");
    assert_eq!(stored.get("is_superuser"), Some(&Bson::Boolean(true)));
    for document in [&mut expected, &mut stored] {
        document.remove("is_superuser");
        let account = document.get_array_mut("oauth_accounts").unwrap()[0].as_document_mut().unwrap();
        account.remove("id").unwrap();
    }
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn other_names_of_collections() {
    let url = mongodb_database().unwrap();
    let names = MongoCollections::default().users("accounts").tokens("sessions").revoked("ended");
    let names = names.jobs("errands").events("chronicle");
    let store = Store::open_with(&url, &names).await.unwrap();
    let user = UserStore::insert(&store, new_user(EMAIL)).await.unwrap();
    add_token(&store, "token", &user.id).await;
    assert_eq!(owner(&store, "token").await, Some(user.id));
    let mut collections = database(&url).await.list_collection_names().await.unwrap();
    collections.sort();
    assert_eq!(collections, ["accounts", "chronicle", "ended", "errands", "sessions"]);
}

#[tokio::test]
async fn reg_5_addresses_that_differ_only_in_case_are_listed_and_nothing_is_changed() {
    let url = mongodb_database().unwrap();
    let database = database(&url).await;
    let emails = ["b@x.bt", "A@x.bt", "a@x.bt", "B@x.bt", "c@x.bt"];
    let users = database.collection::<Document>("User");
    let without_account = |email| {
        let mut user = beanie_user(email);
        user.insert("oauth_accounts", Bson::Array(Vec::new()));
        user
    };
    users.insert_many(emails.map(without_account)).await.unwrap();
    for error in [Store::open(&url).await.unwrap_err(), Store::plan(&url).await.unwrap_err()] {
        let MigrationError::EmailsDifferOnlyInCase(mut listed) = error else { panic!("{error}") };
        listed.sort();
        assert_eq!(listed, ["A@x.bt", "B@x.bt", "a@x.bt", "b@x.bt"]);
    }
    assert_eq!(index_names(&database, "User").await, ["_id_"]);
}

/// fastapi-users gives one account to as many as log in at the provider with it.
#[tokio::test]
async fn oak_2_accounts_of_several_users_are_listed_and_nothing_is_changed() {
    let url = mongodb_database().unwrap();
    let database = database(&url).await;
    let users = database.collection::<Document>("User");
    users.insert_many(["a@x.bt", "b@x.bt"].map(beanie_user)).await.unwrap();
    for error in [Store::open(&url).await.unwrap_err(), Store::plan(&url).await.unwrap_err()] {
        let MigrationError::SharedAccounts(listed) = error else { panic!("{error}") };
        assert_eq!(listed, ["github 17"]);
    }
    assert_eq!(index_names(&database, "User").await, ["_id_"]);
}

#[tokio::test]
async fn documents_of_another_kind_are_refused() {
    let (url, database, _) = fastapi_users().await;
    let error = MongoStore::<Titled>::open(&url).await.unwrap_err();
    assert!(matches!(error, MigrationError::ColumnNeedsValues("title")), "{error}");
    let error = MongoStore::<axum_users::NoProfile>::open(&url).await.unwrap_err();
    assert!(error.to_string().contains("ObjectId") && error.to_string().contains("Uuid"), "{error}");
    database
        .collection::<Document>("User")
        .update_many(doc! {}, doc! { "$unset": { "is_active": 1 } })
        .await
        .unwrap();
    let error = Store::open(&url).await.unwrap_err();
    assert!(matches!(error, MigrationError::ForeignTable { column: "is_active", .. }), "{error}");
}

#[tokio::test]
async fn the_collation_takes_more_for_the_same_than_the_address_of_another() {
    let store = Store::open(&mongodb_database().unwrap()).await.unwrap();
    let user = UserStore::insert(&store, new_user("fisher@camelot.bt")).await.unwrap();
    for email in ["ﬁsher@camelot.bt", "ｆisher@camelot.bt", "fish\u{200b}er@camelot.bt"] {
        assert!(store.get_by_email(email).await.unwrap().is_none(), "{email}");
        let taken = UserStore::insert(&store, new_user(email)).await;
        assert!(matches!(taken, Err(StoreError::Duplicate)), "{email}");
    }
    assert_eq!(store.get_by_email("FISHER@camelot.bt").await.unwrap().unwrap().id, user.id);
    UserStore::insert(&store, new_user("físher@camelot.bt")).await.unwrap();
}

/// What another program writes at the same time, and what it has removed.
#[tokio::test]
async fn an_update_writes_what_has_changed_and_never_makes_a_user() {
    let url = mongodb_database().unwrap();
    let store = Store::open(&url).await.unwrap();
    let user = UserStore::insert(&store, new_user(EMAIL)).await.unwrap();
    let users = database(&url).await.collection::<Document>("User");
    users.update_one(doc! {}, doc! { "$set": { "nickname": "Wart", "theirs": 1 } }).await.unwrap();
    let changes = Changes { is_verified: Some(true), end_sessions: true, ..Changes::default() };
    let updated = store.update(&user.id, &changes).await.unwrap().unwrap();
    assert_eq!((updated.profile.nickname.as_deref(), updated.is_verified), (Some("Wart"), true));
    users.delete_one(doc! {}).await.unwrap();
    for end_sessions in [true, false] {
        let changes = Changes { end_sessions, ..changes.clone() };
        assert!(store.update(&user.id, &changes).await.unwrap().is_none());
    }
    assert_eq!(users.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_18_eight_nodes_may_start_at_once() {
    let url = mongodb_database().unwrap();
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&url).await })
        })
        .collect();
    for node in nodes {
        node.await.unwrap().unwrap();
    }
    assert_eq!(Store::plan(&url).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn look_ups_use_an_index() {
    let url = mongodb_database().unwrap();
    let store = Store::open(&url).await.unwrap();
    let user = UserStore::insert(&store, new_user(EMAIL)).await.unwrap();
    add_token(&store, "token", &user.id).await;
    let database = database(&url).await;
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    store.get_by_email(EMAIL).await.unwrap().unwrap();
    store.get(&user.id).await.unwrap().unwrap();
    store.get_unless_revoked(&user.id, "digest").await.unwrap().unwrap();
    store.list(Some(&ObjectId::from_bytes([0; 12])), 10).await.unwrap();
    owner(&store, "token").await.unwrap();
    assert!(store.get_by_account("google", "17").await.unwrap().is_none());
    TokenStore::remove_all(&store, &user.id).await.unwrap();
    TokenStore::<Knight>::remove(&store, "token").await.unwrap();
    store.delete(&user.id).await.unwrap();
    database.run_command(doc! { "profile": 0 }).await.unwrap();
    let mut profiled = database.collection::<Document>("system.profile").find(doc! {}).await.unwrap();
    let mut plans = Vec::new();
    while profiled.advance().await.unwrap() {
        let entry = profiled.deserialize_current().unwrap();
        plans.extend(entry.get_str("planSummary").ok().map(str::to_owned));
    }
    assert!(plans.len() >= 9, "{plans:?}");
    assert!(plans.iter().all(|plan| plan.starts_with("IXSCAN") || plan.starts_with("IDHACK")), "{plans:?}");
}

/// A single `mongod` as most start it.
#[tokio::test]
async fn a_server_without_transactions_will_do() {
    let mongo = Mongo::start().unwrap();
    let store = Store::open(&mongo.url("app")).await.unwrap();
    let user = UserStore::insert(&store, new_user(EMAIL)).await.unwrap();
    add_token(&store, "token", &user.id).await;
    let changes = Changes {
        hashed_password: Some(PasswordHash::new("new")),
        if_password_is: Some(PasswordHash::new("hash")),
        end_sessions: true,
        ..Changes::default()
    };
    let updated: User<Knight> = store.update(&user.id, &changes).await.unwrap().unwrap();
    assert_eq!(updated.hashed_password.as_str(), "new");
    assert_eq!(owner(&store, "token").await, None);
    assert!(store.update(&user.id, &changes).await.unwrap().is_none());
}

/// F-3: a failure, never "nobody", and no restart of ours.
#[tokio::test]
async fn f_3_a_server_that_goes_away_is_a_failure_until_it_is_back() {
    let mut mongo = Mongo::start().unwrap();
    let store = Store::open(&mongo.url("app")).await.unwrap();
    let user = UserStore::insert(&store, new_user(EMAIL)).await.unwrap();
    add_token(&store, "token", &user.id).await;
    mongo.stop().unwrap();
    assert!(matches!(store.get(&user.id).await, Err(StoreError::Backend(_))));
    assert!(matches!(TokenStore::find(&store, "token", None).await, Err(StoreError::Backend(_))));
    assert!(matches!(
        UserStore::insert(&store, new_user("wart@camelot.bt")).await,
        Err(StoreError::Backend(_))
    ));
    mongo.start_again().unwrap();
    assert_eq!(store.get(&user.id).await.unwrap().unwrap().email, EMAIL);
    assert_eq!(owner(&store, "token").await, Some(user.id));
}

#[tokio::test]
async fn what_is_no_database_cannot_be_opened() {
    let nobody = "mongodb://king:hunter22@127.0.0.1:1/app?serverSelectionTimeoutMS=300";
    for (url, says) in [("mongodb://127.0.0.1:1", "names no database"), (nobody, ""), ("mongodb://", "")] {
        let error = Store::open(url).await.unwrap_err();
        let MigrationError::Open(source) = &error else { panic!("{error}") };
        assert!(source.to_string().contains(says), "{source}");
        assert!(!format!("{error:?} {source}").contains("hunter22"), "{error:?}");
    }
}

#[tokio::test]
async fn ids_that_a_database_would_have_to_assign_are_refused() {
    #[derive(Clone, Debug, Serialize, Deserialize, Profile)]
    #[profile(id = i64)]
    struct Numbered {}
    let store = MongoStore::<Numbered>::open(&mongodb_database().unwrap()).await.unwrap();
    let new = NewUser {
        id: i64::generate(),
        email: EMAIL.to_owned(),
        hashed_password: PasswordHash::new("hash"),
        is_active: true,
        is_superuser: false,
        is_verified: false,
        profile: Numbered {},
    };
    let refused = UserStore::insert(&store, new).await.unwrap_err();
    assert!(std::error::Error::source(&refused).unwrap().to_string().contains("assigns no ids"));
}

/// Of a document that a validator of the application refuses MongoDB tells every value.
#[tokio::test]
async fn lgs_1_what_a_validator_refuses_is_not_told() {
    let url = mongodb_database().unwrap();
    let store = Store::open(&url).await.unwrap();
    let user = UserStore::insert(&store, new_user(EMAIL)).await.unwrap();
    let never = doc! { "email": { "$eq": "nobody" }, "hashed_password": { "$eq": "none" } };
    let validate = doc! { "collMod": "User", "validator": never };
    database(&url).await.run_command(validate).await.unwrap();
    let new = NewUser { hashed_password: PasswordHash::new("hunter22"), ..new_user("wart@camelot.bt") };
    let changes = Changes { hashed_password: Some(PasswordHash::new("hunter22")), ..Changes::default() };
    let ends = Changes { end_sessions: true, ..changes.clone() };
    for error in [
        UserStore::insert(&store, new).await.unwrap_err(),
        store.update(&user.id, &changes).await.unwrap_err(),
        store.update(&user.id, &ends).await.unwrap_err(),
    ] {
        let told = format!("{error:?} {}", std::error::Error::source(&error).unwrap());
        assert!(told.contains("121") && told.contains("validation"), "{told}");
        assert!(!told.contains("hunter22") && !told.contains("camelot"), "{told}");
    }
}

/// One that compares otherwise is of no use to a look-up.
#[tokio::test]
async fn an_index_with_another_collation_is_not_taken_for_ours() {
    let url = mongodb_database().unwrap();
    let users = database(&url).await.collection::<Document>("User");
    let options = |locale: &str, strength| {
        let collation = Collation::builder().locale(locale).strength(strength).build();
        IndexOptions::builder().name(format!("email_{locale}")).unique(true).collation(collation).build()
    };
    for options in [options("en", CollationStrength::Primary), options("sv", CollationStrength::Secondary)] {
        let index = IndexModel::builder().keys(doc! { "email": 1 }).options(options).build();
        users.create_index(index).await.unwrap();
    }
    let planned = Store::plan(&url).await.unwrap();
    assert!(planned[0].contains("case_insensitive_email_index"), "{planned:?}");
    Store::open(&url).await.unwrap();
}

/// A token is a secret, an address somebody's: what MongoDB says of a duplicate holds both.
#[tokio::test]
async fn what_is_there_twice_is_not_told() {
    let store = MongoStore::<axum_users::NoProfile>::open(&mongodb_database().unwrap()).await.unwrap();
    let king = NewUser {
        id: Uuid::generate(),
        email: EMAIL.to_owned(),
        hashed_password: PasswordHash::new("hash"),
        is_active: true,
        is_superuser: false,
        is_verified: false,
        profile: axum_users::NoProfile {},
    };
    let (king, created_at) = (UserStore::insert(&store, king).await.unwrap().id, OffsetDateTime::now_utc());
    let new = NewToken { token: "hunter22", user: &king, created_at, expires_at: None };
    TokenStore::insert(&store, new).await.unwrap();
    let error = TokenStore::insert(&store, new).await.unwrap_err();
    assert!(
        !format!("{error:?}").contains("hunter22") && format!("{error:?}").contains("token_1"),
        "{error:?}"
    );
}
