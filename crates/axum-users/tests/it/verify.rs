//! `POST /request-verify-token`, `POST /verify` and `POST /decline-verification`.

use axum_users::{Context, CreateUser, NoProfile, TokenOptions, UpdateUser};
use serde_json::{Value, json};

use crate::support::{
    KING, Kind, PASSWORD, SECRET, Scenario, TestApp, forge, jwt, on_every_store, read_claims, run,
};

on_every_store![
    answers_and_hooks,
    ver_2_a_token_for_the_old_address_does_not_verify_the_new_one,
    ver_2_an_address_that_changes_meanwhile_stays_unverified,
    ver_3_nobody_verifies_themselves,
    ver_4_whoever_is_asked_for_a_strangers_account_closes_it,
];

const REQUEST: &str = "/auth/request-verify-token";
const VERIFY: &str = "/auth/verify";

fn row(name: &'static str, path: &str, body: Value) -> Scenario {
    Scenario { name, ask: ("POST", path.to_owned()), body, ..Scenario::default() }
}

async fn answers_and_hooks(kind: Kind) {
    let app = TestApp::new(kind).await;
    let user = app.add(KING).await;
    app.add_inactive("inactive@camelot.bt").await;
    app.add_verified("verified@camelot.bt").await;
    let token = app.request_verify(KING).await;
    let accepted = |name, email: &str, hooks| Scenario {
        status: 202,
        hooks,
        ..row(name, REQUEST, json!({ "email": email }))
    };
    let refused = |name, token: &str, code: &str| Scenario {
        status: 400,
        answer: json!({ "detail": code }),
        ..row(name, VERIFY, json!({ "token": token }))
    };
    let missing = |field: &str| json!({"type": "missing", "loc": ["body", field], "msg": "Field required"});
    let table = [
        accepted("known", KING, &["after_request_verify"]),
        accepted("unknown", "nobody@camelot.bt", &[]),
        accepted("inactive", "inactive@camelot.bt", &[]),
        accepted("verified", "verified@camelot.bt", &[]),
        Scenario {
            status: 422,
            answer: json!({"detail": [missing("email")]}),
            ..row("no address", REQUEST, json!({}))
        },
        Scenario {
            status: 422,
            answer: json!({"detail": [missing("token")]}),
            ..row("no token", VERIFY, json!({}))
        },
        refused("garbage", "garbage", "VERIFY_USER_BAD_TOKEN"),
        Scenario {
            answer: json!({"id": user.id, "email": KING, "is_active": true, "is_superuser": false, "is_verified": true}),
            hooks: &["after_verify"],
            ..row("success", VERIFY, json!({ "token": token }))
        },
        refused("again", &token, "VERIFY_USER_ALREADY_VERIFIED"),
    ];
    run(&app, table).await;
    assert!(app.user(KING).await.is_verified);
}

async fn ver_2_a_token_for_the_old_address_does_not_verify_the_new_one(kind: Kind) {
    let app = TestApp::new(kind).await;
    let user = app.add(KING).await;
    let token = app.request_verify(KING).await;
    let change = UpdateUser { email: Some("merlin@camelot.bt".into()), ..UpdateUser::default() };
    app.users.manager().update(&user, change, &Context::none()).await.unwrap();
    let verify = || app.post(VERIFY).json(&json!({ "token": token })).send();
    verify().await.assert_detail(400, "VERIFY_USER_BAD_TOKEN");
    // Not even when somebody else has the old address by now.
    app.add(KING).await;
    verify().await.assert_detail(400, "VERIFY_USER_BAD_TOKEN");
    assert!(!app.user("merlin@camelot.bt").await.is_verified && !app.user(KING).await.is_verified);
}

async fn ver_2_an_address_that_changes_meanwhile_stays_unverified(kind: Kind) {
    let app = TestApp::new(kind).await;
    let user = app.add(KING).await;
    let token = app.request_verify(KING).await;
    app.store.close_gate("update");
    app.store.take_calls();
    let verify = tokio::spawn(app.post(VERIFY).json(&json!({ "token": token })).send());
    while !app.store.was_called("update") {
        tokio::task::yield_now().await;
    }
    let change = axum_users::Changes { email: Some("merlin@camelot.bt".into()), ..Default::default() };
    axum_users::UserStore::update(&app.store.ungated(), &user.id, &change).await.unwrap().unwrap();
    app.store.open_gate();
    verify.await.unwrap().assert_detail(400, "VERIFY_USER_BAD_TOKEN");
    assert!(!app.user("merlin@camelot.bt").await.is_verified);
}

async fn ver_3_nobody_verifies_themselves(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let token = app.login(KING, PASSWORD).await;
    for body in [json!({"is_verified": true}), json!({"email": "merlin@camelot.bt", "is_verified": true})] {
        let answer = app.ask("PATCH", "/users/me").bearer(&token).json(&body).send().await;
        assert_eq!((answer.status, &answer.json()["is_verified"]), (200, &json!(false)));
    }
}

