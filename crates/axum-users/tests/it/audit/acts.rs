//! Which act is which event.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum_users::{
    AuditAct, AuditFilter, AuditOptions, Context, CreateUser, DuplicateRegistration, NoProfile, Policy,
    RateLimits, UpdateUser,
};
use serde_json::json;

use super::{Audience, app, with};
use crate::support::{KING, Kind, PASSWORD, TestApp, on_every_store};

on_every_store![
    lgs_4_each_act_over_http_is_one_event,
    lgs_4_what_an_administrator_does_names_both,
    lgs_4_each_act_from_code_is_one_event,
    lgs_4_each_step_to_another_address_is_one_event,
    lgs_4_a_declined_account_is_one_event,
    reg_1_log_2_fgt_1_as_many_events_and_writes_whoever_it_is,
    what_is_known_of_a_user_is_found,
];

const LOGIN: &str = "/auth/jwt/login";
const NOBODY: &str = "nobody@camelot.bt";
const NEW: &str = "lancelot-du-lac";

async fn lgs_4_each_act_over_http_is_one_event(kind: Kind) {
    let app = app(kind).await;
    let mut audience = Audience::new(&app.users);

    app.register(KING, PASSWORD).await;
    let king = app.user(KING).await;
    audience.knows(&king.id, "king");
    audience.hears("register", &["registered of king hash"]).await;
    app.register("King.Arthur@camelot.bt", PASSWORD).await;
    audience.hears("a duplicate", &["registration_failed address_taken hash"]).await;
    assert_eq!(app.register("merlin@camelot.bt", "short").await.status, 400);
    assert_eq!(app.register("no address", PASSWORD).await.status, 422);
    audience.hears("what is not well formed", &[]).await;

    app.login_answer(LOGIN, KING, "wrong").await;
    app.login_answer("/auth/cookie/login", NOBODY, PASSWORD).await;
    let failed =
        ["login_failed wrong_password of king via jwt hash", "login_failed unknown_user via cookie hash"];
    audience.hears("failed logins", &failed).await;

    for email in [KING, NOBODY] {
        app.post("/auth/request-verify-token").json(&json!({ "email": email })).send().await;
        audience.hears(email, &["verification_requested hash"]).await;
    }
    let token = app.request_verify(KING).await;
    for (token, event) in [
        (token.as_str(), "verified of king"),
        (&token, "verification_failed already_verified of king"),
        ("forged", "verification_failed invalid_token"),
    ] {
        app.post("/auth/verify").json(&json!({ "token": token })).send().await;
        let mut lines = audience.lines().await;
        lines.retain(|line| !line.starts_with("verification_requested"));
        assert_eq!(lines, [event]);
    }

    app.post("/auth/forgot-password").json(&json!({ "email": NOBODY })).send().await;
    audience.hears("forgot", &["password_reset_requested hash"]).await;
    let token = app.forgot(KING).await;
    audience.hears("forgot", &["password_reset_requested hash"]).await;
    assert_eq!(app.reset(&token, "short").await.status, 400);
    audience.hears("the token can still be used", &[]).await;
    app.reset(&token, NEW).await;
    audience.hears("reset", &["password_reset of king"]).await;
    app.reset(&token, NEW).await;
    audience.hears("reset again", &["password_reset_failed invalid_token of king"]).await;
    app.reset("forged", NEW).await;
    audience.hears("forged", &["password_reset_failed invalid_token"]).await;

    let token = app.login(KING, NEW).await;
    audience.hears("login", &["login of king via jwt hash"]).await;
    let path = format!("/users/{}", king.id);
    for _ in 0..2 {
        assert_eq!(app.ask("GET", &path).bearer(&token).send().await.status, 403);
    }
    audience.hears("twice in a minute", &["access_denied not_superuser of king"]).await;
    assert_eq!(app.ask("GET", &path).send().await.status, 401);
    app.me(&token).await;
    audience.hears("anonymous, and allowed", &[]).await;
    let logout = app.post("/auth/jwt/logout").bearer(&token).send().await;
    assert_eq!(logout.status, 204);
    audience.hears("logout", &["logout of king via jwt"]).await;
    let foreign = app.post("/auth/cookie/login").header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.form(&[("username", KING), ("password", NEW)]).send().await.status, 403);
    audience.hears("another site", &["access_denied cross_site"]).await;
    let cookie = app.login_by_cookie(KING, NEW).await;
    let foreign = app.ask("PATCH", "/users/me").cookie(&cookie).header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.json(&json!({})).send().await.status, 403);
    let expected = ["login of king via cookie hash", "access_denied cross_site of king"];
    audience.hears("another site", &expected).await;
}

