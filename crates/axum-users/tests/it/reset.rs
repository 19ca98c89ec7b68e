//! `POST /forgot-password` and `POST /reset-password`.

use axum_users::{Changes, Context, PasswordHash, Policy, TokenOptions, UpdateUser, UserStore};
use serde_json::{Value, json};

use crate::support::{
    KING, Kind, PASSWORD, SECRET, Scenario, TestApp, claims, forge, jwt, on_every_store, read_claims, run,
};

on_every_store![
    answers_and_hooks,
    rst_1_parallel_uses_of_a_token_set_one_password,
    rst_2_a_token_dies_with_what_it_was_made_for,
    rst_5_a_weak_password_leaves_the_token_usable,
    reg_9_who_had_the_address_first_keeps_nothing,
    rst_9_a_token_changes_nobody_else,
    fgt_6_asking_changes_nothing,
    a_first_password_replaces_a_hash_of_none,
];

const NEW: &str = "excalibur in the stone";
const FORGOT: &str = "/auth/forgot-password";
const RESET: &str = "/auth/reset-password";

fn row(name: &'static str, path: &str, body: Value) -> Scenario {
    Scenario { name, ask: ("POST", path.to_owned()), body, ..Scenario::default() }
}

async fn answers_and_hooks(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    app.add_inactive("inactive@camelot.bt").await;
    let (token, spare) = (app.forgot(KING).await, app.forgot(KING).await);
    let accepted = |name, email: &str, hooks| Scenario {
        status: 202,
        hooks,
        ..row(name, FORGOT, json!({ "email": email }))
    };
    let bad_token = |name, token: &str| Scenario {
        status: 400,
        answer: json!({"detail": "RESET_PASSWORD_BAD_TOKEN"}),
        ..row(name, RESET, json!({"token": token, "password": NEW}))
    };
    let missing = |field: &str| json!({"type": "missing", "loc": ["body", field], "msg": "Field required"});
    let table = [
        accepted("known", KING, &["after_forgot_password"]),
        accepted("another spelling", " King.ARTHUR@Camelot.bt", &["after_forgot_password"]),
        accepted("unknown", "nobody@camelot.bt", &[]),
        accepted("inactive", "inactive@camelot.bt", &[]),
        Scenario {
            status: 422,
            answer: json!({"detail": [missing("email")]}),
            ..row("no address", FORGOT, json!([]))
        },
        Scenario {
            status: 422,
            answer: json!({"detail": [missing("token"), missing("password")]}),
            ..row("no fields", RESET, json!({}))
        },
        bad_token("garbage", "garbage"),
        Scenario {
            status: 400,
            answer: json!({"detail": {"code": "RESET_PASSWORD_INVALID_PASSWORD",
                "reason": "Password should be at least 8 characters"}}),
            ..row("weak", RESET, json!({"token": token, "password": "weak"}))
        },
        Scenario {
            hooks: &["validate_password", "after_reset_password", "after_verify", "after_password_change"],
            ..row("success", RESET, json!({"token": token, "password": NEW}))
        },
        bad_token("used", &token),
        bad_token("another token for the old password", &spare),
    ];
    run(&app, table).await;
    let user = app.user(KING).await;
    assert!(user.is_verified, "whoever resets has read the mail");
    app.login(KING, NEW).await;
}

async fn rst_1_parallel_uses_of_a_token_set_one_password(kind: Kind) {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let app = TestApp::under(policy, kind).await;
        app.add(KING).await;
        let token = app.forgot(KING).await;
        let asks: Vec<_> = (0..20)
            .map(|number| {
                let body = json!({"token": token, "password": format!("password {number}")});
                tokio::spawn(app.post(RESET).json(&body).send())
            })
            .collect();
        let mut winners = Vec::new();
        for (number, ask) in asks.into_iter().enumerate() {
            let answer = ask.await.unwrap();
            match answer.status {
                200 => winners.push(number),
                _ => answer.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN"),
            }
        }
        assert_eq!(winners.len(), 1);
        app.login(KING, &format!("password {}", winners[0])).await;
    }
}

async fn rst_2_a_token_dies_with_what_it_was_made_for(kind: Kind) {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let changes = [
            UpdateUser { password: Some("another password".into()), ..UpdateUser::default() },
            UpdateUser { email: Some("merlin@camelot.bt".into()), ..UpdateUser::default() },
            UpdateUser { is_active: Some(false), ..UpdateUser::default() },
        ];
        for change in changes {
            let app = TestApp::under(policy.clone(), kind).await;
            let user = app.add(KING).await;
            let token = app.forgot(KING).await;
            app.users.manager().update(&user, change.clone(), &Context::none()).await.unwrap();
            let answer = app.reset(&token, NEW).await;
            answer.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
        }
        let app = TestApp::under(policy, kind).await;
        let user = app.add(KING).await;
        let token = app.forgot(KING).await;
        app.users.manager().delete(&user, &Context::none()).await.unwrap();
        app.reset(&token, NEW).await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
    }
}

