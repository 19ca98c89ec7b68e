//! The OpenAPI document: pinned by a file, and true of the routes.

mod settings;

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json as JsonBody, Router, routing::get};
use axum_users::{
    Backend, Bearer, Cookie, Date, Json, Jwt, MemoryStore, Opaque, Policy, Profile, SecurityScheme,
    Timestamp, Transport, Users, UsersBuilder,
    oauth::{GitHub, OAuth},
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::{Info, OpenApi, Paths};
use uuid::Uuid;

use crate::support::{Ask, KING, Kind, PASSWORD, SECRET, TestApp, assert_golden, jwt};

fn users<P: Profile>(
    configure: impl FnOnce(UsersBuilder<P, MemoryStore<P>>, MemoryStore<P>) -> UsersBuilder<P, MemoryStore<P>>,
) -> Users<P> {
    let store = MemoryStore::new();
    configure(Users::builder(store.clone(), SECRET), store).build().unwrap()
}

/// The backends of the server: `jwt` and `cookie`.
fn two_backends<P: Profile>(
    builder: UsersBuilder<P, MemoryStore<P>>,
    store: MemoryStore<P>,
) -> UsersBuilder<P, MemoryStore<P>> {
    builder.backend(jwt()).backend(Backend::new("cookie", Cookie::default(), Opaque::new(store)))
}

fn as_json(document: &OpenApi) -> Value {
    serde_json::to_value(document).unwrap()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

#[test]
fn the_document_of_two_backends_is_pinned() {
    let document = as_json(&users::<axum_users::NoProfile>(two_backends).openapi());
    assert_golden("openapi.json", &pretty(&document));
}

/// Contract A14: the names that generated clients are made of.
#[test]
fn operations_are_named_as_fastapi_names_them() {
    let document = as_json(&users::<axum_users::NoProfile>(two_backends).openapi());
    for (path, method, name) in [
        ("/auth/jwt/login", "post", "auth_jwt_login_auth_jwt_login_post"),
        ("/auth/cookie/logout", "post", "auth_cookie_logout_auth_cookie_logout_post"),
        ("/auth/register", "post", "register_register_auth_register_post"),
        ("/auth/forgot-password", "post", "reset_forgot_password_auth_forgot_password_post"),
        ("/auth/reset-password", "post", "reset_reset_password_auth_reset_password_post"),
        ("/auth/request-verify-token", "post", "verify_request_token_auth_request_verify_token_post"),
        ("/auth/verify", "post", "verify_verify_auth_verify_post"),
        ("/users/me", "get", "users_current_user_users_me_get"),
        ("/users/me", "patch", "users_patch_current_user_users_me_patch"),
        ("/users/{id}", "get", "users_user_users__id__get"),
        ("/users/{id}", "patch", "users_patch_user_users__id__patch"),
        ("/users/{id}", "delete", "users_delete_user_users__id__delete"),
    ] {
        assert_eq!(document["paths"][path][method]["operationId"], name, "{method} {path}");
    }
}

/// A field of every type and every access.
#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
#[profile(id = i64)]
#[serde(rename_all = "camelCase")]
struct Account {
    /// Shown in greetings.
    first_name: String,
    age: Option<i32>,
    #[serde(default)]
    newsletter: bool,
    height: f64,
    avatar: Vec<u8>,
    device: Uuid,
    born: Date,
    seen: Option<Timestamp>,
    tags: Json<Vec<String>>,
    #[serde(skip_deserializing)]
    credit: i64,
    #[serde(skip_serializing)]
    invitation: String,
    #[serde(skip)]
    stripe_id: Option<String>,
}

/// What depends on the profile, the type of ids and the policy.
#[test]
fn the_schemas_of_a_profile_are_pinned() {
    let document = as_json(
        &users::<Account>(|builder, store| {
            two_backends(builder, store).policy(Policy::fastapi_users()).require_verified_users()
        })
        .openapi(),
    );
    let schemas = &document["components"]["schemas"];
    let patch = &document["paths"]["/users/{id}"]["patch"];
    let pinned = json!({
        "UserRead": schemas["UserRead"],
        "UserCreate": schemas["UserCreate"],
        "UserUpdate": schemas["UserUpdate"],
        "ValidationError": schemas["ValidationError"],
        "PATCH /users/{id}": patch,
    });
    assert_golden("openapi_profile.json", &pretty(&pinned));
    assert!(!document.to_string().contains("stripe"), "a private column is no part of the document");
}

/// And a provider.
fn with_provider(
    builder: UsersBuilder<axum_users::NoProfile, MemoryStore>,
    store: MemoryStore,
) -> UsersBuilder<axum_users::NoProfile, MemoryStore> {
    let github = OAuth::new(GitHub::new("id", "secret")).return_to(["https://app.example/welcome"]);
    two_backends(builder, store).public_url("https://app.example".parse().unwrap()).oauth(github)
}

#[test]
fn the_document_of_a_provider_is_pinned() {
    let users = users::<axum_users::NoProfile>(with_provider);
    let document = as_json(&users.openapi());
    assert_sound(&document);
    let paths = document["paths"].as_object().unwrap().iter();
    let pinned: Value = paths
        .filter(|(path, _)| path.contains("github") || path.contains("oauth"))
        .map(|(path, routes)| (path.clone(), routes.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_golden("openapi_oauth.json", &pretty(&pinned));
    for (path, name) in [
        ("/auth/github/authorize", "oauth_github_jwt_authorize_auth_github_authorize_get"),
        (
            "/auth/associate/github/callback",
            "oauth_associate_github_callback_auth_associate_github_callback_get",
        ),
    ] {
        assert_eq!(document["paths"][path]["get"]["operationId"], name);
    }
}

/// Path and method of every operation.
fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = |(path, methods): (&String, &Value)| {
        let methods: Vec<_> =
            methods.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        methods.into_iter().map(|method| (path.clone(), method)).collect::<Vec<_>>()
    };
    paths.flat_map(methods).collect()
}

/// Path and method of every route, as axum itself shows them.
fn routes(router: &Router) -> BTreeSet<(String, String)> {
    let shown = format!("{router:?}");
    let (own, _) = shown.split_once("fallback_router").expect("axum shows routers as before");
    let (methods, paths) = own.split_once("paths: {").expect("axum shows routers as before");
    let mut allowed = BTreeMap::new();
    for route in methods.split("RouteId(").skip(1) {
        let (id, rest) = route.split_once(')').unwrap();
        let (_, rest) = rest.split_once("allow_header: Bytes(b\"").expect("axum shows routers as before");
        allowed.insert(id, rest.split_once('"').unwrap().0);
    }
    let paths = paths.split("RouteId(").skip(1).flat_map(|path| {
        let (id, rest) = path.split_once(')').unwrap();
        // A parameter that may have slashes.
        let path = rest.split('"').nth(1).unwrap().replace("{*", "{");
        // HEAD comes with every GET.
        let methods = allowed[id].split(',').filter(|method| *method != "HEAD");
        methods.map(move |method| (path.clone(), method.to_owned())).collect::<Vec<_>>()
    });
    paths.collect()
}

#[test]
fn every_route_is_in_the_document_and_the_other_way_round() {
    let plain = users::<axum_users::NoProfile>(two_backends);
    let other = users::<axum_users::NoProfile>(|builder, _| {
        let second =
            Backend::new("second", Bearer, Jwt::new(SECRET)).prefix("/v1/session").require_verified();
        builder.backend(jwt()).backend(second).require_verified_users()
    });
    let bare = users::<axum_users::NoProfile>(|builder, _| builder);
    let social = users::<axum_users::NoProfile>(with_provider);
    for (users, count) in [(&plain, 17), (&other, 17), (&bare, 13), (&social, 26)] {
        let documented = operations(&as_json(&users.openapi()));
        assert_eq!(documented.len(), count);
        assert_eq!(documented, routes(&users.routes()));
    }
}

#[test]
fn the_document_of_each_router_is_that_of_its_routes() {
    let users = users::<Account>(two_backends);
    let jwt = &users.backends()[0];
    let nested = |prefix: &str, router| Router::new().nest(prefix, router);
    for (document, router) in [
        (users.auth_openapi(jwt), nested("/auth/jwt", users.auth_router(jwt))),
        (users.register_openapi("/a/b"), nested("/a/b", users.register_router())),
        (users.reset_openapi("/c"), nested("/c", users.reset_router())),
        (users.verify_openapi("/d"), nested("/d", users.verify_router())),
        (users.change_email_openapi("/e"), nested("/e", users.change_email_router())),
        (users.users_openapi("/people"), nested("/people", users.users_router())),
    ] {
        let document = as_json(&document);
        assert_eq!(operations(&document), routes(&router));
        assert_sound(&document);
    }
}

/// Every reference leads somewhere, every scheme exists, every operation has an id of its own and examples.
#[track_caller]
fn assert_sound(document: &Value) {
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = Vec::new();
    collect(document, "$ref", &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    for (path, method) in operations(document) {
        let operation = &document["paths"][&path][method.to_lowercase()];
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
        for requirement in operation["security"].as_array().into_iter().flatten() {
            let name = requirement.as_object().unwrap().keys().next().unwrap();
            assert!(document["components"]["securitySchemes"].get(name).is_some(), "{name} is no scheme");
        }
        let responses = operation["responses"].as_object().unwrap().values();
        for content in responses.chain(operation.get("requestBody")).filter_map(|part| part.get("content")) {
            for (media_type, content) in content.as_object().unwrap() {
                let has_example = content.get("example").or(content.get("examples")).is_some();
                assert!(has_example && content.get("schema").is_some(), "{method} {path} {media_type}");
            }
        }
    }
}

fn collect<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(name));
            members.values().for_each(|member| collect(member, name, found));
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, name, found)),
        _ => {}
    }
}

