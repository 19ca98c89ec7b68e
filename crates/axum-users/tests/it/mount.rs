//! Routers inside of applications: alone, at any prefix, under any state, with any id.

use axum::{Router, extract::FromRef, routing::get};
use axum_users::{
    Backend, Bearer, CreateUser, CurrentUser, Jwt, Policy, Profile, UserId, Users,
    value::{ColumnType, Kind as ColumnKind, Value},
};
use serde_json::json;

use crate::support::{Ask, KING, Kind, PASSWORD, SECRET, TestApp, jwt, on_every_store, stored_cookie};

on_every_store![ids_of_the_applications_own_type];

#[tokio::test]
async fn every_router_stands_alone_at_any_prefix() {
    let app = TestApp::with(Kind::Memory, |builder, store| {
        builder.backend(jwt().prefix("/unused")).backend(stored_cookie(store))
    })
    .await;
    let users = &app.users;
    let router: Router = Router::new()
        .nest("/a/b", users.register_router())
        .nest("/c", users.reset_router())
        .nest("/d", users.verify_router())
        .nest("/{tenant}/people", users.users_router())
        .nest("/session/{kind}", users.auth_router(&users.backends()[0]));
    let ask = |method: &str, path: &str| Ask::new(router.clone(), method, path);
    let register = json!({"email": KING, "password": PASSWORD});
    let answer = ask("POST", "/a/b/register").json(&register).send().await;
    assert_eq!(answer.status, 201);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    for path in ["/c/forgot-password", "/d/request-verify-token"] {
        assert_eq!(ask("POST", path).json(&json!({"email": KING})).send().await.status, 202, "{path}");
    }
    for path in ["/c/reset-password", "/d/verify"] {
        let body = json!({"token": "x", "password": PASSWORD});
        assert_eq!(ask("POST", path).json(&body).send().await.status, 400, "{path}");
    }
    app.add_superuser("merlin@camelot.bt").await;
    let form = [("username", "merlin@camelot.bt"), ("password", PASSWORD)];
    let login = ask("POST", "/session/x/login").form(&form).send().await;
    let token = login.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(ask("GET", "/camelot/people/me").bearer(&token).send().await.status, 200);
    let path = format!("/camelot/people/{id}");
    for (method, status) in [("GET", 200), ("PATCH", 200), ("DELETE", 204)] {
        let answer = ask(method, &path).bearer(&token).json(&json!({})).send().await;
        assert_eq!(answer.status, status, "{method}: {}", answer.text());
    }
    assert_eq!(ask("POST", "/session/x/logout").bearer(&token).send().await.status, 204);
}

#[tokio::test]
async fn backends_stand_where_their_prefix_says() {
    let app = TestApp::with(Kind::Memory, |builder, store| {
        builder.backend(jwt().prefix("/v1/session")).backend(stored_cookie(store))
    })
    .await;
    app.add(KING).await;
    app.login_at("/v1/session/login", KING, PASSWORD).await;
    app.login_by_cookie(KING, PASSWORD).await;
    let answer = app.login_answer("/auth/jwt/login", KING, PASSWORD).await;
    assert_eq!(answer.status, 404);
}

/// Prefixes that other routers have too.
#[tokio::test]
async fn backends_may_stand_beside_the_other_routes() {
    let app = TestApp::<axum_users::NoProfile>::with(Kind::Memory, |builder, store| {
        builder.backend(jwt().prefix("/auth")).backend(stored_cookie(store).prefix("/users"))
    })
    .await;
    assert_eq!(app.register(KING, PASSWORD).await.status, 201);
    let token = app.login_at("/auth/login", KING, PASSWORD).await;
    assert_eq!(app.me(&token).await.status, 200);
    assert_eq!(app.login_answer("/users/login", KING, PASSWORD).await.status, 204);
    assert_eq!(app.post("/auth/logout").bearer(&token).send().await.status, 204);
}

#[derive(Clone)]
struct AppState {
    users: Users,
    motto: &'static str,
}

impl FromRef<AppState> for Users {
    fn from_ref(state: &AppState) -> Self {
        state.users.clone()
    }
}

