use axum_users::{DuplicateRegistration, Policy, Users};

use super::{as_json, two_backends, users};
use crate::support::jwt;

#[test]
fn codes_and_reasons_follow_the_settings() {
    let codes = |users: &Users, path: &str| -> Vec<String> {
        let document = as_json(&users.openapi());
        let examples =
            &document["paths"][path]["post"]["responses"]["400"]["content"]["application/json"]["examples"];
        examples.as_object().unwrap().keys().cloned().collect()
    };
    let plain = users::<axum_users::NoProfile>(two_backends);
    let strict = users::<axum_users::NoProfile>(|builder, _| {
        let policy = Policy { logout_for_everybody: false, recent_login: None, ..Policy::secure() };
        let policy = Policy { duplicate_registration: DuplicateRegistration::Hide, ..policy };
        builder.backend(jwt().require_verified()).policy(policy).require_verified_users()
    });
    assert_eq!(codes(&plain, "/auth/jwt/login"), ["LOGIN_BAD_CREDENTIALS", "UNREADABLE_BODY"]);
    assert_eq!(
        codes(&strict, "/auth/jwt/login"),
        ["LOGIN_BAD_CREDENTIALS", "LOGIN_USER_NOT_VERIFIED", "UNREADABLE_BODY"]
    );
    assert!(codes(&plain, "/auth/register").contains(&"REGISTER_USER_ALREADY_EXISTS".to_owned()));
    assert!(!codes(&strict, "/auth/register").contains(&"REGISTER_USER_ALREADY_EXISTS".to_owned()));
    let document = as_json(&strict.openapi());
    for (path, method) in [("/users/me", "get"), ("/users/me", "patch"), ("/auth/jwt/logout", "post")] {
        let forbidden = &document["paths"][path][method]["responses"]["403"];
        assert_eq!(forbidden["description"], "The e-mail address is not verified.", "{method} {path}");
    }
    // No cookie, no other sites.
    let bearer = users::<axum_users::NoProfile>(|builder, _| {
        builder.backend(jwt()).policy(Policy { recent_login: None, ..Policy::secure() })
    });
    let document = as_json(&bearer.openapi());
    for (path, method) in [("/users/me", "patch"), ("/auth/jwt/logout", "post"), ("/auth/jwt/login", "post")]
    {
        assert_eq!(document["paths"][path][method]["responses"].get("403"), None, "{method} {path}");
    }
}