async fn lgs_4_what_an_administrator_does_names_both(kind: Kind) {
    let app = app(kind).await;
    let mut audience = Audience::new(&app.users);
    let (admin, king) = (app.add_superuser("merlin@camelot.bt").await, app.add(KING).await);
    audience.knows(&admin.id, "merlin");
    audience.knows(&king.id, "king");
    audience.hears("created", &["user_created of merlin", "user_created of king"]).await;

    let own = app.login(KING, PASSWORD).await;
    audience.events().await;
    let change = json!({"password": NEW, "is_superuser": true});
    assert_eq!(app.ask("PATCH", "/users/me").bearer(&own).json(&change).send().await.status, 200);
    audience.hears("one's own password", &["password_changed of king changes sessions_ended"]).await;
    let own = app.login(KING, NEW).await;
    audience.events().await;
    assert_eq!(app.ask("PATCH", "/users/me").bearer(&own).json(&json!({})).send().await.status, 200);
    audience.hears("nothing", &[]).await;

    let token = app.login("merlin@camelot.bt", PASSWORD).await;
    audience.events().await;
    let path = format!("/users/{}", king.id);
    for (change, event) in [
        (json!({"is_superuser": true}), "promoted"),
        (json!({"is_superuser": false, "is_verified": true}), "demoted,verified,sessions_ended"),
        (
            json!({"password": PASSWORD, "email": "arthur@camelot.bt"}),
            "password,email,unverified,sessions_ended",
        ),
        (json!({"is_active": false}), "deactivated,sessions_ended"),
    ] {
        assert_eq!(app.ask("PATCH", &path).bearer(&token).json(&change).send().await.status, 200);
        let event = format!("user_changed_by_administrator of king by merlin changes {event}");
        audience.hears("change", &[&event]).await;
    }
    app.login_answer(LOGIN, "arthur@camelot.bt", PASSWORD).await;
    audience.hears("locked out", &["login_failed inactive of king via jwt hash"]).await;
    let own = format!("/users/{}", admin.id);
    let change = json!({"is_verified": true});
    assert_eq!(app.ask("PATCH", &own).bearer(&token).json(&change).send().await.status, 200);
    audience.hears("oneself", &["user_changed_by_administrator of merlin changes verified"]).await;
    assert_eq!(app.ask("DELETE", &path).bearer(&token).send().await.status, 204);
    audience.hears("deleted", &["user_deleted of king by merlin"]).await;
    assert_eq!(app.ask("DELETE", &path).bearer(&token).send().await.status, 404);
    audience.hears("there is none", &[]).await;
    let change = json!({"email": "merlin@avalon.bt"});
    assert_eq!(app.ask("PATCH", &own).bearer(&token).json(&change).send().await.status, 200);
    audience.hears("one's own address", &["email_changed of merlin changes sessions_ended"]).await;
}

async fn lgs_4_each_step_to_another_address_is_one_event(kind: Kind) {
    let app = app(kind).await;
    let mut audience = Audience::new(&app.users);
    let king = app.add(KING).await;
    audience.knows(&king.id, "king");
    let token = app.login(KING, PASSWORD).await;
    audience.events().await;
    let change = json!({"email": "arthur@camelot.bt", "current_password": "wrong"});
    assert_eq!(app.ask("PATCH", "/users/me").bearer(&token).json(&change).send().await.status, 400);
    audience.hears("a wrong password", &["reauthentication_failed wrong_password of king"]).await;
    let change = json!({"email": "arthur@camelot.bt"});
    assert_eq!(app.ask("PATCH", "/users/me").bearer(&token).json(&change).send().await.status, 200);
    audience.hears("another address", &["email_change_requested of king hash"]).await;

    let confirm = app.hooks.token_for("after_request_email_change", "arthur@camelot.bt").unwrap();
    let post =
        async |path: &str, token: &str| app.post(path).json(&json!({ "token": token })).send().await.status;
    assert_eq!(post("/auth/change-email", &confirm).await, 200);
    audience.hears("confirmed", &["email_changed of king"]).await;
    assert_eq!(post("/auth/change-email", &confirm).await, 400);
    audience.hears("twice", &["email_change_failed invalid_token of king"]).await;
    let revert = app.hooks.token_for("after_email_change", KING).unwrap();
    assert_eq!(post("/auth/revert-email-change", &revert).await, 200);
    audience.hears("taken back", &["email_change_reverted of king"]).await;
    assert_eq!(post("/auth/revert-email-change", &revert).await, 400);
    audience.hears("twice", &["email_change_revert_failed invalid_token of king"]).await;
}

