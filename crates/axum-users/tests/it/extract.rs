//! Who is asking: every extractor with every transport, strategy and state of a user.

use axum::{Extension, Router, middleware, routing::get};
use axum_users::{
    Authenticated, Backend, Bearer, Cookie, CreateUser, CurrentUser, EnabledBackends, Jwt, NoProfile, Opaque,
    Policy, Superuser, UpdateUser, Users, UsersBuilder, VerifiedUser,
};

use crate::support::{Answer, Ask, KING, Kind, PASSWORD, SECRET, Store, TestApp, on_every_store};

on_every_store![
    every_guard_with_every_backend_and_user,
    f_7_a_failing_store_is_never_anonymous,
    adm_2_ses_4_changes_count_at_once,
];

/// A route for each extractor, which answers with the address of whom it let in.
pub(crate) fn guards(users: &Users) -> Router {
    let router = Router::new()
        .route("/current", get(async |user: CurrentUser| user.email.clone()))
        .route("/verified", get(async |user: VerifiedUser| user.email.clone()))
        .route("/superuser", get(async |user: Superuser| user.email.clone()))
        .route("/authenticated", get(async |who: Authenticated| who.user.email))
        .route("/backend", get(async |who: Authenticated| who.backend.name().to_owned()))
        .route("/maybe/current", get(async |user: Option<CurrentUser>| shown(user.map(|user| user.0.email))))
        .route(
            "/maybe/verified",
            get(async |user: Option<VerifiedUser>| shown(user.map(|user| user.0.email))),
        )
        .route("/maybe/superuser", get(async |user: Option<Superuser>| shown(user.map(|user| user.0.email))))
        .route(
            "/maybe/authenticated",
            get(async |who: Option<Authenticated>| shown(who.map(|who| who.user.email))),
        );
    router.with_state(users.clone())
}

fn shown(email: Option<String>) -> String {
    email.unwrap_or_else(|| "nobody".to_owned())
}

/// Asks a guard that one backend alone may open.
pub(crate) fn ask_only(router: &Router, backend: &str) -> Ask {
    let enabled = Extension(EnabledBackends::only([backend]));
    Ask::new(router.clone().layer(enabled), "GET", "/current")
}

/// Every transport with every strategy.
const BACKENDS: [&str; 4] = ["bearer_jwt", "bearer_db", "cookie_jwt", "cookie_db"];

fn backends(store: &Store) -> [Backend; 4] {
    let cookie = |name: &str| Cookie { name: name.to_owned(), ..Cookie::default() };
    [
        Backend::new("bearer_jwt", Bearer, Jwt::new(SECRET)),
        Backend::new("bearer_db", Bearer, Opaque::new(store.clone())),
        Backend::new("cookie_jwt", cookie("cookie_jwt"), Jwt::new(SECRET)),
        Backend::new("cookie_db", cookie("cookie_db"), Opaque::new(store.clone())),
    ]
}

async fn app(kind: Kind, policy: Policy) -> (TestApp, Router) {
    let app = TestApp::with(kind, |builder, store| {
        backends(store).into_iter().fold(builder.policy(policy), UsersBuilder::backend)
    })
    .await;
    let router = guards(&app.users);
    (app, router)
}

/// The header that carries a credential of this backend.
async fn credential(app: &TestApp, backend: &str, email: &str) -> (&'static str, String) {
    let answer = app.login_answer(&format!("/auth/{backend}/login"), email, PASSWORD).await;
    match answer.header("set-cookie") {
        Some(cookie) => ("cookie", cookie.split(';').next().unwrap().to_owned()),
        None => ("authorization", format!("Bearer {}", answer.json()["access_token"].as_str().unwrap())),
    }
}

/// User, statuses of the guards `current`, `verified`, `superuser`, `authenticated`.
const STATES: [(&str, [u16; 4]); 6] = [
    ("none", [401, 401, 401, 401]),
    ("forged", [401, 401, 401, 401]),
    ("inactive@camelot.bt", [401, 401, 401, 200]),
    ("plain@camelot.bt", [200, 403, 403, 200]),
    ("verified@camelot.bt", [200, 200, 403, 200]),
    ("superuser@camelot.bt", [200, 403, 200, 200]),
];

async fn add_states(app: &TestApp) {
    app.add("inactive@camelot.bt").await;
    app.add("plain@camelot.bt").await;
    app.add_verified("verified@camelot.bt").await;
    let superuser = CreateUser::new("superuser@camelot.bt", PASSWORD, NoProfile {});
    app.create(CreateUser { is_superuser: true, ..superuser }).await;
}

