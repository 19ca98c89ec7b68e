use std::time::Duration;

use axum_users::{Context, JobOptions, Policy, TokenOptions, UpdateUser};
use serde_json::{Value, json};

use super::{ARTHUR, CONFIRM, NEW, REVERT, changed, confirm, post, requested};
use crate::support::{
    KING, Kind, PASSWORD, Reaction, SECRET, TestApp, forge, jwt, on_every_store, read_claims, stored_cookie,
};

on_every_store![
    chg_4_a_change_under_way_dies_with_what_it_was_asked_under,
    rst_2_ver_2_tokens_for_the_old_address_die,
];

/// What ends a change that was asked for, and the address that the user has then.
async fn disturb(app: &TestApp, way: &str) {
    let manager = app.users.manager();
    let user = app.user(KING).await;
    let update = match way {
        "reset" => {
            let token = app.forgot(KING).await;
            assert_eq!(app.reset(&token, NEW).await.status, 200);
            return;
        }
        "password" => UpdateUser { password: Some(NEW.into()), ..UpdateUser::default() },
        "deactivation" => UpdateUser { is_active: Some(false), ..UpdateUser::default() },
        _ => UpdateUser { email: Some("another@camelot.bt".into()), ..UpdateUser::default() },
    };
    manager.update(&user, update, &Context::none()).await.unwrap();
}

async fn chg_4_a_change_under_way_dies_with_what_it_was_asked_under(kind: Kind) {
    for way in ["reset", "password", "deactivation", "another address"] {
        let app = TestApp::new(kind).await;
        let id = app.add(KING).await.id;
        let session = app.login(KING, PASSWORD).await;
        let token = requested(&app, &session, ARTHUR).await;
        disturb(&app, way).await;
        confirm(&app, &token).await.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
        let user = app.users.manager().get(&id).await.unwrap();
        assert_ne!(user.email, ARTHUR, "{way}");
    }
}

/// The mail of a change that was asked for before a reset is sent after it, because the mail server was away.
#[tokio::test]
async fn chg_4_a_mail_that_waits_does_not_outlive_a_reset() {
    let app = TestApp::with(Kind::Sqlite, |builder, store| {
        let retries = JobOptions::new()
            .retry_after(Duration::from_millis(300), Duration::from_millis(300))
            .poll(Duration::from_millis(50));
        builder.backend(jwt()).backend(stored_cookie(store)).durable_jobs(store.clone(), retries)
    })
    .await;
    app.add(KING).await;
    let session = app.login(KING, PASSWORD).await;
    app.hooks.react("after_request_email_change", Reaction::Fail);
    let body = json!({"email": ARTHUR});
    let answer = app.ask("PATCH", "/users/me").bearer(&session).json(&body).send().await;
    assert_eq!(answer.status, 200);
    let failed = async |times: usize| {
        let of = |event: &&crate::support::Event| event.hook == "after_request_email_change";
        for _ in 0..200 {
            if app.hooks.events().iter().filter(of).count() >= times {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    };
    assert!(failed(1).await);
    let user = app.user(KING).await;
    let update = UpdateUser { password: Some(NEW.into()), ..UpdateUser::default() };
    app.users.manager().update(&user, update, &Context::none()).await.unwrap();
    let before = app.hooks.events().len();
    app.hooks.calm();
    tokio::time::sleep(Duration::from_millis(900)).await;
    app.users.shutdown().await;
    let later = app.hooks.events().split_off(before);
    assert!(later.iter().all(|event| event.hook != "after_request_email_change"), "{later:?}");
    assert_eq!(app.users.job_counts().await.unwrap().waiting, 0);
}

async fn rst_2_ver_2_tokens_for_the_old_address_die(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let (reset, verify) = (app.forgot(KING).await, app.request_verify(KING).await);
    let session = app.login(KING, PASSWORD).await;
    let pending = requested(&app, &session, "third@camelot.bt").await;
    changed(&app, &session, KING, ARTHUR).await;
    app.reset(&reset, NEW).await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
    let answer = app.post("/auth/verify").json(&json!({ "token": verify })).send().await;
    answer.assert_detail(400, "VERIFY_USER_BAD_TOKEN");
    confirm(&app, &pending).await.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
}

/// LOG-18, RST-9: each kind of token is good for one thing; RST-6, LOG-17: and only as it was made.
#[tokio::test]
async fn log_18_no_other_token_changes_an_address() {
    for policy in [
        Policy::secure(),
        Policy { email_change: axum_users::EmailChange::Confirm, ..Policy::fastapi_users() },
    ] {
        let app = TestApp::with(Kind::Memory, |builder, store| {
            let own = |options: TokenOptions| TokenOptions { secret: Some(SECRET.into()), ..options };
            builder
                .policy(policy)
                .backend(jwt())
                .backend(stored_cookie(store))
                .reset_token(own(TokenOptions::reset()))
                .verification_token(own(TokenOptions::verification()))
                .email_change_token(own(TokenOptions::email_change()))
                .email_revert_token(own(TokenOptions::email_revert()))
        })
        .await;
        app.add(KING).await;
        let (reset, verify) = (app.forgot(KING).await, app.request_verify(KING).await);
        let session = app.login(KING, PASSWORD).await;
        let revert = changed(&app, &session, KING, "b@camelot.bt").await.unwrap();
        let session = app.login("b@camelot.bt", PASSWORD).await;
        let change = requested(&app, &session, ARTHUR).await;

        let good = read_claims(&change);
        let names: Vec<_> = good.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["sub", "email", "aud", "exp", "iat", "fgp", "jti"]);
        assert_eq!(good["exp"].as_i64().unwrap() - good["iat"].as_i64().unwrap(), 3600);
        let issued = good["iat"].as_i64().unwrap();
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            forge(&claims, SECRET)
        };
        let without = |name: &str| {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            forge(&claims, SECRET)
        };
        let mut wrong = vec![
            String::new(),
            "x".to_owned(),
            "x".repeat(5000),
            format!("{change}x"),
            forge(&good, "another secret of thirty-two bytes"),
            with("exp", json!(issued - 1)),
            with("aud", json!("fastapi-users:verify")),
            with("sub", json!("6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f")),
            with("fgp", json!("")),
            with("email", json!(["a@camelot.bt"])),
            with("jti", json!(1)),
        ];
        wrong.extend(["sub", "email", "fgp", "jti", "exp", "aud"].map(without));
        wrong.extend([reset.clone(), verify.clone(), session.clone(), revert.clone()]);
        for token in wrong {
            post(&app, CONFIRM, &token).await.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
        }
        for token in [&reset, &verify, &session, &change] {
            post(&app, REVERT, token).await.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
        }
        for token in [&revert, &change] {
            let answer = app.post("/auth/verify").json(&json!({ "token": token })).send().await;
            answer.assert_detail(400, "VERIFY_USER_BAD_TOKEN");
            app.reset(token, NEW).await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
            assert_eq!(app.me(token).await.status, 401);
        }
        for body in [json!({}), json!({"token": null}), json!({"token": 0}), json!({"token": []}), json!([])]
        {
            for path in [CONFIRM, REVERT] {
                assert_eq!(app.post(path).json(&body).send().await.status, 422, "{path} {body}");
            }
        }
        assert_eq!(confirm(&app, &change).await.status, 200);
    }
}
