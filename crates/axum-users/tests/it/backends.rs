//! What cannot work, or is unsafe, is refused when `Users` is built, by a message that says what to change.

use axum_users::{
    Backend, Bearer, BuildError, Cookie, DuplicateRegistration, Jwt, MemoryStore, NoProfile, Policy, Profile,
    SameSite, TokenOptions, Users, UsersBuilder, password::Argon2id,
};

use crate::support::SECRET;

fn builder() -> UsersBuilder<NoProfile, MemoryStore> {
    Users::builder(MemoryStore::new(), SECRET)
}

fn jwt(name: &str) -> Backend {
    Backend::new(name, Bearer, Jwt::new(SECRET))
}

fn cookie(cookie: Cookie) -> UsersBuilder<NoProfile, MemoryStore> {
    builder().backend(Backend::new("cookie", cookie, Jwt::new(SECRET)))
}

/// Every part of the message is there, and no secret.
#[track_caller]
fn refused<P: Profile>(builder: UsersBuilder<P, MemoryStore<P>>, parts: &[&str]) {
    let error: BuildError = builder.build().expect_err("the settings are refused");
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} does not name {part:?}");
    }
    for secret in [SECRET, "hunter2"] {
        assert!(!message.contains(secret), "{message:?} tells a secret");
    }
}

#[test]
fn cfg_1_weak_secrets_are_named_and_not_told() {
    let with_reset = |secret: &str| {
        builder().reset_token(TokenOptions { secret: Some(secret.into()), ..TokenOptions::reset() })
    };
    let with_verification = |secret: &str| {
        let options = TokenOptions { secret: Some(secret.into()), ..TokenOptions::verification() };
        builder().verification_token(options)
    };
    let of_strategy = |secret: &str| builder().backend(Backend::new("session", Bearer, Jwt::new(secret)));
    for weak in [
        "",
        "hunter2",
        &"a".repeat(64),
        &format!("changeme{SECRET}"),
        "SECRET",
        "0123456789012345678901234567890",
    ] {
        refused(
            Users::<NoProfile>::builder(MemoryStore::new(), weak),
            &["the secret of the builder", "openssl rand"],
        );
        refused(with_reset(weak), &["the secret of reset tokens", "openssl rand"]);
        refused(with_verification(weak), &["the secret of verification tokens", "openssl rand"]);
        refused(of_strategy(weak), &["\"session\"", "the secret of the JWT strategy", "openssl rand"]);
        let lenient = of_strategy(weak).policy(Policy { weak_secrets: true, ..Policy::secure() });
        assert!(lenient.build().is_ok());
    }
    assert!(with_reset(SECRET).build().is_ok());
}

#[test]
fn names_are_unique_as_operation_ids_see_them() {
    for (first, second) in [("jwt", "jwt"), ("a-b", "ab"), ("a.b", "a b"), ("é1", "1")] {
        let both = builder().backend(jwt(first).prefix("/x")).backend(jwt(second).prefix("/y"));
        refused(both, &[&format!("{second:?}"), "taken"]);
    }
    for empty in ["", "-", "é"] {
        refused(builder().backend(jwt(empty).prefix("/x")), &[&format!("{empty:?}"), "empty"]);
    }
    assert!(builder().backend(jwt("a_b")).backend(jwt("ab")).build().is_ok());
}

#[test]
fn prefixes_are_paths_of_their_own() {
    for bad in ["", "x", "/x/", "/", "/{id}", "/*x", "/x?y", "/x#y", "auth/jwt"] {
        refused(builder().backend(jwt("jwt").prefix(bad)), &[&format!("{bad:?}"), "\"jwt\""]);
    }
    let same = builder().backend(jwt("a").prefix("/x")).backend(jwt("b").prefix("/x"));
    refused(same, &["\"/x\"", "\"b\"", "taken"]);
}

