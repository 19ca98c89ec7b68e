//! What is PostgreSQL's own: its column types, adopting its tables, many nodes at once, indexes in use, outages.

mod jobs;
mod reads;
mod tls;

use std::time::Duration;

use axum_users::{
    Changes, Date, Found, Json, MigrationError, NewToken, NewUser, NoProfile, PasswordHash, Profile,
    SqlStore, StoreError, Timestamp, TokenStore, User, UserId, UserStore,
};
use axum_users_testkit::postgres_schema;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use time::macros::{date, datetime};
use uuid::Uuid;

/// The tables as SQLAlchemy makes them for fastapi-users 15, with columns of the application's own. `ID` is the type
/// of ids.
const FASTAPI_USERS: &str = r#"
CREATE TABLE "user" (
    nickname VARCHAR(50),
    born TIMESTAMP WITHOUT TIME ZONE,
    visits SMALLINT,
    id ID NOT NULL,
    email VARCHAR(320) NOT NULL,
    hashed_password VARCHAR(1024) NOT NULL,
    is_active BOOLEAN NOT NULL,
    is_superuser BOOLEAN NOT NULL,
    is_verified BOOLEAN NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_user_email ON "user" (email);
CREATE TABLE accesstoken (
    user_id ID2 NOT NULL,
    token VARCHAR(43) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (token),
    FOREIGN KEY(user_id) REFERENCES "user" (id) ON DELETE cascade
);
CREATE INDEX ix_accesstoken_created_at ON accesstoken (created_at);
"#;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Profile)]
struct Everything {
    flag: bool,
    small: i32,
    large: i64,
    ratio: f64,
    text: String,
    bytes: Vec<u8>,
    reference: Uuid,
    day: Date,
    moment: Timestamp,
    document: Json<serde_json::Value>,
    nothing: Option<i32>,
    no_moment: Option<Timestamp>,
    no_document: Option<Json<serde_json::Value>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Profile)]
struct Adopted {
    nickname: Option<String>,
    born: Option<Timestamp>,
    visits: Option<i32>,
    title: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Profile)]
#[profile(id = i64)]
struct Numbered {
    nickname: Option<String>,
}

fn new_user<P: Profile>(email: &str, profile: P) -> NewUser<P> {
    NewUser {
        id: P::Id::generate(),
        email: email.to_owned(),
        hashed_password: PasswordHash::new("hash"),
        is_active: true,
        is_superuser: false,
        is_verified: false,
        profile,
    }
}

async fn execute(pool: &PgPool, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

async fn texts(pool: &PgPool, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap()
}

/// A schema with the tables of fastapi-users.
async fn fastapi_users(integer_ids: bool) -> (String, PgPool) {
    let url = postgres_schema().await.unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    let (id, reference) = if integer_ids { ("SERIAL", "INTEGER") } else { ("UUID", "UUID") };
    execute(&pool, &FASTAPI_USERS.replace("ID2", reference).replace(" ID ", &format!(" {id} "))).await;
    (url, pool)
}

async fn columns(pool: &PgPool, table: &str) -> Vec<String> {
    let sql = format!(
        "SELECT column_name || ' ' || data_type || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END \
         FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = '{table}' \
         ORDER BY ordinal_position"
    );
    texts(pool, &sql).await
}

#[tokio::test]
async fn a_new_schema_gets_the_tables_of_the_contract() {
    let url = postgres_schema().await.unwrap();
    SqlStore::<NoProfile>::open(&url).await.unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    let user = [
        "id uuid NOT NULL",
        "email character varying NOT NULL",
        "hashed_password character varying NOT NULL",
        "is_active boolean NOT NULL",
        "is_superuser boolean NOT NULL",
        "is_verified boolean NOT NULL",
    ];
    assert_eq!(columns(&pool, "user").await, user);
    let accesstoken = [
        "user_id uuid NOT NULL",
        "token character varying NOT NULL",
        "created_at timestamp with time zone NOT NULL",
        "expires_at timestamp with time zone",
    ];
    assert_eq!(columns(&pool, "accesstoken").await, accesstoken);
}

#[tokio::test]
async fn columns_of_every_kind_are_kept() {
    let store = SqlStore::<Everything>::open(&postgres_schema().await.unwrap()).await.unwrap();
    let profile = Everything {
        flag: true,
        small: i32::MIN,
        large: i64::MAX,
        ratio: 0.1 + 0.2,
        text: "🐉 e\u{301} '\"; --".into(),
        bytes: vec![0, 255, 10],
        reference: Uuid::from_u128(7),
        day: Date(date!(1066 - 10 - 14)),
        moment: Timestamp(datetime!(2038-01-20 03:14:08.000_001 UTC)),
        document: Json(serde_json::json!({"a": [1, null, "ü"], "b": {"c": 1.5}})),
        nothing: None,
        no_moment: None,
        no_document: None,
    };
    let user = UserStore::insert(&store, new_user("king@camelot.bt", profile.clone())).await.unwrap();
    assert_eq!(user.profile, profile);
    assert_eq!(store.get(&user.id).await.unwrap().unwrap().profile, profile);
    // The same statement with a value where there was none, and the other way round.
    let other = Everything {
        nothing: Some(7),
        no_moment: Some(Timestamp(datetime!(1969-12-31 23:59:59.5 UTC))),
        no_document: Some(Json(serde_json::json!("x"))),
        ..profile.clone()
    };
    let second = UserStore::insert(&store, new_user("merlin@camelot.bt", other.clone())).await.unwrap();
    assert_eq!(second.profile, other);
    UserStore::insert(&store, new_user("lancelot@camelot.bt", profile)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_nodes_may_start_at_once() {
    let url = postgres_schema().await.unwrap();
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { SqlStore::<NoProfile>::open(&url).await })
        })
        .collect();
    for node in nodes {
        node.await.unwrap().unwrap();
    }
    let pool = PgPool::connect(&url).await.unwrap();
    assert_eq!(texts(&pool, "SELECT name FROM axum_users_migration").await.len(), 6);
}

