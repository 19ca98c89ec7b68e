//! Rules and reactions of an application. Which hooks run for which answer stands in the tables of each route.

use axum_users::{
    Context, CreateUser, DuplicateRegistration, HookResult, Hooks, NoProfile, Policy, UpdateUser, UserError,
};
use serde_json::json;

use crate::support::{Ask, KING, Kind, Marker, PASSWORD, Reaction, Recorder, TestApp, jwt, stored_cookie};

const MERLIN: &str = "merlin@camelot.bt";

#[tokio::test]
async fn before_hooks_refuse_with_status_and_code() {
    let app = TestApp::new(Kind::Sqlite).await;
    let king = app.add(KING).await;
    app.add_superuser(MERLIN).await;
    let token = app.login(MERLIN, PASSWORD).await;
    app.hooks.take();
    app.hooks.react("before_register", Reaction::Refuse(403, "REGISTER_CLOSED"));
    app.hooks.react("before_delete", Reaction::Refuse(409, "USER_HAS_ORDERS"));
    app.register("lancelot@camelot.bt", PASSWORD).await.assert_detail(403, "REGISTER_CLOSED");
    let answer = app.ask("DELETE", &format!("/users/{}", king.id)).bearer(&token).send().await;
    answer.assert_detail(409, "USER_HAS_ORDERS");
    assert_eq!(app.hooks.take_names(), ["before_register", "before_delete"]);
    assert_eq!(app.count().await, 2);
    assert_eq!(app.users.password_operations(), 3, "a refused registration is not hashed");
}

#[tokio::test]
async fn before_hooks_that_fail_are_500_and_nothing_is_done() {
    let app = TestApp::new(Kind::Sqlite).await;
    let king = app.add(KING).await;
    app.add_superuser(MERLIN).await;
    let token = app.login(MERLIN, PASSWORD).await;
    app.hooks.react("before_register", Reaction::Fail);
    app.hooks.react("before_delete", Reaction::Fail);
    app.register("lancelot@camelot.bt", PASSWORD).await.assert_detail(500, "Internal Server Error");
    let answer = app.ask("DELETE", &format!("/users/{}", king.id)).bearer(&token).send().await;
    answer.assert_detail(500, "Internal Server Error");
    assert_eq!(app.count().await, 2);
}

/// The act is done, and an error would invite the client to repeat it.
#[tokio::test]
async fn after_hooks_change_no_answer_however_they_end() {
    for reaction in [Reaction::Fail, Reaction::Refuse(403, "TOO_LATE")] {
        let app = TestApp::new(Kind::Sqlite).await;
        for hook in [
            "after_register",
            "after_update",
            "after_login",
            "after_request_verify",
            "after_verify",
            "after_forgot_password",
            "after_reset_password",
            "after_delete",
        ] {
            app.hooks.react(hook, reaction);
        }
        app.add_superuser(MERLIN).await;
        let answer = app.register(KING, PASSWORD).await;
        assert_eq!(answer.status, 201);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let token = app.request_verify(KING).await;
        assert_eq!(app.post("/auth/verify").json(&json!({ "token": token })).send().await.status, 200);
        let token = app.forgot(KING).await;
        assert_eq!(app.reset(&token, "another password").await.status, 200);
        let token = app.login(KING, "another password").await;
        let patch = app.ask("PATCH", "/users/me").bearer(&token).json(&json!({}));
        assert_eq!(patch.send().await.status, 200);
        let admin = app.login(MERLIN, PASSWORD).await;
        assert_eq!(app.ask("DELETE", &format!("/users/{id}")).bearer(&admin).send().await.status, 204);
        let names = app.hooks.take_names();
        for hook in ["after_register", "after_verify", "after_reset_password", "after_update", "after_delete"]
        {
            assert_eq!(names.iter().filter(|name| **name == hook).count(), 1, "{hook}");
        }
    }
}

#[tokio::test]
async fn validate_password_gives_its_reason_on_every_route() {
    let app = TestApp::new(Kind::Memory).await;
    let king = app.add(KING).await;
    app.add_superuser(MERLIN).await;
    let (token, admin) = (app.login(KING, PASSWORD).await, app.login(MERLIN, PASSWORD).await);
    let reset = app.forgot(KING).await;
    app.hooks.react("validate_password", Reaction::Fail);
    let body = json!({"password": "another password"});
    let path = format!("/users/{}", king.id);
    for (answer, code) in [
        (app.register("lancelot@camelot.bt", "another password").await, "REGISTER_INVALID_PASSWORD"),
        (app.reset(&reset, "another password").await, "RESET_PASSWORD_INVALID_PASSWORD"),
        (
            app.ask("PATCH", "/users/me").bearer(&token).json(&body).send().await,
            "UPDATE_USER_INVALID_PASSWORD",
        ),
        (app.ask("PATCH", &path).bearer(&admin).json(&body).send().await, "UPDATE_USER_INVALID_PASSWORD"),
    ] {
        answer.assert_detail(400, json!({"code": code, "reason": "as the test asked"}));
    }
    app.login(KING, PASSWORD).await;
}