/// Contract A14, and C3 #31: there the second scheme of a kind replaced the first.
#[test]
fn backends_of_one_kind_do_not_collide() {
    let users = users::<axum_users::NoProfile>(|builder, store| {
        let cookie = |name: &str| Cookie { name: name.into(), ..Cookie::default() };
        builder
            .backend(jwt())
            .backend(Backend::new("web-app", cookie("web"), Opaque::new(store.clone())))
            .backend(Backend::new("second", Bearer, Opaque::new(store.clone())).prefix("/v1/session"))
            .backend(Backend::new("third", cookie("other"), Jwt::new(SECRET)))
            .backend(Backend::new("header", ApiHeader("x-one"), Opaque::new(store.clone())))
            .backend(Backend::new("header2", ApiHeader("x-two"), Opaque::new(store)))
    });
    let document = as_json(&users.openapi());
    assert_sound(&document);
    let schemes = &document["components"]["securitySchemes"];
    let password =
        |url: &str| json!({"type": "oauth2", "flows": {"password": {"tokenUrl": url, "scopes": {}}}});
    let key = |place: &str, name: &str| json!({"type": "apiKey", "in": place, "name": name});
    let expected = json!({
        "APIKeyCookie": key("cookie", "web"),
        "APIKeyCookie_third": key("cookie", "other"),
        "APIKeyHeader": key("header", "x-one"),
        "APIKeyHeader_header2": key("header", "x-two"),
        "OAuth2PasswordBearer": password("auth/jwt/login"),
        "OAuth2PasswordBearer_second": password("v1/session/login"),
    });
    assert_eq!(schemes, &expected);
    // Alternatives, in the order in which they are tried.
    let security = &document["paths"]["/users/me"]["get"]["security"];
    let names: Vec<_> =
        security.as_array().unwrap().iter().flat_map(|scheme| scheme.as_object().unwrap().keys()).collect();
    let expected = [
        "OAuth2PasswordBearer",
        "APIKeyCookie",
        "OAuth2PasswordBearer_second",
        "APIKeyCookie_third",
        "APIKeyHeader",
        "APIKeyHeader_header2",
    ];
    assert_eq!(names, expected);
    let id = &document["paths"]["/auth/web-app/login"]["post"]["operationId"];
    assert_eq!(id, "auth_web_app_login_auth_web_app_login_post");
}