/// Somebody registers the address of another, and waits for the owner with all that a user can have.
async fn reg_9_who_had_the_address_first_keeps_nothing(kind: Kind) {
    let app = TestApp::new(kind).await;
    let attacked = app.add(KING).await;
    let (bearer, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    let earlier = app.forgot(KING).await;
    let change = json!({"email": "mordred@camelot.bt"});
    assert_eq!(app.ask("PATCH", "/users/me").bearer(&bearer).json(&change).send().await.status, 200);
    app.users.shutdown().await;
    let pending = app.hooks.token_for("after_request_email_change", "mordred@camelot.bt").unwrap();

    // The owner finds the address taken, and comes by mail.
    app.register(KING, NEW).await.assert_detail(400, "REGISTER_USER_ALREADY_EXISTS");
    let owners = app.forgot(KING).await;
    assert_eq!(app.reset(&owners, NEW).await.status, 200);

    assert_eq!((app.me(&bearer).await.status, app.me_by_cookie(&cookie).await.status), (401, 401));
    app.login_answer("/auth/jwt/login", KING, PASSWORD).await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    app.reset(&earlier, PASSWORD).await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
    let answer = app.post("/auth/change-email").json(&json!({ "token": pending })).send().await;
    answer.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
    let owner = app.user(KING).await;
    assert!(owner.id == attacked.id && owner.is_verified);
    app.login(KING, NEW).await;
}

#[tokio::test]
async fn rst_4_a_reset_does_not_log_in() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let token = app.forgot(KING).await;
    let answer = app.reset(&token, NEW).await;
    assert_eq!((answer.status, answer.text(), answer.header("set-cookie")), (200, "null", None));
    assert_eq!(app.store.stored_tokens().len(), 0);
    assert_eq!(app.me(&token).await.status, 401);
}

async fn rst_5_a_weak_password_leaves_the_token_usable(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let token = app.forgot(KING).await;
    for weak in ["", "short", KING] {
        let answer = app.reset(&token, weak).await;
        assert_eq!(
            (answer.status, &answer.json()["detail"]["code"]),
            (400, &json!("RESET_PASSWORD_INVALID_PASSWORD"))
        );
    }
    assert_eq!(app.reset(&token, NEW).await.status, 200);
}

#[tokio::test]
async fn rst_6_odd_tokens_open_nothing() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    for token in ["", " ", "null", "a.b.c", "..", &"x".repeat(60_000)] {
        app.reset(token, NEW).await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
    }
    for token in [json!(null), json!(0), json!([]), json!(true), json!("\0"), json!({})] {
        let answer = app.post(RESET).json(&json!({"token": token, "password": NEW})).send().await;
        assert_eq!(answer.status, 422, "{token}");
    }
    let huge = json!({"token": "x".repeat(1_000_000), "password": NEW});
    app.post(RESET).json(&huge).send().await.assert_detail(413, "Content Too Large");
    app.login(KING, PASSWORD).await;
}