async fn with_two_hooks() -> (TestApp, Recorder) {
    let mut second = None;
    let app = TestApp::with(Kind::Memory, |builder, store| {
        let recorder = Recorder::default();
        let (first, last) = (recorder.named("first"), recorder.named("second"));
        second = Some(last.clone());
        builder.backend(jwt()).backend(stored_cookie(store)).hooks(first).hooks(last)
    })
    .await;
    (app, second.unwrap())
}

#[tokio::test]
async fn several_hooks_run_in_the_order_given_and_the_first_refusal_ends_it() {
    let (app, second) = with_two_hooks().await;
    let seen = || second.take().iter().map(|event| (event.recorder, event.hook)).collect::<Vec<_>>();
    assert_eq!(app.register(KING, PASSWORD).await.status, 201);
    let hooks = ["before_register", "validate_password", "after_register"];
    assert_eq!(seen(), hooks.map(|hook| [("first", hook), ("second", hook)]).concat());

    let answer = app.login_answer("/auth/jwt/login", KING, PASSWORD).await;
    let marks: Vec<_> =
        answer.headers.get_all("x-after-login").iter().map(|mark| mark.to_str().unwrap()).collect();
    assert_eq!(marks, ["", "first", "second"], "every hook has changed the answer");
    let answer = app.login_answer("/auth/cookie/login", KING, PASSWORD).await;
    assert_eq!(answer.headers.get_all("x-after-login").iter().count(), 3);
    second.take();

    second.named("first").react("before_register", Reaction::Refuse(403, "NO"));
    app.register(MERLIN, PASSWORD).await.assert_detail(403, "NO");
    assert_eq!(seen(), [("first", "before_register")]);
}

/// Each hook of each route: exactly once, in this order, with the request it belongs to. Those that run in a job after the
/// answer see it too.
#[tokio::test]
async fn every_hook_runs_once_for_its_route_with_the_requests_context() {
    let policy = Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
    let app = TestApp::under(policy, Kind::Memory).await;
    let king = app.add(KING).await;
    app.add_superuser(MERLIN).await;
    let (token, admin) = (app.login(KING, PASSWORD).await, app.login(MERLIN, PASSWORD).await);
    let (verify, reset) = (app.request_verify(KING).await, app.forgot(KING).await);
    app.hooks.take();
    let password = json!({"password": "another password"});
    let register =
        |email: &str| app.post("/auth/register").json(&json!({"email": email, "password": PASSWORD}));
    let login = |backend: &str| {
        app.post(&format!("/auth/{backend}/login")).form(&[("username", KING), ("password", PASSWORD)])
    };
    let me = |method: &str| app.ask(method, "/users/me").bearer(&token);
    let user = |method: &str| app.ask(method, &format!("/users/{}", king.id)).bearer(&admin);
    let rows: Vec<(&str, Ask, u16, &[&str])> = vec![
        (
            "register",
            register("lancelot@camelot.bt"),
            201,
            &["before_register", "validate_password", "after_register"],
        ),
        (
            "register a taken address",
            register("Lancelot@camelot.bt"),
            201,
            &["before_register", "validate_password", "after_duplicate_registration"],
        ),
        ("login", login("jwt"), 200, &["after_login"]),
        ("login by cookie", login("cookie"), 204, &["after_login"]),
        (
            "request to verify",
            app.post("/auth/request-verify-token").json(&json!({"email": KING})),
            202,
            &["after_request_verify"],
        ),
        ("verify", app.post("/auth/verify").json(&json!({"token": verify})), 200, &["after_verify"]),
        (
            "forgotten password",
            app.post("/auth/forgot-password").json(&json!({"email": KING})),
            202,
            &["after_forgot_password"],
        ),
        ("read oneself", me("GET"), 200, &[]),
        (
            "ask for another address",
            me("PATCH").json(&json!({"email": "arthur@camelot.bt"})),
            200,
            &["after_update", "after_request_email_change"],
        ),
        (
            "ask for the address of another",
            me("PATCH").json(&json!({ "email": MERLIN })),
            200,
            &["after_update", "after_duplicate_email_change"],
        ),
        ("change nothing", me("PATCH").json(&json!({})), 200, &["after_update"]),
        ("read another", user("GET"), 200, &[]),
        ("change another", user("PATCH").json(&json!({"is_verified": true})), 200, &["after_update"]),
        (
            "reset",
            app.post("/auth/reset-password")
                .json(&json!({"token": reset, "password": "excalibur in the stone"})),
            200,
            &["validate_password", "after_reset_password", "after_password_change"],
        ),
        (
            "another's new password",
            user("PATCH").json(&password),
            200,
            &["validate_password", "after_update", "after_password_change"],
        ),
        ("logout", app.post("/auth/jwt/logout").bearer(&app.login(MERLIN, PASSWORD).await), 204, &[]),
        ("delete", user("DELETE"), 204, &["before_delete", "after_delete"]),
    ];
    app.hooks.take();
    for (number, (name, ask, status, hooks)) in rows.into_iter().enumerate() {
        let (agent, marker) = (format!("agent {number}"), Marker(number as u32));
        let answer = ask.header("user-agent", &agent).extension(marker.clone()).send().await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        app.users.shutdown().await;
        let events = app.hooks.take();
        let names: Vec<_> = events.iter().map(|event| event.hook).collect();
        assert_eq!(names, hooks, "{name}");
        for event in events {
            assert_eq!(event.agent.as_ref(), Some(&agent), "{name}: {}", event.hook);
            assert_eq!(event.marker.as_ref(), Some(&marker), "{name}: {}", event.hook);
        }
    }
    let created = CreateUser::new("galahad@camelot.bt", PASSWORD, NoProfile {});
    app.users.manager().create(created, &Context::none()).await.unwrap();
    assert!(app.hooks.take().iter().all(|event| event.agent.is_none() && event.marker.is_none()));
}