#[test]
fn tokens_without_an_end_or_an_audience_are_refused() {
    let with = |strategy: Jwt| builder().backend(Backend::new("session", Bearer, strategy));
    refused(with(Jwt::new(SECRET).lifetime(None)), &["\"session\"", "lifetime", "for ever"]);
    refused(with(Jwt::new(SECRET).lifetime(0)), &["\"session\"", "lifetime"]);
    refused(with(Jwt::new(SECRET).audience(Vec::<String>::new())), &["\"session\"", "audience"]);
    let same = TokenOptions { audience: "fastapi-users:reset".into(), ..TokenOptions::verification() };
    refused(builder().verification_token(same), &["audience"]);
}

#[test]
fn one_time_tokens_that_never_work_are_refused() {
    let never = |options: TokenOptions| TokenOptions { lifetime: 0, ..options };
    refused(builder().reset_token(never(TokenOptions::reset())), &["reset tokens", "lifetime"]);
    refused(
        builder().verification_token(never(TokenOptions::verification())),
        &["verification tokens", "lifetime"],
    );
}

/// CFG-2: an origin that no browser sends would silently be trusted by nobody.
#[test]
fn cfg_2_trusted_origins_are_what_browsers_send() {
    for wrong in [
        "",
        "*",
        "null",
        "app.example",
        "https://",
        "https://app.example/",
        "https://app.example/path",
        "https://app.example?x",
        "https://App.example",
        "HTTPS://app.example",
        "https://*.example",
        "https://user@app.example",
        "https://app.example:443",
        "http://app.example:80",
        "https://bücher.example",
        "ftp://app.example",
        "https://app.example ",
    ] {
        refused(builder().trusted_origins([wrong]), &["trusted origin", &format!("{wrong:?}")]);
    }
    let origins = [
        "https://app.example",
        "http://localhost:5173",
        "https://[::1]:8443",
        "https://xn--bcher-kva.example",
        "tauri://localhost",
    ];
    assert!(builder().trusted_origins(origins).build().is_ok());
}

#[test]
fn cfg_2_cookies_that_browsers_drop_or_misread_are_refused() {
    let default = Cookie::default;
    refused(
        cookie(Cookie { same_site: SameSite::None, secure: false, ..default() }),
        &["\"cookie\"", "SameSite"],
    );
    refused(cookie(Cookie { name: "__Host-a".into(), path: "/x".into(), ..default() }), &["__Host-"]);
    refused(cookie(Cookie { name: "__Secure-a".into(), secure: false, ..default() }), &["__Secure-"]);
    for name in ["", "a b", "a=b", "a;b", "é", "a\n"] {
        refused(cookie(Cookie { name: name.into(), ..default() }), &["cookie name"]);
    }
    refused(cookie(Cookie { path: "/;x".into(), ..default() }), &["path"]);
    refused(cookie(Cookie { domain: Some("x\r\ny".into()), ..default() }), &["domain"]);
    assert!(cookie(Cookie { name: "__Host-a".into(), ..default() }).build().is_ok());
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
#[profile(id = i64)]
struct Numbered {}

#[test]
fn reg_1_ids_of_the_database_would_tell_hidden_duplicates() {
    let policy = || Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
    let numbered = Users::<Numbered>::builder(MemoryStore::new(), SECRET);
    refused(numbered.policy(policy()), &["duplicate registrations", "UUID"]);
    assert!(builder().policy(policy()).build().is_ok());
}

#[test]
fn parameters_of_hashing_are_bounded() {
    for hashing in [
        Argon2id { memory_kib: 4, ..Argon2id::secure() },
        Argon2id { memory_kib: u32::MAX, ..Argon2id::secure() },
        Argon2id { iterations: 0, ..Argon2id::secure() },
        Argon2id { parallelism: 200, ..Argon2id::secure() },
    ] {
        refused(builder().policy(Policy { hashing, ..Policy::secure() }), &["Argon2id"]);
    }
}

#[test]
fn lgs_1_builders_and_handles_print_no_secret() {
    let builder = builder().backend(jwt("jwt"));
    let options = TokenOptions { secret: Some(SECRET.into()), ..TokenOptions::reset() };
    let strategy = Jwt::new(SECRET);
    let shown = format!("{builder:?} {options:?} {strategy:?} {:?}", jwt("jwt"));
    let users = builder.build().unwrap();
    let shown = format!("{shown} {users:?} {:?} {:?}", users.manager(), users.policy());
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(shown.contains("jwt"));
}
