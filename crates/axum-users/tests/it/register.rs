//! `POST /register`.

use std::{sync::Arc, time::Duration};

use axum_users::{Context, DuplicateRegistration, HookResult, Hooks, Policy, User};
use serde_json::{Value, json};
use sqlx::query_scalar;
use tokio::sync::Semaphore;

use crate::support::{KING, Kind, PASSWORD, Scenario, TestApp, jwt, on_every_store, run, stored_cookie};

on_every_store![
    answers_and_hooks,
    reg_3_flags_and_ids_are_ignored,
    reg_4_parallel_registrations_leave_one_account,
    reg_5_spellings_of_one_address_are_one_account,
    reg_1_hidden_duplicates_look_like_new_accounts,
    reg_2_a_taken_address_costs_the_same_work,
];

const REGISTERED: &[&str] = &["before_register", "validate_password", "after_register"];

fn register(name: &'static str, body: Value) -> Scenario {
    Scenario { name, ask: ("POST", "/auth/register".to_owned()), body, ..Scenario::default() }
}

fn read(email: &str) -> Value {
    json!({"id": "<id>", "email": email, "is_active": true, "is_superuser": false, "is_verified": false})
}

async fn answers_and_hooks(kind: Kind) {
    let app = TestApp::new(kind).await;
    let missing =
        json!({"detail": [{"type": "missing", "loc": ["body", "password"], "msg": "Field required"}]});
    let email = json!({"detail": [{"type": "value_error", "loc": ["body", "email"],
        "msg": "value is not a valid email address: An email address must have an @-sign.",
        "ctx": {"reason": "An email address must have an @-sign."}}]});
    let table = [
        Scenario {
            status: 201,
            answer: read("King.Arthur@camelot.bt"),
            hooks: REGISTERED,
            ..register("success", json!({"email": " King.Arthur@CAMELOT.bt ", "password": PASSWORD}))
        },
        Scenario {
            status: 400,
            answer: json!({"detail": "REGISTER_USER_ALREADY_EXISTS"}),
            hooks: &["before_register", "validate_password"],
            ..register("taken", json!({"email": KING, "password": PASSWORD}))
        },
        Scenario {
            status: 400,
            answer: json!({"detail": {"code": "REGISTER_INVALID_PASSWORD",
                "reason": "Password should be at least 8 characters"}}),
            hooks: &["before_register"],
            ..register("a bad password beats a taken address", json!({"email": KING, "password": "short"}))
        },
        Scenario { status: 422, answer: missing, ..register("no password", json!({"email": KING})) },
        Scenario {
            status: 422,
            answer: email,
            ..register("no address", json!({"email": "lancelot", "password": PASSWORD}))
        },
    ];
    run(&app, table).await;
    assert_eq!(app.count().await, 1);
}

async fn reg_3_flags_and_ids_are_ignored(kind: Kind) {
    let app = TestApp::new(kind).await;
    let body = json!({
        "email": KING, "password": PASSWORD, "is_superuser": true, "is_verified": true, "is_active": false,
        "id": "6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f", "hashed_password": "x", "oauth_accounts": [{"id": 1}],
    });
    let answer = app.post("/auth/register").json(&body).send().await;
    assert_eq!(answer.status, 201);
    let user = app.user(KING).await;
    assert_ne!(user.id.to_string(), "6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f");
    assert_eq!((user.is_active, user.is_superuser, user.is_verified), (true, false, false));
    let token = app.login(KING, PASSWORD).await;
    app.me(&token).await.assert(200, &answer.json());
    assert_eq!(app.ask("GET", &format!("/users/{}", user.id)).bearer(&token).send().await.status, 403);

    let flags =
        json!({"email": "a@camelot.bt", "password": PASSWORD, "is_superuser": null, "is_active": null});
    assert_eq!(app.post("/auth/register").json(&flags).send().await.status, 201, "null flags are allowed");
    let flags = json!({"email": "b@camelot.bt", "password": PASSWORD, "is_superuser": "maybe"});
    let answer = app.post("/auth/register").json(&flags).send().await;
    answer.assert_detail(
        422,
        json!([{"type": "bool_parsing", "loc": ["body", "is_superuser"],
            "msg": "Input should be a valid boolean, unable to interpret input"}]),
    );
}