impl FromRef<AppState> for &'static str {
    fn from_ref(state: &AppState) -> Self {
        state.motto
    }
}

#[tokio::test]
async fn users_are_a_field_of_the_applications_state() {
    let app = TestApp::under(Policy::secure(), Kind::Memory).await;
    app.add(KING).await;
    let token = app.login(KING, PASSWORD).await;
    async fn hello(
        user: CurrentUser,
        axum::extract::State(motto): axum::extract::State<&'static str>,
    ) -> String {
        format!("{}: {motto}", user.email)
    }
    let state = AppState { users: app.users.clone(), motto: "all for one" };
    let router = Router::new().route("/hello", get(hello)).merge(app.users.routes()).with_state(state);
    let answer = Ask::new(router.clone(), "GET", "/hello").bearer(&token).send().await;
    assert_eq!(answer.text(), format!("{KING}: all for one"));
    assert_eq!(Ask::new(router.clone(), "GET", "/hello").send().await.status, 401);
    assert_eq!(Ask::new(router, "GET", "/users/me").bearer(&token).send().await.status, 200);
}

/// `u_` and 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
struct AccountId(String);

impl std::fmt::Display for AccountId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl ColumnType for AccountId {
    const KIND: ColumnKind = ColumnKind::Text;
    fn into_value(self) -> Value {
        Value::Text(self.0)
    }
    fn from_value(value: Value) -> Result<Self, Value> {
        String::from_value(value).map(Self)
    }
}

impl UserId for AccountId {
    fn generate() -> Option<Self> {
        Some(Self(format!("u_{}", uuid::Uuid::new_v4().simple())))
    }
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("u_")?;
        (digits.len() == 32).then(|| Self(text.to_owned()))
    }
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
#[profile(id = AccountId)]
#[serde(rename_all = "camelCase")]
struct Account {
    first_name: String,
    age: Option<i32>,
    #[serde(skip_deserializing)]
    score: i64,
    #[serde(skip)]
    stripe_id: Option<String>,
}

async fn ids_of_the_applications_own_type(kind: Kind) {
    let app = TestApp::<Account>::with(kind, |builder, store| {
        builder.backend(Backend::new("jwt", Bearer, Jwt::new(SECRET))).backend(stored_cookie(store))
    })
    .await;
    let body =
        json!({"email": KING, "password": PASSWORD, "firstName": "Arthur", "score": 7, "stripeId": "x"});
    let answer = app.post("/auth/register").json(&body).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("u_"));
    let shown = |name: &str| {
        json!({"id": id, "email": KING, "is_active": true, "is_superuser": false, "is_verified": false,
            "firstName": name, "age": null, "score": 0})
    };
    answer.assert(201, &shown("Arthur"));
    let token = app.login(KING, PASSWORD).await;
    app.me(&token).await.assert(200, &shown("Arthur"));
    let patch = app
        .ask("PATCH", "/users/me")
        .bearer(&token)
        .json(&json!({"firstName": "Art", "score": 9, "age": null}));
    patch.send().await.assert(200, &shown("Art"));
    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    assert_eq!(app.me_by_cookie(&cookie).await.status, 200);
    let profile =
        Account { first_name: "Merlin".into(), age: Some(900), score: 1, stripe_id: Some("m".into()) };
    let merlin = CreateUser::new("merlin@camelot.bt", PASSWORD, profile);
    app.create(CreateUser { is_superuser: true, ..merlin }).await;
    let admin = app.login("merlin@camelot.bt", PASSWORD).await;
    assert_eq!(app.user("merlin@camelot.bt").await.profile.stripe_id.as_deref(), Some("m"));
    let get = |id: &str| app.ask("GET", &format!("/users/{id}")).bearer(&admin).send();
    get(&id).await.assert(200, &shown("Art"));
    get("u_1").await.assert_detail(404, "Not Found");
    let answer =
        app.post("/auth/register").json(&json!({"email": "a@camelot.bt", "password": PASSWORD})).send().await;
    answer.assert_detail(
        422,
        json!([{"type": "missing", "loc": ["body", "firstName"], "msg": "Field required"}]),
    );
}