#[derive(Debug)]
struct ApiHeader(&'static str);

impl Transport for ApiHeader {
    fn read(&self, headers: &HeaderMap, _: &Policy) -> Option<String> {
        Some(headers.get(self.0)?.to_str().ok()?.to_owned())
    }
    fn login(&self, token: &str) -> axum::response::Response {
        axum::response::IntoResponse::into_response(token.to_owned())
    }
    fn scheme(&self) -> SecurityScheme {
        SecurityScheme::Header { name: self.0.to_owned() }
    }
}

/// An application's own document, with a path, a schema and a scheme of its own.
fn applications_own() -> OpenApi {
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Camelot", "version": "2.0.0"},
        "paths": {"/hello": {"get": {"operationId": "hello", "security": [{"Own": []}], "responses": {
            "200": {"description": "Hail", "content": {"application/json": {
                "example": "Hail", "schema": {"$ref": "#/components/schemas/Greeting"}}}}}}}},
        "components": {
            "schemas": {"Greeting": {"type": "string"}},
            "securitySchemes": {"Own": {"type": "apiKey", "in": "header", "name": "x-own"}}}
    });
    serde_json::from_value(document).unwrap()
}

#[tokio::test]
async fn an_application_merges_or_nests_it_into_its_own() {
    let users = users::<Account>(two_backends);
    let merged = as_json(&applications_own().merge_from(users.openapi()));
    let nested = as_json(&applications_own().nest("/api", users.openapi()));
    for (document, prefix) in [(&merged, ""), (&nested, "/api")] {
        assert_sound(document);
        assert_eq!(document["info"]["title"], "Camelot");
        let mut expected = operations(&as_json(&users.openapi()));
        expected = expected.into_iter().map(|(path, method)| (format!("{prefix}{path}"), method)).collect();
        expected.insert(("/hello".to_owned(), "GET".to_owned()));
        assert_eq!(operations(document), expected);
        let components = &document["components"];
        assert!(
            components["schemas"].get("Greeting").is_some()
                && components["schemas"].get("UserRead").is_some()
        );
        assert_eq!(components["securitySchemes"].as_object().unwrap().len(), 3);
    }
    let document = OpenApi::new(Info::new("Parts", "1.0.0"), Paths::new())
        .merge_from(users.register_openapi("/accounts"))
        .merge_from(users.users_openapi("/accounts"));
    assert_sound(&as_json(&document));

    // Served by the application beside the routes.
    let router =
        Router::new().route("/openapi.json", get(async move || JsonBody(document))).merge(users.routes());
    let answer = Ask::new(router.with_state(()), "GET", "/openapi.json").send().await;
    assert_eq!(answer.json()["info"]["title"], "Parts");
}