/// Registers all addresses at once and counts the answers by status.
async fn register_at_once(app: &TestApp, addresses: Vec<String>) -> (usize, usize) {
    let asks = addresses.into_iter().map(|address| {
        let ask = app.post("/auth/register").json(&json!({"email": address, "password": PASSWORD}));
        tokio::spawn(ask.send())
    });
    let (mut created, mut refused) = (0, 0);
    for ask in asks.collect::<Vec<_>>() {
        let answer = ask.await.unwrap();
        match answer.status {
            201 => created += 1,
            _ => {
                answer.assert_detail(400, "REGISTER_USER_ALREADY_EXISTS");
                refused += 1;
            }
        }
    }
    (created, refused)
}

async fn reg_4_parallel_registrations_leave_one_account(kind: Kind) {
    let app = TestApp::new(kind).await;
    let spellings =
        ["case@camelot.bt", "Case@camelot.bt", "CASE@CAMELOT.BT", " case@ｃamelot.bt", "cASE@camelot。bt"];
    let addresses = spellings.iter().cycle().take(50).map(|spelling| (*spelling).to_owned()).collect();
    assert_eq!(register_at_once(&app, addresses).await, (1, 49));
    assert_eq!(app.count().await, 1);
    for spelling in spellings {
        app.login(spelling, PASSWORD).await;
    }
}

async fn reg_5_spellings_of_one_address_are_one_account(kind: Kind) {
    // Letters outside ASCII before the @-sign are accepted by one of the policies only.
    let app = TestApp::under(Policy { weak_secrets: false, ..Policy::fastapi_users() }, kind).await;
    let spellings = [
        "caf\u{e9}@camelot.bt",
        "cafe\u{301}@camelot.bt",
        "CAF\u{e9}@Camelot.bt",
        "Caf\u{e9} <caf\u{e9}@camelot.bt>",
    ];
    for spelling in spellings {
        app.register(spelling, PASSWORD).await;
    }
    assert_eq!(app.count().await, 1);
    for spelling in &spellings[..3] {
        app.login(spelling, PASSWORD).await;
    }
    let app = TestApp::new(kind).await;
    for refused in ["mi\u{212a}e@camelot.bt", "caf\u{e9}@camelot.bt", "\u{ff45}@camelot.bt", "a@camelot.bt."]
    {
        assert_eq!(app.register(refused, PASSWORD).await.status, 422, "{refused}");
    }
    assert_eq!(app.count().await, 0);
}

async fn reg_1_hidden_duplicates_look_like_new_accounts(kind: Kind) {
    let policy = Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
    let app = TestApp::under(policy, kind).await;
    let new = app.register("KING.arthur@camelot.bt", PASSWORD).await;
    app.users.shutdown().await;
    assert_eq!(app.hooks.take_names(), REGISTERED);
    let duplicate = app.register(KING, "another password").await;
    app.users.shutdown().await;
    let hooks = app.hooks.take();
    let names: Vec<_> = hooks.iter().map(|event| event.hook).collect();
    assert_eq!(names, ["before_register", "validate_password", "after_duplicate_registration"]);
    assert_eq!(hooks[2].email, "KING.arthur@camelot.bt", "the owner is told, at the stored address");

    assert_eq!((new.status, duplicate.status), (201, 201));
    assert_eq!(new.headers, duplicate.headers);
    let (mut shown, mut expected) = (duplicate.json(), new.json());
    assert_ne!(shown["id"], expected["id"]);
    assert_eq!(shown["email"], KING, "as typed, in either case");
    for body in [&mut shown, &mut expected] {
        body["id"] = Value::Null;
        body["email"] = Value::Null;
    }
    assert_eq!(shown.to_string(), expected.to_string());
    assert_eq!(app.count().await, 1);
    assert_eq!(app.login_answer("/auth/jwt/login", KING, "another password").await.status, 400);
    app.login(KING, PASSWORD).await;
}

