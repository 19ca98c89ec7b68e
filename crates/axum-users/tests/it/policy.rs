//! Every switch of the policy, on its own, in both positions. Some are tested with their feature: other rules of
//! passwords in `password`, `duplicate_registration` in `register`, `end_sessions_on_password_change` in `auth::sessions`,
//! `share_tokens_with_fastapi_users` in `auth::forged` and `reset`, `lenient_ids` in `users`, `oauth_shared_cookie` and
//! `oauth_any_scope` in `oauth::flow`, `oauth_redirect_from_host` in `oauth::settings`, `recent_login` in `recent_login`.

use axum_users::{
    Backend, Bearer, Context, Jwt, MemoryStore, Opaque, PasswordRules, Policy, StoredTokens, Users,
    email::EmailRules,
    password::{Argon2id, Rehash},
};
use serde_json::json;

use crate::support::{KING, Kind, PASSWORD, SECRET, TestApp, claims, forge, jwt, read_claims};

async fn under(policy: Policy) -> TestApp {
    TestApp::under(policy, Kind::Memory).await
}

#[tokio::test]
async fn email_decides_which_addresses_are_accepted() {
    let long = format!("{}@camelot.bt", "x".repeat(65));
    let switches: [(EmailRules, &str, &str); 4] = [
        (
            EmailRules { display_name: true, ..EmailRules::secure() },
            "Arthur <arthur@camelot.bt>",
            "arthur@camelot.bt",
        ),
        (EmailRules { unicode_local_part: true, ..EmailRules::secure() }, "é@camelot.bt", "é@camelot.bt"),
        (EmailRules { routing_characters: true, ..EmailRules::secure() }, "a%b@camelot.bt", "a%b@camelot.bt"),
        (EmailRules { long_local_part: true, ..EmailRules::secure() }, &long, &long),
    ];
    let strict = under(Policy::secure()).await;
    for (email, address, stored) in switches {
        assert_eq!(strict.register(address, PASSWORD).await.status, 422, "{address}");
        let app = under(Policy { email, ..Policy::secure() }).await;
        let answer = app.register(address, PASSWORD).await;
        assert_eq!((answer.status, &answer.json()["email"]), (201, &json!(stored)));
        app.login(stored, PASSWORD).await;
    }
}

#[tokio::test]
async fn password_decides_which_passwords_are_accepted() {
    let rules = Policy::secure().password;
    let no_email = PasswordRules { reject_email: false, ..rules };
    let status = async |password: PasswordRules, text: &str| {
        under(Policy { password, ..Policy::secure() }).await.register(KING, text).await.status
    };
    assert_eq!(
        (status(rules, "kvm").await, status(PasswordRules { min_length: 0, ..rules }, "kvm").await),
        (400, 201)
    );
    assert_eq!(
        (
            status(rules, "my king.arthur@camelot.bt").await,
            status(no_email, "my king.arthur@camelot.bt").await
        ),
        (400, 201)
    );
    let long = "x".repeat(100);
    assert_eq!(
        (status(rules, &long).await, status(PasswordRules { max_bytes: 99, ..rules }, &long).await),
        (201, 400)
    );
    // Length counts characters, the limit bytes.
    assert_eq!(status(rules, "éééééééé").await, 201);
    assert_eq!(status(PasswordRules { max_bytes: 15, ..rules }, "éééééééé").await, 400);
    assert_eq!(under(Policy::fastapi_users()).await.register(KING, "").await.status, 201, "as there");
}

const WEAK: Argon2id = Argon2id { memory_kib: 8, iterations: 1, ..Argon2id::secure() };
const STRONG: Argon2id = Argon2id { memory_kib: 16, ..Argon2id::secure() };

/// Creates a user under one policy and logs in under another: the parameters of the hash then.
async fn hash_after_login(created: Argon2id, now: Argon2id) -> (String, String) {
    let store = MemoryStore::new();
    let users = |hashing: Argon2id| -> Users {
        let policy = Policy { hashing, ..Policy::secure() };
        Users::builder(store.clone(), SECRET).policy(policy).build().unwrap()
    };
    let none = Context::none();
    let king = axum_users::CreateUser::new(KING, PASSWORD, axum_users::NoProfile {});
    let before = users(created).manager().create(king, &none).await.unwrap();
    let after = users(now).manager().authenticate(KING, PASSWORD, &Context::none()).await.unwrap();
    (before.hashed_password.into_string(), after.hashed_password.into_string())
}