async fn every_guard_with_every_backend_and_user(kind: Kind) {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let challenge = policy.www_authenticate.then_some("Bearer");
        let (app, router) = app(kind, policy).await;
        add_states(&app).await;
        for backend in BACKENDS {
            for (state, statuses) in STATES {
                let header = match state {
                    "none" => ("x-nothing", String::new()),
                    "forged" if backend.starts_with("bearer") => ("authorization", "Bearer x.y.z".to_owned()),
                    "forged" => ("cookie", format!("{backend}=x.y.z")),
                    email => credential(&app, backend, email).await,
                };
                set_active(&app, "inactive@camelot.bt", false).await;
                for (guard, status) in
                    ["current", "verified", "superuser", "authenticated"].iter().zip(statuses)
                {
                    let case = format!("{guard} for {state} by {backend}");
                    let ask =
                        |path: String| Ask::new(router.clone(), "GET", &path).header(header.0, &header.1);
                    let answer = ask(format!("/{guard}")).send().await;
                    assert_eq!(answer.status, status, "{case}");
                    match status {
                        200 => assert_eq!(answer.text(), state, "{case}"),
                        401 => answer.assert_detail(401, "Unauthorized"),
                        _ => answer.assert_detail(403, "Forbidden"),
                    }
                    let challenge = challenge.filter(|_| status == 401);
                    assert_eq!(answer.header("www-authenticate"), challenge, "{case}");
                    let answer = ask(format!("/maybe/{guard}")).send().await;
                    let expected = if status == 200 { state } else { "nobody" };
                    assert_eq!((answer.status, answer.text()), (200, expected), "optional {case}");
                }
                set_active(&app, "inactive@camelot.bt", true).await;
            }
        }
    }
}

/// As another program would: no session ends.
async fn set_active(app: &TestApp, email: &str, active: bool) {
    let changes = axum_users::Changes { is_active: Some(active), ..Default::default() };
    axum_users::UserStore::update(&app.store, &app.user(email).await.id, &changes).await.unwrap().unwrap();
}

async fn f_7_a_failing_store_is_never_anonymous(kind: Kind) {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let (app, router) = app(kind, policy).await;
        app.add(KING).await;
        for backend in BACKENDS {
            let header = credential(&app, backend, KING).await;
            app.store.break_down();
            let unavailable = |answer: Answer, case: &str| {
                answer.assert_detail(503, "Service Unavailable");
                assert_eq!(answer.header("retry-after"), Some("1"), "{case} by {backend}");
            };
            for guard in ["current", "verified", "superuser", "authenticated"] {
                for path in [format!("/{guard}"), format!("/maybe/{guard}")] {
                    let answer =
                        Ask::new(router.clone(), "GET", &path).header(header.0, &header.1).send().await;
                    unavailable(answer, &path);
                }
            }
            let id = "6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f";
            for (method, path) in [
                ("GET", "/users/me".to_owned()),
                ("PATCH", "/users/me".to_owned()),
                ("GET", format!("/users/{id}")),
                ("PATCH", format!("/users/{id}")),
                ("DELETE", format!("/users/{id}")),
                ("POST", format!("/auth/{backend}/logout")),
            ] {
                let ask = app.ask(method, &path).header(header.0, &header.1).json(&serde_json::json!({}));
                unavailable(ask.send().await, &path);
            }
            let answer = app.login_answer(&format!("/auth/{backend}/login"), KING, PASSWORD).await;
            unavailable(answer, "login");
            let current = Ask::new(router.clone(), "GET", "/current").send().await;
            assert_eq!(current.status, 401, "without a credential nothing needs to be asked");
            app.store.recover();
            let answer = Ask::new(router.clone(), "GET", "/current").header(header.0, &header.1).send().await;
            assert_eq!((answer.status, answer.text()), (200, KING), "nothing was lost");
        }
    }
}

async fn adm_2_ses_4_changes_count_at_once(kind: Kind) {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let (app, router) = app(kind, policy).await;
        let manager = app.users.manager();
        for backend in BACKENDS {
            let user = app.add_superuser(KING).await;
            let header = credential(&app, backend, KING).await;
            let ask = async |path: &str| {
                Ask::new(router.clone(), "GET", path).header(header.0, &header.1).send().await.status
            };
            let none = axum_users::Context::none();
            assert_eq!((ask("/current").await, ask("/superuser").await), (200, 200));
            let demote = UpdateUser { is_superuser: Some(false), ..UpdateUser::default() };
            let user = manager.update(&user, demote, &none).await.unwrap();
            assert!(matches!(ask("/superuser").await, 401 | 403), "demoted, {backend}");
            let header = credential(&app, backend, KING).await;
            let ask = async || {
                Ask::new(router.clone(), "GET", "/current").header(header.0, &header.1).send().await.status
            };
            assert_eq!(ask().await, 200);
            let deactivate = UpdateUser { is_active: Some(false), ..UpdateUser::default() };
            let user = manager.update(&user, deactivate, &none).await.unwrap();
            assert_eq!(ask().await, 401, "deactivated, {backend}");
            let activate = UpdateUser { is_active: Some(true), ..UpdateUser::default() };
            let user = manager.update(&user, activate, &none).await.unwrap();
            let header = credential(&app, backend, KING).await;
            manager.delete(&user, &none).await.unwrap();
            let answer = Ask::new(router.clone(), "GET", "/authenticated").header(header.0, &header.1);
            assert_eq!(answer.send().await.status, 401, "deleted, {backend}");
        }
    }
}