async fn reg_2_a_taken_address_costs_the_same_work(kind: Kind) {
    for (duplicate_registration, insert) in
        [(DuplicateRegistration::Reveal, "insert"), (DuplicateRegistration::Hide, "insert_hidden")]
    {
        let app = TestApp::under(Policy { duplicate_registration, ..Policy::secure() }, kind).await;
        let mut work = Vec::new();
        for _ in 0..3 {
            let before = app.users.password_operations();
            app.store.close_gate("get_by_email"); // the job that tells the owner comes after the answer
            let answer = app.register(KING, PASSWORD).await;
            let calls = app.store.take_calls().into_iter().filter(|call| *call != "get_by_email");
            let calls: Vec<_> = calls.collect();
            work.push((app.users.password_operations() - before, calls, answer.body.len()));
            app.store.open_gate();
            app.users.shutdown().await;
        }
        assert_eq!((work[0].0, &*work[0].1), (1, &[insert][..]));
        assert_eq!((work[1].0, &work[1].1), (work[0].0, &work[0].1));
        assert_eq!(work[1], work[2]);
        if duplicate_registration == DuplicateRegistration::Hide {
            assert_eq!(work[0], work[1], "and as many bytes");
        }
    }
}

/// What is brought to the disk takes longer than all the rest.
#[tokio::test]
async fn reg_2_a_taken_address_is_written_to_the_disk_too() {
    let policy = Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
    let app = TestApp::under(policy, Kind::Sqlite).await;
    let mut other = app.store.database.as_ref().unwrap().foreign().await.acquire().await.unwrap();
    // Changes with each transaction of others that has written something.
    let mut version =
        async || -> i64 { query_scalar("PRAGMA data_version").fetch_one(&mut *other).await.unwrap() };
    let mut last = version().await;
    for email in [KING, KING, "King.Arthur@Camelot.bt", "merlin@camelot.bt"] {
        assert_eq!(app.register(email, PASSWORD).await.status, 201);
        let now = version().await;
        assert_ne!(now, last, "{email}");
        last = now;
    }
    assert_eq!(app.count().await, 2);
}

/// Where duplicates are hidden, a new account must not show by the time its hooks take, nor by what a full queue answers.
#[tokio::test]
async fn reg_2_hooks_of_hidden_registrations_come_after_the_answer() {
    struct Slow(Arc<Semaphore>);
    impl Hooks for Slow {
        async fn after_register(&self, _: &User, _: &Context) -> HookResult {
            self.0.acquire().await?.forget();
            Ok(())
        }
        async fn after_duplicate_registration(&self, _: &User, _: &Context) -> HookResult {
            self.0.acquire().await?.forget();
            Ok(())
        }
    }
    let gate = Arc::new(Semaphore::new(0));
    let app = TestApp::with(Kind::Memory, |builder, store| {
        let policy = Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
        builder.policy(policy).backend(jwt()).backend(stored_cookie(store)).hooks(Slow(Arc::clone(&gate)))
    })
    .await;
    let answers = async {
        for email in [KING, KING, "merlin@camelot.bt", "Merlin@camelot.bt"] {
            assert_eq!(app.register(email, PASSWORD).await.status, 201);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), answers).await.expect("no answer waits for a hook");
    let full = loop {
        let answer = app.register(KING, PASSWORD).await;
        if answer.status != 201 {
            break answer;
        }
    };
    full.assert_detail(503, "Service Unavailable");
    assert_eq!(app.register("lancelot@camelot.bt", PASSWORD).await, full, "new or not");
    assert_eq!(app.count().await, 2, "who was told to come back was not created");
    gate.add_permits(10_000);
    app.users.shutdown().await;
    assert_eq!(app.register("lancelot@camelot.bt", PASSWORD).await.status, 201);
}

#[tokio::test]
async fn reg_8_weak_passwords_are_refused_with_a_reason() {
    let app = TestApp::new(Kind::Memory).await;
    let long = "x".repeat(4097);
    for (password, reason) in [
        ("", "Password should be at least 8 characters"),
        ("1234567", "Password should be at least 8 characters"),
        ("        ", "Password should not be blank"),
        (KING, "Password should not contain e-mail"),
        ("my King.Arthur@CAMELOT.bt!", "Password should not contain e-mail"),
        (long.as_str(), "Password should be at most 4096 bytes"),
    ] {
        let answer = app.register(KING, password).await;
        answer.assert_detail(400, json!({"code": "REGISTER_INVALID_PASSWORD", "reason": reason}));
    }
    assert_eq!(app.users.password_operations(), 0, "nothing was hashed");
    let strong =
        ["x".repeat(64), "all lower case pass phrase".into(), "🐉🏰🗡🛡👑🐎🏹🔥".into(), "x".repeat(4096)];
    for (number, password) in strong.iter().enumerate() {
        let email = format!("knight{number}@camelot.bt");
        assert_eq!(app.register(&email, password).await.status, 201, "{password}");
        app.login(&email, password).await;
    }
}