#[tokio::test]
async fn hashing_decides_the_parameters_and_when_a_hash_is_made_anew() {
    let exact = |hashing: Argon2id| Argon2id { rehash: Rehash::Exact, ..hashing };
    let (weak, strong) = ("$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$v=19$m=16,t=2,p=1$");
    for (created, now, before, after) in [
        (WEAK, STRONG, weak, strong),
        (STRONG, WEAK, strong, strong),
        (STRONG, exact(WEAK), strong, weak),
        (WEAK, exact(STRONG), weak, strong),
    ] {
        let hashes = hash_after_login(created, now).await;
        assert!(hashes.0.starts_with(before) && hashes.1.starts_with(after), "{created:?} to {now:?}");
    }
    let (before, after) = hash_after_login(STRONG, exact(STRONG)).await;
    assert_eq!(before, after, "what is right stays");
}

#[tokio::test]
async fn revoke_jwt_on_logout() {
    for (revoke_jwt_on_logout, status) in [(true, 401), (false, 200)] {
        let app = under(Policy { revoke_jwt_on_logout, ..Policy::secure() }).await;
        app.add(KING).await;
        let token = app.login(KING, PASSWORD).await;
        assert_eq!(app.post("/auth/jwt/logout").bearer(&token).send().await.status, 204);
        assert_eq!(app.me(&token).await.status, status);
    }
}

#[tokio::test]
async fn reset_verifies() {
    for reset_verifies in [true, false] {
        let app = under(Policy { reset_verifies, ..Policy::secure() }).await;
        app.add(KING).await;
        let token = app.forgot(KING).await;
        assert_eq!(app.reset(&token, "excalibur in the stone").await.status, 200);
        assert_eq!(app.user(KING).await.is_verified, reset_verifies);
        assert_eq!(app.hooks.take_names().contains(&"after_verify"), reset_verifies);
    }
}

