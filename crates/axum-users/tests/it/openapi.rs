//! The OpenAPI document of the mounted routes.

use axum_users::{Backend, Bearer, Cookie, Jwt, MemoryStore, Opaque, Profile, UserId, Users};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::support::SECRET;

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
#[profile(id = i64)]
struct Account {
    /// Shown in greetings.
    first_name: String,
    age: Option<i32>,
    #[serde(skip)]
    stripe_id: Option<String>,
}

fn document<P: Profile>(backends: impl IntoIterator<Item = Backend<P>>) -> Value
where
    P::Id: UserId,
{
    let builder = Users::<P>::builder(MemoryStore::new(), SECRET);
    let users = backends.into_iter().fold(builder, axum_users::UsersBuilder::backend).build().unwrap();
    serde_json::to_value(users.openapi()).unwrap()
}

fn both<P: Profile>() -> [Backend<P>; 2] {
    [
        Backend::new("jwt", Bearer, Jwt::new(SECRET)),
        Backend::new("cookie", Cookie::default(), Opaque::new(MemoryStore::<P>::new())),
    ]
}

/// `UPDATE_GOLDEN=1` renews the file.
#[test]
fn the_document_is_the_pinned_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/openapi.json");
    let document = serde_json::to_string_pretty(&document::<Account>(both())).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &document).unwrap();
    }
    let pinned = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        document == pinned,
        "the document has changed: if that is right, run this test with UPDATE_GOLDEN=1"
    );
}

/// Contract A14: the names that generated clients are made of.
#[test]
fn operations_are_named_as_fastapi_users_names_them() {
    let document = document::<Account>(both());
    let rows = [
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
    ];
    for (path, method, name) in rows {
        assert_eq!(document["paths"][path][method]["operationId"], name, "{method} {path}");
    }
    let described: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|methods| methods.as_object().unwrap().len())
        .sum();
    assert_eq!(described, rows.len() + 2, "login and logout of the other backend, and nothing else");
}

#[test]
fn private_columns_are_not_shown() {
    let document = document::<Account>(both()).to_string();
    assert!(document.contains("first_name") && document.contains("Shown in greetings."));
    assert!(!document.contains("stripe_id") && !document.contains("hashed_password"));
}

/// Contract C3 #31: in fastapi-users the second bearer backend takes the place of the first.
#[test]
fn two_bearer_backends_are_two_security_schemes() {
    let backends = ["jwt", "mobile"].map(|name| Backend::<Account>::new(name, Bearer, Jwt::new(SECRET)));
    let document = document(backends);
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    let urls: Vec<&Value> = schemes.values().map(|scheme| &scheme["flows"]["password"]["tokenUrl"]).collect();
    assert_eq!(schemes.len(), 2, "{schemes:?}");
    assert_ne!(urls[0], urls[1]);
    let alternatives = document["paths"]["/users/me"]["get"]["security"].as_array().unwrap();
    assert_eq!(alternatives.len(), 2);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document::<Account>(both());
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