#[tokio::test]
async fn the_first_backend_whose_token_yields_a_user_wins() {
    let (app, router) = app(Kind::Memory, Policy::secure()).await;
    app.add(KING).await;
    app.add("merlin@camelot.bt").await;
    let bearer = credential(&app, "bearer_db", "merlin@camelot.bt").await;
    let cookie = credential(&app, "cookie_jwt", KING).await;
    let ask = |authorization: &str| {
        let ask = Ask::new(router.clone(), "GET", "/backend").header("authorization", authorization);
        ask.header("cookie", &cookie.1).send()
    };
    assert_eq!(ask(&bearer.1).await.text(), "bearer_db");
    assert_eq!(ask("Bearer forged").await.text(), "cookie_jwt", "a bad bearer token is no obstacle");
    assert_eq!(ask("Basic eDp5").await.text(), "cookie_jwt");
    // An inactive user's token is the one that counts, all the same.
    set_active(&app, "merlin@camelot.bt", false).await;
    let answer = Ask::new(router.clone(), "GET", "/current").header("authorization", &bearer.1);
    assert_eq!(answer.header("cookie", &cookie.1).send().await.status, 401);
}

#[tokio::test]
async fn ses_5_two_cookies_of_one_name_open_nothing() {
    for (policy, status) in [(Policy::secure(), 401), (Policy::fastapi_users(), 200)] {
        let (app, router) = app(Kind::Memory, policy).await;
        app.add(KING).await;
        let (_, good) = credential(&app, "cookie_db", KING).await;
        let ask =
            |cookies: &str| Ask::new(router.clone(), "GET", "/current").header("cookie", cookies).send();
        assert_eq!(
            ask(&format!("cookie_db=planted; {good}")).await.status,
            status,
            "the last one counts or none"
        );
        assert_eq!(ask(&format!("{good}; cookie_db=planted")).await.status, 401);
        assert_eq!(ask(&format!("other=planted; {good}")).await.status, 200);
        assert_eq!(ask("cookie_db=%00").await.status, 401);
    }
}

#[tokio::test]
async fn log_20_odd_authorization_headers_are_anonymous() {
    let (app, router) = app(Kind::Memory, Policy::secure()).await;
    app.add(KING).await;
    let (name, good) = credential(&app, "bearer_jwt", KING).await;
    let token = good.strip_prefix("Bearer ").unwrap();
    let ask = |value: &str| Ask::new(router.clone(), "GET", "/current").header(name, value);
    for accepted in [format!("bearer {token}"), format!("BEARER   {token}  ")] {
        assert_eq!(ask(&accepted).send().await.status, 200, "{accepted}");
    }
    let huge = "x".repeat(1_000_000);
    let dots = ".".repeat(10_000);
    for refused in [
        "",
        "Bearer",
        "Bearer ",
        token,
        &format!("Basic {token}"),
        &format!("Bearer {huge}"),
        &format!("Bearer {dots}"),
    ] {
        assert_eq!(ask(refused).send().await.status, 401);
    }
    assert_eq!(ask(&good).header(name, &good).send().await.status, 401, "two of them");
}

fn only(backend: &str) -> Extension<EnabledBackends> {
    Extension(EnabledBackends::only([backend]))
}

#[tokio::test]
async fn enabled_backends_hold_for_their_routes() {
    let (app, router) = app(Kind::Memory, Policy::secure()).await;
    app.add(KING).await;
    for enabled in BACKENDS {
        for backend in BACKENDS {
            let header = credential(&app, backend, KING).await;
            let answer = ask_only(&router, enabled).header(header.0, &header.1).send().await;
            assert_eq!(answer.status, if enabled == backend { 200 } else { 401 }, "{backend} at {enabled}");
        }
    }
    let header = credential(&app, "bearer_jwt", KING).await;
    let none = router.layer(Extension(EnabledBackends::only(Vec::<String>::new())));
    assert_eq!(Ask::new(none, "GET", "/current").header(header.0, &header.1).send().await.status, 401);
}

/// What a guard outside has looked up must neither widen nor narrow what a guard inside may accept.
#[tokio::test]
async fn a_guard_outside_defeats_no_restriction_inside() {
    let (app, router) = app(Kind::Memory, Policy::secure()).await;
    app.add(KING).await;
    let guard = middleware::from_fn_with_state(
        app.users.clone(),
        async |_: Option<CurrentUser>, request: axum::extract::Request, next: middleware::Next| {
            next.run(request).await
        },
    );
    let (name, cookie) = credential(&app, "cookie_db", KING).await;
    let restricted_inside = router.clone().layer(only("bearer_jwt")).layer(guard.clone());
    let answer = Ask::new(restricted_inside, "GET", "/current").header(name, &cookie).send().await;
    assert_eq!(answer.status, 401);
    let restricted_outside =
        router.clone().layer(only("cookie_db")).layer(guard.clone()).layer(only("bearer_jwt"));
    let answer = Ask::new(restricted_outside, "GET", "/current").header(name, &cookie).send().await;
    assert_eq!(answer.status, 200);

    app.store.take_calls();
    let answer = Ask::new(router.layer(guard), "GET", "/current").header(name, &cookie).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(app.store.take_calls(), ["find_token"], "asked once for both");
}