/// A browser's own new password: the hooks of the update, and none of a login for the new cookie.
#[tokio::test]
async fn a_new_cookie_is_no_login() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    app.hooks.take();
    let patch = app.ask("PATCH", "/users/me").cookie(&cookie).json(&json!({"password": "another password"}));
    let answer = patch.send().await;
    assert!(answer.status == 200 && answer.header("set-cookie").is_some());
    app.users.shutdown().await;
    assert_eq!(app.hooks.take_names(), ["validate_password", "after_update", "after_password_change"]);
}

/// What `before_register` writes is what is validated and stored.
#[tokio::test]
async fn before_register_may_change_the_user() {
    struct Rewrites;
    impl Hooks for Rewrites {
        async fn before_register(&self, user: &mut CreateUser, _: &Context) -> HookResult {
            user.email = user.email.replace("@old.example", "@camelot.bt");
            user.is_verified = user.email == KING;
            user.password += "!";
            Ok(())
        }
    }
    let app = TestApp::with(Kind::Memory, |builder, store| {
        builder.backend(jwt()).backend(stored_cookie(store)).hooks(Rewrites)
    })
    .await;
    let answer = app.register("king.arthur@old.example", PASSWORD).await;
    assert_eq!((answer.status, &answer.json()["email"]), (201, &json!(KING)));
    assert_eq!(answer.json()["is_verified"], true, "an application may know the address already");
    app.login(KING, &format!("{PASSWORD}!")).await;
    let refused = app.register("no address@old.example", PASSWORD).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
}

#[tokio::test]
async fn after_update_never_sees_a_password() {
    let app = TestApp::under(Policy::fastapi_users(), Kind::Memory).await;
    let king = app.add(KING).await;
    let token = app.login(KING, PASSWORD).await;
    let body = json!({"password": "excalibur in the stone", "email": "arthur@camelot.bt"});
    assert_eq!(app.ask("PATCH", "/users/me").bearer(&token).json(&body).send().await.status, 200);
    let update = UpdateUser { password: Some("excalibur in the stone".into()), ..UpdateUser::default() };
    let user = app.users.manager().get(&king.id).await.unwrap();
    app.users.manager().update(&user, update, &Context::none()).await.unwrap();
    let events = app.hooks.take();
    let changes: Vec<_> = events.iter().filter_map(|event| event.changes.as_deref()).collect();
    assert_eq!(changes.len(), 2);
    for change in changes {
        assert!(change.contains("hashed_password: Some(PasswordHash([redacted]))"), "{change}");
        assert!(!change.contains("excalibur") && !change.contains("$new$"), "{change}");
    }
}

#[tokio::test]
async fn code_that_acts_without_a_request_runs_the_same_hooks() {
    let app = TestApp::new(Kind::Memory).await;
    let manager = app.users.manager();
    let none = Context::none();
    let create = || CreateUser::new(KING, PASSWORD, NoProfile {});
    let user = manager.create(create(), &none).await.unwrap();
    assert!(matches!(manager.create(create(), &none).await, Err(UserError::AlreadyExists)));
    manager.forgot_password(&user, &none).await.unwrap();
    let reset = app.hooks.last_token().unwrap();
    manager.request_verify(&user, &none).await.unwrap();
    let verify = app.hooks.last_token().unwrap();
    manager.verify(&verify, &none).await.unwrap();
    let user = manager.reset_password(&reset, "another password", &none).await.unwrap();
    app.users.shutdown().await;
    let user = manager.update(&user, UpdateUser::default(), &none).await.unwrap();
    manager.delete(&user, &none).await.unwrap();
    let expected = [
        "before_register",
        "validate_password",
        "after_register",
        "before_register",
        "validate_password",
        "after_forgot_password",
        "after_request_verify",
        "after_verify",
        "validate_password",
        "after_reset_password",
        "after_password_change",
        "after_update",
        "before_delete",
        "after_delete",
    ];
    assert_eq!(app.hooks.take_names(), expected);
}