#[tokio::test]
async fn a_database_of_fastapi_users_is_adopted() {
    let (url, pool) = fastapi_users(false).await;
    execute(
        &pool,
        "INSERT INTO \"user\" VALUES ('Wart', '2001-02-03 04:05:06', 3, '6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f', \
         'King.Arthur@camelot.bt', '$argon2id$x', true, false, true); \
         INSERT INTO accesstoken VALUES ('6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f', 'stored-token', now())",
    )
    .await;
    let before = columns(&pool, "user").await;
    let store = SqlStore::<Adopted>::open(&url).await.unwrap();
    let user = store.get_by_email("KING.arthur@camelot.bt").await.unwrap().unwrap();
    let expected = Adopted {
        nickname: Some("Wart".into()),
        born: Some(Timestamp(datetime!(2001-02-03 04:05:06 UTC))),
        visits: Some(3),
        title: None,
    };
    assert_eq!(user.profile, expected);
    let found = store.find("stored-token", None).await.unwrap();
    assert!(matches!(found, Some(Found::User(owner)) if owner.id == user.id));
    let after = columns(&pool, "user").await;
    assert_eq!(after[..before.len()], before, "nothing is rewritten");
    assert_eq!(after[before.len()..], ["title character varying"]);
    // The new index holds for whoever writes.
    let twin = sqlx::query(
        "INSERT INTO \"user\" VALUES (NULL, NULL, NULL, gen_random_uuid(), 'KING.ARTHUR@camelot.bt', 'x', true, false, \
         false)",
    );
    assert!(twin.execute(&pool).await.unwrap_err().as_database_error().unwrap().is_unique_violation());
}

#[tokio::test]
async fn integer_ids_beyond_the_column_are_nobodys() {
    let (url, _) = fastapi_users(true).await;
    let store = SqlStore::<Numbered>::open(&url).await.unwrap();
    let user =
        UserStore::insert(&store, new_user("king@camelot.bt", Numbered { nickname: None })).await.unwrap();
    assert_eq!(user.id, 1);
    for id in [i64::MAX, i64::MIN, 2_147_483_648, 0] {
        assert!(store.get(&id).await.unwrap().is_none(), "{id}");
        assert!(store.update(&id, &Changes::default()).await.unwrap().is_none(), "{id}");
        assert!(!store.delete(&id).await.unwrap(), "{id}");
    }
}