#[tokio::test]
async fn the_claims_are_those_of_the_contract_and_every_one_counts() {
    let app = TestApp::with(Kind::Memory, |builder, _| {
        let options = TokenOptions { secret: Some(SECRET.into()), ..TokenOptions::verification() };
        builder.backend(jwt()).verification_token(options)
    })
    .await;
    let merlin = app.add("merlin@camelot.bt").await;
    app.add(KING).await;
    let good = read_claims(&app.request_verify(KING).await);
    let names: Vec<_> = good.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["sub", "email", "aud", "exp", "iat"]);
    assert_eq!((&good["aud"], &good["email"]), (&json!("fastapi-users:verify"), &json!(KING)));
    assert_eq!(good["exp"].as_i64().unwrap() - good["iat"].as_i64().unwrap(), 3600);
    for (name, value) in [
        ("sub", json!(merlin.id)),
        ("sub", json!(null)),
        ("email", json!("merlin@camelot.bt")),
        ("email", json!(null)),
        ("email", json!("nobody@camelot.bt")),
        ("aud", json!("fastapi-users:reset")),
        ("exp", json!(1)),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        let answer = app.post(VERIFY).json(&json!({"token": forge(&claims, SECRET)})).send().await;
        answer.assert_detail(400, "VERIFY_USER_BAD_TOKEN");
    }
    let mut other_case = good;
    other_case["email"] = KING.to_uppercase().into();
    assert_eq!(app.post(VERIFY).json(&json!({"token": forge(&other_case, SECRET)})).send().await.status, 200);
}

async fn ver_4_whoever_is_asked_for_a_strangers_account_closes_it(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let sessions = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    let token = app.request_verify(KING).await;
    let decline =
        |token: &str| app.post("/auth/decline-verification").json(&json!({ "token": token })).send();
    decline("garbage").await.assert_detail(400, "VERIFY_USER_BAD_TOKEN");
    decline(&app.forgot(KING).await).await.assert_detail(400, "VERIFY_USER_BAD_TOKEN");
    assert_eq!(app.me(&sessions.0).await.status, 200);

    let answer = decline(&token).await;
    assert_eq!((answer.status, answer.text()), (204, ""));
    let user = app.user(KING).await;
    assert!(!user.is_active && !user.is_verified);
    assert_eq!((app.me(&sessions.0).await.status, app.me_by_cookie(&sessions.1).await.status), (401, 401));
    assert_eq!(app.login_answer("/auth/jwt/login", KING, PASSWORD).await.status, 400);

    // Neither those whose address it is nor superusers are closed by it.
    app.add("merlin@camelot.bt").await;
    let verified = app.request_verify("merlin@camelot.bt").await;
    assert_eq!(app.post(VERIFY).json(&json!({ "token": verified })).send().await.status, 200);
    decline(&verified).await.assert_detail(400, "VERIFY_USER_ALREADY_VERIFIED");
    let uther = CreateUser::new("uther@camelot.bt", PASSWORD, NoProfile {});
    app.create(CreateUser { is_superuser: true, ..uther }).await;
    let superuser = app.request_verify("uther@camelot.bt").await;
    decline(&superuser).await.assert_detail(400, "VERIFY_USER_BAD_TOKEN");
    for email in ["merlin@camelot.bt", "uther@camelot.bt"] {
        assert!(app.user(email).await.is_active, "{email}");
    }
}

#[tokio::test]
async fn ver_5_verifying_opens_no_session() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let token = app.request_verify(KING).await;
    let answer = app.post(VERIFY).json(&json!({ "token": token })).send().await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    let answered = answer.json();
    let mut names: Vec<_> = answered.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["email", "id", "is_active", "is_superuser", "is_verified"]);
    assert_eq!(app.store.stored_tokens().len(), 0);
    assert_eq!(app.me(&token).await.status, 401);
}

#[tokio::test]
async fn inactive_users_can_be_verified_and_a_new_password_does_not_matter() {
    let app = TestApp::new(Kind::Memory).await;
    let user = app.add(KING).await;
    let token = app.request_verify(KING).await;
    let change = UpdateUser {
        password: Some("another password".into()),
        is_active: Some(false),
        ..UpdateUser::default()
    };
    app.users.manager().update(&user, change, &Context::none()).await.unwrap();
    let answer = app.post(VERIFY).json(&json!({ "token": token })).send().await;
    assert_eq!((answer.status, &answer.json()["is_active"]), (200, &json!(false)));
    let created = CreateUser::new("merlin@camelot.bt", PASSWORD, NoProfile {});
    assert!(!app.create(created).await.is_verified);
}
