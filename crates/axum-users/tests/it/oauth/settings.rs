//! What is refused before anybody logs in, and what a profile has to do with it.

use axum_users::{
    Backend, Bearer, BuildError, Cookie, Jwt, MemoryStore, Policy, Profile, TokenOptions, Users,
    UsersBuilder,
    oauth::{GitHub, Identity, OAuth},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::{Begun, Browser, KING, Kind, LOGIN, SECRET, Social, TestApp, camelot, jwt, knight};

type Builder<P> = UsersBuilder<P, MemoryStore<P>>;

fn github() -> OAuth {
    OAuth::new(GitHub::new("id", "secret"))
}

fn build<P: Profile>(configure: impl FnOnce(Builder<P>) -> Builder<P>) -> Result<Users<P>, BuildError> {
    configure(Users::builder(MemoryStore::new(), SECRET).backend(jwt())).build()
}

fn refused<P: Profile>(configure: impl FnOnce(Builder<P>) -> Builder<P>, parts: &[&str]) {
    let error = build(configure).unwrap_err().to_string();
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    type Plain = axum_users::NoProfile;
    let here = || "https://app.example".parse().unwrap();
    refused::<Plain>(|builder| builder.oauth(github()), &["github", "public_url"]);
    assert!(build::<Plain>(|builder| builder.oauth(github().redirect_url("https://app.example/in"))).is_ok());
    assert!(build::<Plain>(|builder| builder.oauth(github()).policy(Policy::fastapi_users())).is_ok());
    let with = |oauth: OAuth| move |builder: Builder<Plain>| builder.public_url(here()).oauth(oauth);
    refused(with(github().backend("cookie")), &["github", "backend"]);
    refused(with(github().path("/auth/jwt")), &["/auth/jwt", "taken"]);
    refused(with(github().path("/auth/github/")), &["/auth/github/"]);
    refused(with(github().return_to(["/welcome"])), &["/welcome", "absolute"]);
    refused::<Plain>(
        |builder| builder.public_url(here()).oauth(github()).oauth(github()),
        &["/auth/github", "taken"],
    );
    let twice = github().path("/auth/cookie/github").associate_path("/auth/cookie/github/associate");
    assert!(build::<Plain>(|builder| builder.public_url(here()).oauth(github()).oauth(twice)).is_ok());
    refused::<Plain>(
        |builder| builder.encrypt_provider_tokens(["short"]).public_url(here()).oauth(github()),
        &["provider tokens", "bytes"],
    );
    let state = |lifetime, secret: &str| TokenOptions {
        lifetime,
        secret: Some(secret.into()),
        ..TokenOptions::oauth_state(&Policy::secure())
    };
    refused::<Plain>(|builder| builder.oauth_state(state(0, SECRET)), &["states", "second"]);
    refused::<Plain>(|builder| builder.oauth_state(state(60, "short")), &["states", "bytes"]);
    let cookie = Cookie { name: "a b".into(), ..Cookie::default() };
    refused::<Plain>(|builder| builder.oauth_cookie(cookie), &["OAuth cookie"]);
    let none: Result<Users, _> =
        Users::builder(MemoryStore::new(), SECRET).public_url(here()).oauth(github()).build();
    assert!(none.unwrap_err().to_string().contains("backend"));
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Account {
    first_name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Lenient {
    #[serde(default)]
    first_name: String,
}

#[tokio::test]
async fn an_applications_own_fields_come_from_the_provider_or_have_a_default() {
    let configured = |builder: Builder<Account>| {
        builder.public_url("https://app.example".parse().unwrap()).oauth(github())
    };
    refused(configured, &["first_name", "oauth_profile"]);
    let made = |identity: &Identity| Account {
        first_name: identity.claims["name"].as_str().unwrap_or("Sir").to_owned(),
    };
    assert!(build(|builder| configured(builder).oauth_profile(made)).is_ok());
    assert!(
        build::<Lenient>(|builder| builder
            .public_url("https://app.example".parse().unwrap())
            .oauth(github()))
        .is_ok()
    );

    let fake = axum_users_testkit::FakeProvider::start().await;
    let app: TestApp<Account> = TestApp::with(Kind::Sqlite, |builder, _| {
        let client = axum_users::oauth::ProviderClient::through(&fake.url()).unwrap();
        let builder = builder.backend(jwt()).provider_client(client).oauth_profile(made);
        builder.public_url("https://app.example".parse().unwrap()).oauth(camelot())
    })
    .await;
    use axum_users_testkit::FakeAnswer;
    fake.answer("POST camelot.bt/token", FakeAnswer::json(json!({ "access_token": "a" })));
    let arthur = json!({ "id": 1, "email": KING, "verified": true, "name": "Arthur" });
    fake.answer("GET camelot.bt/me", FakeAnswer::json(arthur));
    let begun = app.ask("GET", &format!("{LOGIN}/authorize")).send().await;
    let state = Begun::read(begun.json()["authorization_url"].as_str().unwrap()).state;
    let cookie = begun.header("set-cookie").unwrap().split(';').next().unwrap();
    let answer =
        app.ask("GET", &crate::support::callback(LOGIN, &state)).header("cookie", cookie).send().await;
    let me = app.me(answer.json()["access_token"].as_str().unwrap()).await;
    assert_eq!(me.json()["first_name"], "Arthur");
}

#[tokio::test]
async fn under_the_policy_of_fastapi_users_people_come_back_to_the_host_of_the_request() {
    let app: TestApp = TestApp::with(Kind::Memory, |builder, _| {
        builder.policy(Policy::fastapi_users()).backend(jwt()).oauth(camelot())
    })
    .await;
    let there = async |host: &str| {
        let answer = app.ask("GET", &format!("{LOGIN}/authorize")).header("host", host).send().await;
        let url = answer.json()["authorization_url"].as_str().map(|url| Begun::read(url));
        (answer.status, url.and_then(|begun| begun.parameter("redirect_uri").map(str::to_owned)))
    };
    let expected = "http://camelot.bt:8000/auth/camelot/callback".to_owned();
    assert_eq!(there("camelot.bt:8000").await, (200, Some(expected)));
    assert_eq!(there("a b").await.0, 400);
}

#[tokio::test]
async fn a_cookie_that_cannot_be_bound_to_the_host_has_another_name() {
    let cookie = Cookie { name: "flow".into(), secure: false, path: "/auth".into(), ..Cookie::default() };
    let social = Social::configured(Kind::Memory, camelot(), |builder| builder.oauth_cookie(cookie)).await;
    social.says(knight("1", KING, true));
    let browser = Browser::new(&social);
    let answer = browser.get(&format!("{LOGIN}/authorize")).await;
    let set = answer.header("set-cookie").unwrap();
    assert!(
        set.starts_with("flow-") && set.ends_with("; HttpOnly; Max-Age=600; Path=/auth; SameSite=lax"),
        "{set}"
    );
    let begun = Begun::read(answer.json()["authorization_url"].as_str().unwrap());
    assert_eq!(social.come_back(&browser, LOGIN, &begun.state).await.status, 200);
}

#[test]
fn lgs_1_debug_shows_no_secret() {
    let jwt = Backend::new("jwt", Bearer, Jwt::new(SECRET));
    let builder: UsersBuilder<axum_users::NoProfile, _> =
        Users::builder(MemoryStore::new(), SECRET).backend(jwt).oauth(github());
    let shown = format!("{builder:?} {:?} {:?}", github(), GitHub::new("id", "hunter2-hunter2"));
    assert!(!shown.contains(SECRET) && !shown.contains("hunter2"), "{shown}");
}