#[tokio::test]
async fn addresses_that_differ_only_in_case_are_listed_and_nothing_is_changed() {
    let (url, pool) = fastapi_users(false).await;
    for email in ["King@camelot.bt", "king@camelot.bt", "merlin@camelot.bt"] {
        execute(
            &pool,
            &format!(
                "INSERT INTO \"user\" VALUES (NULL, NULL, NULL, gen_random_uuid(), '{email}', 'x', true, false, false)"
            ),
        )
        .await;
    }
    let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1";
    let before = texts(&pool, tables).await;
    match SqlStore::<NoProfile>::open(&url).await {
        Err(MigrationError::EmailsDifferOnlyInCase(mut emails)) => {
            emails.sort();
            assert_eq!(emails, ["King@camelot.bt", "king@camelot.bt"]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(texts(&pool, tables).await, before);
}

#[tokio::test]
async fn ids_of_another_type_are_refused() {
    let (url, _) = fastapi_users(true).await;
    let refused = SqlStore::<NoProfile>::open(&url).await;
    assert!(
        matches!(&refused, Err(MigrationError::IdType { found, .. }) if found == "INTEGER"),
        "{refused:?}"
    );
    let (url, _) = fastapi_users(false).await;
    assert!(matches!(SqlStore::<Numbered>::open(&url).await, Err(MigrationError::IdType { .. })));
}

#[tokio::test]
async fn look_ups_use_an_index() {
    let url = postgres_schema().await.unwrap();
    let store = SqlStore::<NoProfile>::open(&url).await.unwrap();
    UserStore::insert(&store, new_user("king@camelot.bt", NoProfile {})).await.unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    execute(
        &pool,
        "INSERT INTO \"user\" SELECT gen_random_uuid(), 'Knight' || n || '@camelot.bt', 'x', true, false, false \
         FROM generate_series(1, 20000) n; \
         INSERT INTO accesstoken SELECT id, md5(id::text), now() FROM \"user\"; ANALYZE",
    )
    .await;
    let plans = [
        "SELECT id FROM \"user\" WHERE lower(email) = lower('knight7@camelot.bt'::text)",
        "SELECT id FROM \"user\" WHERE id = gen_random_uuid_constant()",
        "SELECT u.id FROM accesstoken t JOIN \"user\" u ON u.id = t.user_id WHERE t.token = 'x'::text",
        "SELECT id FROM \"user\" WHERE id > gen_random_uuid_constant() ORDER BY id LIMIT 100::bigint",
        "DELETE FROM accesstoken WHERE user_id = gen_random_uuid_constant()",
    ];
    for plan in plans {
        let plan = plan.replace("gen_random_uuid_constant()", "'6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f'::uuid");
        let shown = texts(&pool, &format!("EXPLAIN {plan}")).await.join("\n");
        assert!(!shown.contains("Seq Scan"), "{plan}:\n{shown}");
    }
}

/// Of a row that a constraint of the application refuses PostgreSQL tells every value.
#[tokio::test]
async fn lgs_1_what_a_constraint_refuses_is_not_told() {
    let url = postgres_schema().await.unwrap();
    let store = SqlStore::<NoProfile>::open(&url).await.unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    execute(&pool, "ALTER TABLE \"user\" ADD CONSTRAINT of_camelot CHECK (hashed_password = 'none')").await;
    let new = NewUser {
        hashed_password: PasswordHash::new("hunter22"),
        ..new_user("king@camelot.bt", NoProfile {})
    };
    let error = UserStore::insert(&store, new).await.unwrap_err();
    let told = format!("{error:?}");
    assert!(told.contains("23514") && told.contains("of_camelot"), "{told}");
    assert!(!told.contains("hunter22") && !told.contains("king@"), "{told}");
}

/// F-4: a statement that waits for a lock ends in time, and says what kind of failure it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_table_is_a_failure_within_seconds() {
    let url = postgres_schema().await.unwrap();
    let store = SqlStore::<NoProfile>::open(&url).await.unwrap();
    let user = UserStore::insert(&store, new_user("king@camelot.bt", NoProfile {})).await.unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE \"user\" IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_secs(20), store.get(&user.id)).await;
    assert!(matches!(waiting.expect("the statement ended"), Err(StoreError::Backend(_))));
    lock.rollback().await.unwrap();
    assert!(store.get(&user.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_pool_of_the_application_is_shared() {
    let url = postgres_schema().await.unwrap();
    let pool = PgPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
    let store = SqlStore::<NoProfile>::from_postgres_pool(pool.clone()).await.unwrap();
    let user: User = UserStore::insert(&store, new_user("king@camelot.bt", NoProfile {})).await.unwrap();
    TokenStore::insert(
        &store,
        NewToken {
            token: "token",
            user: &user.id,
            created_at: time::OffsetDateTime::now_utc(),
            expires_at: None,
        },
    )
    .await
    .unwrap();
    assert_eq!(texts(&pool, "SELECT email FROM \"user\"").await, ["king@camelot.bt"]);
    assert!(UserStore::<NoProfile>::delete(&store, &user.id).await.unwrap());
    assert!(texts(&pool, "SELECT token FROM accesstoken").await.is_empty());
}

/// F-30: what connections have prepared is of no use any more once a column has another type. Some of the statements are transactions.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_30_columns_may_change_their_type_while_the_server_runs() {
    let url = postgres_schema().await.unwrap();
    let (admin, shared) = (PgPool::connect(&url).await.unwrap(), PgPool::connect(&url).await.unwrap());
    for store in [
        SqlStore::<NoProfile>::open(&url).await.unwrap(),
        SqlStore::<NoProfile>::from_postgres_pool(shared).await.unwrap(),
    ] {
        // Reads as what is read so often go past the pool soon, whose connections do the rest.
        let use_all = async || {
            let uses = (0..24).map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let email = format!("{number}@camelot.bt");
                    let user = UserStore::insert(&store, new_user(&email, NoProfile {})).await?;
                    let hidden = UserStore::insert_hidden(&store, new_user(&email, NoProfile {})).await;
                    assert!(matches!(hidden, Err(StoreError::Duplicate)), "{hidden:?}");
                    assert_eq!(store.get(&user.id).await?.unwrap().email, email);
                    assert_eq!(store.get_by_email(&email).await?.unwrap().id, user.id);
                    assert!(!UserStore::<NoProfile>::list(&store, None, 5).await?.is_empty());
                    let changes = Changes { is_verified: Some(true), ..Changes::default() };
                    assert!(store.update(&user.id, &changes).await?.unwrap().is_verified);
                    assert!(UserStore::<NoProfile>::delete(&store, &user.id).await?);
                    Ok::<_, StoreError>(())
                })
            });
            for task in uses.collect::<Vec<_>>() {
                task.await.unwrap().unwrap();
            }
        };
        use_all().await;
        for kind in ["TEXT", "VARCHAR(320)"] {
            execute(&admin, &format!("ALTER TABLE \"user\" ALTER email TYPE {kind}")).await;
            use_all().await;
        }
    }
}