/// What the routes answer is what the document says: the status, and the members of the body.
#[tokio::test]
async fn every_answer_is_documented() {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let app = TestApp::under(policy, Kind::Memory).await;
        let document = as_json(&app.users.openapi());
        let king = app.add(KING).await;
        app.add_superuser("merlin@camelot.bt").await;
        let (token, admin) =
            (app.login(KING, PASSWORD).await, app.login("merlin@camelot.bt", PASSWORD).await);
        let cookie = app.login_by_cookie(KING, PASSWORD).await;
        let (verify, reset) = (app.request_verify(KING).await, app.forgot(KING).await);
        let post = |path: &str, body: Value| (path.to_owned(), app.post(path).json(&body));
        let login = |backend: &str, password: &str| {
            let path = format!("/auth/{backend}/login");
            let ask = app.post(&path).form(&[("username", KING), ("password", password)]);
            (path, ask)
        };
        let user = |method: &str, id: &str, token: &str, body: Value| {
            let ask = app.ask(method, &format!("/users/{id}")).bearer(token).json(&body);
            ("/users/{id}".to_owned(), ask)
        };
        let me = |method: &str, token: &str, body: Value| {
            ("/users/me".to_owned(), app.ask(method, "/users/me").bearer(token).json(&body))
        };
        let new = json!({"email": "lancelot@camelot.bt", "password": PASSWORD});
        let taken = json!({"email": KING, "password": PASSWORD});
        let (id, none) = (king.id.to_string(), json!({}));
        let huge = || "x".repeat(65537);
        let elsewhere = |(path, ask): (String, Ask)| (path, ask.header("sec-fetch-site", "cross-site"));
        let by_cookie = |method: &str, path: &str| {
            let ask = app.ask(method, path).cookie(&cookie).json(&json!({}));
            elsewhere((path.to_owned(), ask))
        };
        let asks = [
            ("POST", post("/auth/register", new), 201),
            ("POST", post("/auth/register", taken), 400),
            ("POST", post("/auth/register", none.clone()), 422),
            ("POST", ("/auth/register".to_owned(), app.post("/auth/register").body("a/b", huge())), 413),
            ("POST", login("jwt", PASSWORD), 200),
            ("POST", login("cookie", PASSWORD), 204),
            ("POST", login("jwt", "wrong"), 400),
            ("POST", login("cookie", ""), 422),
            ("POST", elsewhere(login("cookie", PASSWORD)), 403),
            ("POST", post("/auth/forgot-password", json!({"email": KING})), 202),
            ("POST", post("/auth/forgot-password", none.clone()), 422),
            ("POST", post("/auth/request-verify-token", json!({"email": KING})), 202),
            ("POST", post("/auth/verify", json!({"token": "x"})), 400),
            ("POST", post("/auth/decline-verification", json!({"token": "x"})), 400),
            ("POST", post("/auth/verify", json!({"token": verify})), 200),
            ("POST", post("/auth/verify", json!({"token": verify})), 400),
            ("GET", me("GET", &token, none.clone()), 200),
            ("GET", me("GET", "forged", none.clone()), 401),
            ("PATCH", me("PATCH", &token, none.clone()), 200),
            ("PATCH", me("PATCH", &token, json!({"password": "x".repeat(5000)})), 400),
            ("POST", post("/auth/change-email", json!({"token": "x"})), 400),
            ("POST", post("/auth/revert-email-change", none.clone()), 422),
            ("PATCH", me("PATCH", &token, json!({"email": 5})), 422),
            ("PATCH", by_cookie("PATCH", "/users/me"), 403),
            ("POST", by_cookie("POST", "/auth/cookie/logout"), 403),
            ("POST", by_cookie("POST", "/auth/jwt/logout"), 403),
            ("GET", user("GET", &id, &admin, none.clone()), 200),
            ("GET", user("GET", &id, &token, none.clone()), 403),
            ("GET", user("GET", "x", &admin, none.clone()), 404),
            ("PATCH", user("PATCH", &id, &admin, none.clone()), 200),
            ("PATCH", user("PATCH", &id, "forged", none.clone()), 401),
            ("POST", post("/auth/reset-password", json!({"token": "x", "password": PASSWORD})), 400),
            ("POST", post("/auth/reset-password", json!({"token": reset, "password": PASSWORD})), 200),
            ("DELETE", user("DELETE", &id, &admin, none.clone()), 204),
            ("DELETE", user("DELETE", &id, &admin, none.clone()), 404),
            ("POST", ("/auth/jwt/logout".to_owned(), app.post("/auth/jwt/logout").bearer(&admin)), 204),
            ("POST", ("/auth/cookie/logout".to_owned(), app.post("/auth/cookie/logout")), 401),
        ];
        for (method, (path, ask), status) in asks {
            let answer = ask.send().await;
            let case = format!("{method} {path} {status}: {}", answer.text());
            assert_eq!(answer.status, status, "{case}");
            let documented =
                &document["paths"][&path][method.to_lowercase()]["responses"][status.to_string()];
            assert!(documented.is_object(), "{case} is not documented");
            for name in documented["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
                assert!(answer.header(name).is_some(), "{case} has no {name}");
            }
            let content = &documented["content"]["application/json"];
            assert_eq!(content.is_null(), status == 204, "{case}");
            if status != 204 {
                assert_fits(&answer.json(), content, &case);
            }
        }
    }
}

/// The answer has the form of the example, or of one of the examples.
#[track_caller]
fn assert_fits(answer: &Value, content: &Value, case: &str) {
    let several = content["examples"].as_object().into_iter().flat_map(|examples| examples.values());
    let mut examples = several.map(|example| &example["value"]).chain(content.get("example"));
    let members = |value: &Value| -> BTreeSet<String> {
        value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    // An error code is exactly one of those that are documented.
    let fits = |example: &Value| match &answer["detail"] {
        Value::String(detail) => example["detail"] == *detail,
        _ => members(answer) == members(example) && answer.is_null() == example.is_null(),
    };
    assert!(examples.any(fits), "{case} is like no example of {content}");
}