async fn lgs_4_a_declined_account_is_one_event(kind: Kind) {
    let app = app(kind).await;
    let mut audience = Audience::new(&app.users);
    let king = app.add(KING).await;
    audience.knows(&king.id, "king");
    let token = app.request_verify(KING).await;
    audience.events().await;
    let path = "/auth/decline-verification";
    for (token, status, event) in [
        (token.as_str(), 204, "verification_declined of king"),
        ("forged", 400, "verification_failed invalid_token"),
    ] {
        assert_eq!(app.post(path).json(&json!({ "token": token })).send().await.status, status);
        audience.hears("decline", &[event]).await;
    }
}

async fn lgs_4_each_act_from_code_is_one_event(kind: Kind) {
    let app = app(kind).await;
    let mut audience = Audience::new(&app.users);
    let (manager, cx) = (app.users.manager(), Context::none());
    let new = CreateUser::new(KING, PASSWORD, NoProfile {});
    let king = manager.create(new.clone(), &cx).await.unwrap();
    audience.knows(&king.id, "king");
    audience.hears("create", &["user_created of king"]).await;
    assert!(manager.create(new.clone(), &cx).await.is_err());
    audience.hears("a duplicate", &[]).await;
    assert!(manager.register(new, &cx).await.is_err());
    audience.hears("a duplicate", &["registration_failed address_taken hash"]).await;
    manager.authenticate(KING, PASSWORD, &cx).await.unwrap();
    manager.authenticate(KING, "wrong", &cx).await.unwrap_err();
    audience.hears("passwords", &["login of king hash", "login_failed wrong_password of king hash"]).await;

    let password =
        |password: &str| UpdateUser { password: Some(password.to_owned()), ..UpdateUser::default() };
    let king = manager.update_safe(&king, password(NEW), &cx).await.unwrap();
    audience.hears("as the user", &["password_changed of king changes sessions_ended"]).await;
    let king = manager.update(&king, password(PASSWORD), &cx).await.unwrap();
    let expected = "user_changed_by_administrator of king changes password,sessions_ended";
    audience.hears("as nobody", &[expected]).await;
    let merlin = app.add_superuser("merlin@camelot.bt").await;
    audience.knows(&merlin.id, "merlin");
    audience.events().await;
    let by_merlin = cx.acting(&merlin.id);
    assert_eq!(by_merlin.actor(), Some(merlin.id.to_string().as_str()));
    let king = manager.update(&king, password(NEW), &by_merlin).await.unwrap();
    let expected = "user_changed_by_administrator of king by merlin changes password,sessions_ended";
    audience.hears("as an administrator", &[expected]).await;

    manager.forgot_password(&king, &cx).await.unwrap();
    manager.request_verify(&king, &cx).await.unwrap();
    audience.hears("mails", &["password_reset_requested of king", "verification_requested of king"]).await;
    manager.delete(&king, &by_merlin).await.unwrap();
    audience.hears("delete", &["user_deleted of king by merlin"]).await;
}

/// The answer tells nothing, and neither does what is written for it.
async fn reg_1_log_2_fgt_1_as_many_events_and_writes_whoever_it_is(kind: Kind) {
    let policy = Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
    let app = with(kind, policy, AuditOptions::new(), |builder| builder).await;
    let mut audience = Audience::new(&app.users);
    app.add(KING).await;
    app.add_inactive("mordred@camelot.bt").await;
    let body = |email: &str| json!({"email": email, "password": NEW});
    for (path, expected) in [
        ("/auth/register", ["registration_failed", "registered", "registration_failed"]),
        ("/auth/forgot-password", ["password_reset_requested"; 3]),
        ("/auth/request-verify-token", ["verification_requested"; 3]),
        (LOGIN, ["login_failed"; 3]),
    ] {
        for (email, expected) in [KING, "galahad@camelot.bt", "mordred@camelot.bt"].into_iter().zip(expected)
        {
            audience.events().await;
            app.store.take_calls();
            if path == LOGIN {
                app.login_answer(path, email, "wrong").await;
            } else {
                app.post(path).json(&body(email)).send().await;
            }
            app.users.shutdown().await;
            let calls = app.store.take_calls();
            assert_eq!(calls.iter().filter(|call| **call == "record_events").count(), 1, "{path} {email}");
            let events = audience.events().await;
            assert_eq!(events.len(), 1);
            assert_eq!(events[0].act.as_str(), expected);
            let of = app.users.event_identifier(email);
            assert_eq!(events[0].identifier.as_ref(), Some(&of), "{path} {email}");
        }
        // What is there from now on is there for all.
        app.users.manager().get_by_email("galahad@camelot.bt").await.unwrap();
    }
}