#[tokio::test]
async fn no_error_tells_the_password_of_the_database() {
    let error =
        SqlStore::<NoProfile>::open("postgres://king:guinevere@127.0.0.1:1/camelot").await.unwrap_err();
    let mut shown = format!("{error:?} {error}");
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        shown.push_str(&format!(" {error}"));
        source = error.source();
    }
    assert!(!shown.contains("guinevere"), "{shown}");
}

/// F-25: another program locks the same rows in the other order, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_25_deadlocks_are_nobodys_failure() {
    let url = postgres_schema().await.unwrap();
    let store = SqlStore::<NoProfile>::open(&url).await.unwrap();
    let user = UserStore::insert(&store, new_user("king@camelot.bt", NoProfile {})).await.unwrap();
    let pool = PgPoolOptions::new().connect(&url).await.unwrap();
    for round in 0..5 {
        let token = format!("token{round}");
        let created_at = time::OffsetDateTime::now_utc();
        let new = NewToken { token: &token, user: &user.id, created_at, expires_at: None };
        TokenStore::insert(&store, new).await.unwrap();
        let mut other = pool.begin().await.unwrap();
        sqlx::query("DELETE FROM accesstoken").execute(&mut *other).await.unwrap();
        let changes = Changes { is_verified: Some(true), end_sessions: true, ..Changes::default() };
        let (store, id) = (store.clone(), user.id);
        let update = tokio::spawn(async move { store.update(&id, &changes).await });
        tokio::time::sleep(Duration::from_millis(30)).await;
        if sqlx::query("UPDATE \"user\" SET is_superuser = true").execute(&mut *other).await.is_ok() {
            other.commit().await.unwrap();
        }
        assert!(update.await.unwrap().unwrap().unwrap().is_verified, "round {round}");
    }
}

/// F-25: transactions that the database can put in no serial order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_25_serialisation_failures_leave_no_half_change() {
    let url = postgres_schema().await.unwrap();
    let pool = PgPoolOptions::new().max_connections(16).after_connect(|connection, _| {
        Box::pin(async move {
            let strict = "SET default_transaction_isolation = 'serializable'";
            sqlx::Executor::execute(connection, strict).await.map(drop)
        })
    });
    let store = SqlStore::<NoProfile>::from_postgres_pool(pool.connect(&url).await.unwrap()).await.unwrap();
    let user = UserStore::insert(&store, new_user("king@camelot.bt", NoProfile {})).await.unwrap();
    let storm: Vec<_> = (0..64)
        .map(|number| {
            let (store, id) = (store.clone(), user.id);
            let hash = PasswordHash::new(format!("hash {number}"));
            let changes = Changes { hashed_password: Some(hash), end_sessions: true, ..Changes::default() };
            tokio::spawn(async move { (number, store.update(&id, &changes).await) })
        })
        .collect();
    let mut written = Vec::new();
    for task in storm {
        match task.await.unwrap() {
            (number, Ok(user)) => written.push((number, user.unwrap().hashed_password)),
            (_, Err(error)) => assert!(matches!(error, StoreError::Backend(_)), "{error}"),
        }
    }
    assert!(!written.is_empty());
    let stored = store.get(&user.id).await.unwrap().unwrap().hashed_password;
    assert!(
        written.iter().any(|(_, hash)| *hash == stored),
        "the last one written is one that was acknowledged"
    );
}