#[tokio::test]
async fn end_sessions_on_password_change() {
    for (end_sessions_on_password_change, status) in [(true, 401), (false, 200)] {
        let app = under(Policy { end_sessions_on_password_change, ..Policy::secure() }).await;
        app.add(KING).await;
        let (token, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
        let reset = app.forgot(KING).await;
        assert_eq!(app.reset(&reset, "another password").await.status, 200);
        assert_eq!((app.me(&token).await.status, app.me_by_cookie(&cookie).await.status), (status, status));
    }
}

#[tokio::test]
async fn stored_tokens() {
    for (stored_tokens, is_clear) in [(StoredTokens::Digest, false), (StoredTokens::Clear, true)] {
        let app = under(Policy { stored_tokens, ..Policy::secure() }).await;
        let user = app.add(KING).await;
        let cookie = app.login_by_cookie(KING, PASSWORD).await;
        assert_eq!(app.store.stored_tokens().contains(&cookie), is_clear);
        // A row that fastapi-users wrote opens a session where the policy shares the table.
        let theirs = "A".repeat(43);
        let now = time::OffsetDateTime::now_utc();
        axum_users::TokenStore::insert(
            &app.store,
            axum_users::NewToken { token: &theirs, user: &user.id, created_at: now, expires_at: None },
        )
        .await
        .unwrap();
        assert_eq!(app.me_by_cookie(&theirs).await.status == 200, is_clear);
    }
}

#[tokio::test]
async fn share_tokens_with_fastapi_users() {
    for (share, status) in [(true, 200), (false, 401)] {
        let policy = Policy { share_tokens_with_fastapi_users: share, ..Policy::secure() };
        let app = under(policy).await;
        let user = app.add(KING).await;
        let expiry = claims(&user.id, "", 60)["exp"].clone();
        let theirs = json!({"sub": user.id, "aud": ["fastapi-users:auth"], "exp": expiry});
        assert_eq!(app.me(&forge(&theirs, SECRET)).await.status, status);
    }
}

#[tokio::test]
async fn unbounded_token_life() {
    for unbounded_token_life in [true, false] {
        let policy = || Policy { unbounded_token_life, ..Policy::secure() };
        let strategies: [Backend; 3] = [
            Backend::new("jwt", Bearer, Jwt::new(SECRET).lifetime(None)),
            Backend::new("jwt", Bearer, Jwt::new(SECRET).lifetime(0)),
            Backend::new("db", Bearer, Opaque::new(MemoryStore::new()).lifetime(None)),
        ];
        for backend in strategies {
            let built = Users::builder(MemoryStore::new(), SECRET).policy(policy()).backend(backend).build();
            assert_eq!(built.is_ok(), unbounded_token_life, "{:?}", built.err());
        }
    }
    let policy = Policy { unbounded_token_life: true, ..Policy::secure() };
    let app = TestApp::with(Kind::Memory, |builder, store| {
        builder
            .policy(policy)
            .backend(Backend::new("jwt", Bearer, Jwt::new(SECRET).lifetime(None)))
            .backend(Backend::new("db", Bearer, Opaque::new(store.clone()).lifetime(0)))
    })
    .await;
    let user = app.add(KING).await;
    let token = app.login(KING, PASSWORD).await;
    assert_eq!(read_claims(&token).get("exp"), None);
    assert_eq!(app.me(&token).await.status, 200);
    assert_eq!(app.post("/auth/jwt/logout").bearer(&token).send().await.status, 204);
    assert_eq!(app.me(&token).await.status, 401, "revoked for ever");
    let stored = app.login_at("/auth/db/login", KING, PASSWORD).await;
    assert_eq!(app.me(&stored).await.status, 200);

    let mut forever = claims(&user.id, "fastapi-users:auth", 60);
    forever["fgp"] = read_claims(&token)["fgp"].clone();
    let dated = forge(&forever, SECRET);
    forever.as_object_mut().unwrap().remove("exp");
    let app_statuses = (app.me(&dated).await.status, app.me(&forge(&forever, SECRET)).await.status);
    assert_eq!(app_statuses, (200, 200));
    let strict = TestApp::with(Kind::Memory, |builder, _| builder.backend(jwt())).await;
    let user = strict.add(KING).await;
    forever["sub"] = user.id.to_string().into();
    forever["fgp"] = read_claims(&strict.login(KING, PASSWORD).await)["fgp"].clone();
    assert_eq!(strict.me(&forge(&forever, SECRET)).await.status, 401);
}

#[test]
fn weak_secrets() {
    for weak_secrets in [true, false] {
        let policy = Policy { weak_secrets, ..Policy::secure() };
        let built: Result<Users, _> = Users::builder(MemoryStore::new(), "SECRET").policy(policy).build();
        assert_eq!(built.is_ok(), weak_secrets);
    }
}

#[tokio::test]
async fn lenient_duplicates() {
    for (lenient_duplicates, body_status, cookie_status) in [(true, 201, 200), (false, 422, 401)] {
        let app = under(Policy { lenient_duplicates, ..Policy::secure() }).await;
        let body = r#"{"email":"king.arthur@camelot.bt","password":"x","password":"guinevere1"}"#;
        let answer = app.post("/auth/register").body("application/json", body).send().await;
        assert_eq!(answer.status, body_status);
        app.register(KING, PASSWORD).await;
        let form = [("username", "x"), ("username", KING), ("password", PASSWORD)];
        let answer = app.post("/auth/jwt/login").form(&form).send().await;
        assert_eq!(answer.status == 200, lenient_duplicates);
        let cookie = app.login_by_cookie(KING, PASSWORD).await;
        let twice = format!("__Host-fastapiusersauth=x; __Host-fastapiusersauth={cookie}");
        assert_eq!(app.ask("GET", "/users/me").header("cookie", &twice).send().await.status, cookie_status);
    }
}

#[tokio::test]
async fn echo_input() {
    for echo_input in [true, false] {
        let app = under(Policy { echo_input, ..Policy::secure() }).await;
        let answer = app.post("/auth/forgot-password").json(&json!({"email": 5})).send().await;
        let shown = answer.json()["detail"][0].get("input").cloned();
        assert_eq!(shown, echo_input.then(|| json!(5)));
    }
}

#[tokio::test]
async fn www_authenticate() {
    for www_authenticate in [true, false] {
        let policy = Policy { www_authenticate, ..Policy::secure() };
        let app = under(policy).await;
        for (method, path) in
            [("GET", "/users/me"), ("PATCH", "/users/me"), ("POST", "/auth/jwt/logout"), ("GET", "/users/x")]
        {
            let answer = app.ask(method, path).send().await;
            answer.assert_detail(401, "Unauthorized");
            assert_eq!(answer.header("www-authenticate"), www_authenticate.then_some("Bearer"), "{path}");
        }
    }
}