async fn what_is_known_of_a_user_is_found(kind: Kind) {
    let app = app(kind).await;
    app.login_answer(LOGIN, KING, "before there was one").await;
    let king = app.add(KING).await;
    app.add("merlin@camelot.bt").await;
    app.login("merlin@camelot.bt", PASSWORD).await;
    app.login("King.ARTHUR@camelot.bt", PASSWORD).await;
    app.users.shutdown().await;
    let filter = AuditFilter {
        user: Some(king.id.to_string()),
        identifier: Some(app.users.event_identifier(KING)),
        ..AuditFilter::default()
    };
    let acts = async |filter: &AuditFilter| {
        let events = app.users.events(filter, None, 10).await.unwrap();
        events.into_iter().map(|event| event.act).collect::<Vec<_>>()
    };
    assert_eq!(acts(&filter).await, [AuditAct::Login, AuditAct::UserCreated, AuditAct::LoginFailed]);
    let logins = AuditFilter { act: Some(AuditAct::Login), ..filter };
    assert_eq!(acts(&logins).await, [AuditAct::Login]);
}

async fn limited_login(app: &TestApp, address: &str) -> u16 {
    let address = SocketAddr::new(address.parse().unwrap(), 40_000);
    let ask = app.post(LOGIN).extension(ConnectInfo(address)).header("user-agent", "a\tb\u{202e}");
    ask.form(&[("username", KING), ("password", "wrong")]).send().await.status
}

#[tokio::test]
async fn log_5_whoever_is_limited_is_recorded_once_a_minute_with_the_address() {
    let limits = RateLimits { login_per_minute: 2, ..RateLimits::off() };
    let app =
        with(Kind::Memory, Policy::secure(), AuditOptions::new(), |builder| builder.rate_limits(limits))
            .await;
    let mut audience = Audience::new(&app.users);
    let mallory = ["2001:db8:1:2::66", "2001:db8:1:2:ffff::9"];
    for number in 0..20 {
        assert_eq!(limited_login(&app, mallory[number % 2]).await, if number < 2 { 400 } else { 429 });
    }
    assert_eq!(limited_login(&app, "203.0.113.5").await, 400);
    let events = audience.events().await;
    let lines: Vec<String> = events.iter().map(|event| audience.line(event)).collect();
    let failed = "login_failed unknown_user via jwt hash";
    assert_eq!(lines, [failed, failed, "limited too_many_logins via jwt hash", failed]);
    let addresses: Vec<String> = events.iter().map(|event| event.address.unwrap().to_string()).collect();
    assert_eq!(addresses, [mallory[0], mallory[1], mallory[0], "203.0.113.5"]);
    assert_eq!(events[0].user_agent.as_deref(), Some("a?b???"), "LGS-2");
}

#[tokio::test]
async fn log_5_only_a_trusted_proxy_says_who_the_client_is() {
    for (trusted, expected) in [(&[][..], "127.0.0.1"), (&["127.0.0.1"], "198.51.100.7")] {
        let app = with(Kind::Memory, Policy::secure(), AuditOptions::new(), |builder| {
            builder.trusted_proxies(trusted.iter().copied())
        })
        .await;
        let peer: SocketAddr = "127.0.0.1:40000".parse().unwrap();
        let ask = app.post(LOGIN).extension(ConnectInfo(peer)).header("x-forwarded-for", "198.51.100.7");
        ask.form(&[("username", KING), ("password", "wrong")]).send().await;
        let events = Audience::new(&app.users).events().await;
        assert_eq!(events[0].address.unwrap().to_string(), expected);
    }
}

#[tokio::test]
async fn fgt_5_an_address_that_was_mailed_enough_is_recorded_as_such() {
    let limits = RateLimits { mails_per_hour: 1, ..RateLimits::off() };
    let app =
        with(Kind::Memory, Policy::secure(), AuditOptions::new(), |builder| builder.rate_limits(limits))
            .await;
    let mut audience = Audience::new(&app.users);
    for email in [KING, NOBODY] {
        for reason in ["", " mailed_enough"] {
            app.post("/auth/forgot-password").json(&json!({ "email": email })).send().await;
            audience.hears(email, &[&format!("password_reset_requested{reason} hash")]).await;
        }
    }
}