#[tokio::test]
async fn rst_7_no_step_can_be_left_out() {
    let app = TestApp::new(Kind::Memory).await;
    let id = app.add(KING).await.id;
    let session = app.login(KING, PASSWORD).await;
    for body in [
        json!({"password": NEW}),
        json!({"email": KING, "password": NEW}),
        json!({"id": id, "user_id": id, "password": NEW, "verified": true}),
        json!({"token": null, "email": KING, "password": NEW}),
    ] {
        assert_eq!(app.post(RESET).bearer(&session).json(&body).send().await.status, 422, "{body}");
    }
    // Neither a session nor the token of another step stands for the one of the mail.
    for token in [id.to_string(), session, app.request_verify(KING).await] {
        app.reset(&token, NEW).await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
    }
    assert_eq!(app.login_answer("/auth/jwt/login", KING, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn rst_8_expiry_is_exact() {
    let app = TestApp::with(Kind::Memory, |builder, _| {
        builder.backend(jwt()).reset_token(TokenOptions { lifetime: 60, ..TokenOptions::reset() })
    })
    .await;
    app.add(KING).await;
    let claims = read_claims(&app.forgot(KING).await);
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["sub", "password_fgpt", "aud", "exp", "iat"]);
    assert_eq!(claims["aud"], "fastapi-users:reset");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);

    let app = with_known_secret(Policy::secure()).await;
    app.add(KING).await;
    let good = read_claims(&app.forgot(KING).await);
    let issued = good["iat"].as_i64().unwrap();
    for (expiry, status) in [(issued, 400), (issued - 2, 400), (issued + 30, 200)] {
        let mut claims = good.clone();
        claims["exp"] = expiry.into();
        assert_eq!(app.reset(&forge(&claims, SECRET), NEW).await.status, status, "{expiry}");
    }
}

async fn with_known_secret(policy: Policy) -> TestApp {
    TestApp::with(Kind::Memory, |builder, _| {
        let options = TokenOptions { secret: Some(SECRET.into()), ..TokenOptions::reset() };
        builder.policy(policy).backend(jwt()).reset_token(options)
    })
    .await
}

async fn rst_9_a_token_changes_nobody_else(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    app.add("merlin@camelot.bt").await;
    let verify = app.request_verify(KING).await;
    app.reset(&verify, NEW).await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
    let token = app.forgot(KING).await;
    assert_eq!(app.reset(&token, NEW).await.status, 200);
    app.login("merlin@camelot.bt", PASSWORD).await;
}

#[tokio::test]
async fn rst_9_the_fingerprint_is_the_users_own() {
    let app = with_known_secret(Policy::secure()).await;
    let merlin = app.add("merlin@camelot.bt").await;
    app.add(KING).await;
    let mut claims = read_claims(&app.forgot(KING).await);
    claims["sub"] = merlin.id.to_string().into();
    app.reset(&forge(&claims, SECRET), NEW).await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
    claims.as_object_mut().unwrap().remove("password_fgpt");
    app.reset(&forge(&claims, SECRET), NEW).await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
    app.reset(&forge(&self::claims(&merlin.id, "fastapi-users:reset", 60), SECRET), NEW)
        .await
        .assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
}

/// A running fastapi-users puts a hash of the stored hash into its tokens, and reads it in ours.
#[tokio::test]
async fn tokens_are_shared_with_fastapi_users_where_the_policy_says_so() {
    use axum_users::password::{PasswordHash, PasswordHasher, Verdict};
    let hasher = crate::support::CheapHasher::default();
    for (policy, status) in [(Policy::fastapi_users(), 200), (Policy::secure(), 400)] {
        let app = with_known_secret(policy).await;
        let user = app.add(KING).await;
        let ours = read_claims(&app.forgot(KING).await);
        let fingerprint = PasswordHash::new(ours["password_fgpt"].as_str().unwrap());
        let reads_ours = hasher.verify(user.hashed_password.as_str(), &fingerprint) == Verdict::Match;
        assert_eq!(reads_ours, status == 200);

        let fingerprint = hasher.hash(user.hashed_password.as_str()).unwrap().into_string();
        let theirs = json!({"sub": user.id, "password_fgpt": fingerprint, "aud": "fastapi-users:reset", "exp": ours["exp"]});
        assert_eq!(app.reset(&forge(&theirs, SECRET), NEW).await.status, status);
        let again = app.reset(&forge(&theirs, SECRET), "another password").await;
        again.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
    }
}

#[tokio::test]
async fn fgt_1_the_answer_waits_for_no_look_up() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    app.add_inactive("inactive@camelot.bt").await;
    app.add_verified("verified@camelot.bt").await;
    app.store.take_calls();
    for path in [FORGOT, "/auth/request-verify-token"] {
        // No look-up ends before the last answer is there.
        app.store.close_gate("get_by_email");
        let mut first = None;
        for email in [KING, "nobody@camelot.bt", "inactive@camelot.bt", "verified@camelot.bt"] {
            let operations = app.users.password_operations();
            let answer = app.post(path).json(&json!({ "email": email })).send().await;
            assert_eq!((answer.status, answer.text()), (202, "null"), "{email}");
            assert_eq!(first.get_or_insert_with(|| answer.clone()), &answer, "{email}");
            assert_eq!(app.users.password_operations(), operations);
        }
        assert!(app.hooks.take().is_empty());
        app.store.open_gate();
        app.users.shutdown().await;
        assert_eq!(app.store.take_calls(), ["get_by_email"; 4]);
        assert!(!app.hooks.take().is_empty());
    }
}

#[tokio::test]
async fn fgt_3_the_token_goes_to_the_stored_address() {
    let app = TestApp::new(Kind::Memory).await;
    app.add("King.Arthur@camelot.bt").await;
    for odd in [json!([KING]), json!({"a": KING}), json!(null), json!("mi\u{212a}e@camelot.bt")] {
        assert_eq!(app.post(FORGOT).json(&json!({ "email": odd })).send().await.status, 422, "{odd}");
    }
    app.forgot("KING.ARTHUR@CAMELOT.BT").await;
    let events = app.hooks.take();
    assert_eq!(
        events.iter().map(|event| event.email.as_str()).collect::<Vec<_>>(),
        ["King.Arthur@camelot.bt"]
    );
}

async fn fgt_6_asking_changes_nothing(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let (token, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    for _ in 0..5 {
        app.forgot(KING).await;
    }
    assert_eq!((app.me(&token).await.status, app.me_by_cookie(&cookie).await.status), (200, 200));
    app.login(KING, PASSWORD).await;
}

async fn a_first_password_replaces_a_hash_of_none(kind: Kind) {
    let app = TestApp::new(kind).await;
    let user = app.add(KING).await;
    let none = PasswordHash::unusable().unwrap();
    let changes = Changes { hashed_password: Some(none.clone()), ..Changes::default() };
    app.store.update(&user.id, &changes).await.unwrap().unwrap();
    let login = async |password| app.login_answer("/auth/jwt/login", KING, password).await;
    login(PASSWORD).await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    login(none.as_str()).await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    let token = app.forgot(KING).await;
    let answer = app.post(RESET).json(&json!({"token": token, "password": NEW})).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(login(NEW).await.status, 200);
    assert!(app.store.get(&user.id).await.unwrap().unwrap().hashed_password.is_usable());
}
