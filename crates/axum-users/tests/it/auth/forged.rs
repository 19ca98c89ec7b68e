use axum_users::{Policy, TokenOptions};
use serde_json::{Value, json};

use crate::support::{
    KING, Kind, PASSWORD, SECRET, TestApp, claims, forge, jwt, on_every_store, stored_cookie,
};

on_every_store![log_18_no_token_serves_another_purpose, log_22_stored_values_open_nothing];

/// All secrets are one on purpose: only the audience keeps the kinds apart.
async fn one_secret(kind: Kind, policy: Policy) -> TestApp {
    TestApp::with(kind, |builder, store| {
        let secret = || Some(SECRET.into());
        builder
            .policy(policy)
            .backend(jwt())
            .backend(stored_cookie(store))
            .reset_token(TokenOptions { secret: secret(), ..TokenOptions::reset() })
            .verification_token(TokenOptions { secret: secret(), ..TokenOptions::verification() })
    })
    .await
}

async fn log_18_no_token_serves_another_purpose(kind: Kind) {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let app = one_secret(kind, policy).await;
        let id = app.add(KING).await.id;
        let tokens = [
            ("session", app.login(KING, PASSWORD).await),
            ("stored", app.login_by_cookie(KING, PASSWORD).await),
            ("verify", app.request_verify(KING).await),
            ("reset", app.forgot(KING).await),
            ("state", forge(&claims(&id, "fastapi-users:oauth-state", 60), SECRET)),
            ("refresh", forge(&claims(&id, "fastapi-users:refresh", 60), SECRET)),
            ("id token", forge(&claims(&id, "some client", 60), SECRET)),
        ];
        for (kind, token) in &tokens {
            let accepted = [
                ("session", app.me(token).await.status == 200),
                ("stored", app.me_by_cookie(token).await.status == 200),
                (
                    "verify",
                    app.post("/auth/verify").json(&json!({ "token": token })).send().await.status == 200,
                ),
                ("reset", app.reset(token, "another password").await.status == 200),
            ];
            for (purpose, accepted) in accepted {
                assert_eq!(accepted, *kind == purpose, "{kind} as {purpose}");
            }
        }
    }
}

#[tokio::test]
async fn log_21_tokens_signed_with_samples_open_nothing() {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let app = one_secret(Kind::Memory, policy).await;
        let id = app.add(KING).await.id;
        let mut claims = claims(&id, "fastapi-users:auth", 60);
        let real = crate::support::read_claims(&app.login(KING, PASSWORD).await);
        for name in ["iat", "jti", "fgp"] {
            claims[name] = real[name].clone();
        }
        for sample in ["", "SECRET", "secret", "changeme", "your-256-bit-secret", &SECRET.to_uppercase()] {
            app.me(&forge(&claims, sample)).await.assert_detail(401, "Unauthorized");
        }
        assert_eq!(app.me(&forge(&claims, SECRET)).await.status, 200);
    }
}

async fn log_22_stored_values_open_nothing(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let (token, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    let revoked = app.login(KING, PASSWORD).await;
    assert_eq!(app.post("/auth/jwt/logout").bearer(&revoked).send().await.status, 204);
    let mut stored = app.store.stored_tokens();
    if let Some(database) = &app.store.database {
        let pool = database.foreign().await;
        for column in ["token FROM accesstoken", "digest FROM revoked_token", "hashed_password FROM \"user\""]
        {
            let sql = sqlx::AssertSqlSafe(format!("SELECT {column}"));
            stored.extend(sqlx::query_scalar::<_, String>(sql).fetch_all(&pool).await.unwrap());
        }
    }
    assert!(stored.len() >= 2);
    for value in &stored {
        assert!(![&token, &cookie, &revoked].contains(&value), "a token stands in the database");
        assert_eq!(app.me_by_cookie(value).await.status, 401);
        assert_eq!(app.me(value).await.status, 401);
    }
}

/// Claims as a running fastapi-users writes them, and everything it accepts, for both policies.
#[tokio::test]
async fn log_17_what_forged_claims_open() {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let lenient = policy.share_tokens_with_fastapi_users;
        let app = one_secret(Kind::Memory, policy).await;
        let id = app.add(KING).await.id;
        let aud = json!(["fastapi-users:auth"]);
        let later = claims(&id, "", 60)["exp"].clone();
        let upper = id.to_string().to_uppercase();
        let urn = format!("urn:uuid:{id}");
        // What a token of fastapi-users looks like, and lax forms of it.
        for claims in [
            json!({"sub": id, "aud": aud, "exp": later}),
            json!({"sub": id, "aud": aud}),
            json!({"sub": id, "aud": "fastapi-users:auth", "exp": later}),
            json!({"sub": id, "aud": aud, "exp": later.to_string()}),
            json!({"sub": id, "aud": aud, "exp": later.as_f64()}),
            json!({"sub": upper, "aud": aud, "exp": later}),
            json!({"sub": urn, "aud": aud, "exp": later, "iss": "me"}),
        ] {
            let status = app.me(&forge(&claims, SECRET)).await.status;
            assert_eq!(status, if lenient { 200 } else { 401 }, "{claims}");
        }
        let good = || claims(&id, "fastapi-users:auth", 60);
        for (name, value) in [
            ("exp", json!(1)),
            ("exp", json!(null)),
            ("exp", json!(-1)),
            ("iat", json!(32_503_680_000_i64)),
            ("iat", json!("now")),
            ("nbf", json!(32_503_680_000_i64)),
            ("aud", json!(null)),
            ("aud", json!([])),
            ("aud", json!(["other"])),
            ("aud", json!(["fastapi-users:auth", 1])),
            ("sub", json!(null)),
            ("sub", json!(1)),
            ("sub", json!([id])),
            ("sub", json!({"id": id})),
            ("sub", json!("nobody")),
            ("sub", json!("00000000-0000-4000-8000-000000000000")),
            ("jti", json!(1)),
        ] {
            let mut claims: Value = good();
            claims[name] = value;
            assert_eq!(app.me(&forge(&claims, SECRET)).await.status, 401, "{claims}");
        }
        assert_eq!(app.me(&forge(&good(), "SECRET")).await.status, 401, "LOG-21");
        assert_eq!(app.me(&forge(&good(), "")).await.status, 401, "LOG-21");
    }
}

#[tokio::test]
async fn log_19_every_change_of_a_token_is_refused() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let (token, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    let swapped = |text: &str| -> String {
        text.chars()
            .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect()
    };
    for end in (1..token.len()).step_by(7) {
        assert_eq!(app.me(&token[..end]).await.status, 401, "prefix of {end}");
    }
    for changed in [format!("{token}A"), format!("{token}="), format!("{token}."), swapped(&token)] {
        assert_eq!(app.me(&changed).await.status, 401, "{changed}");
    }
    for changed in [format!("{cookie}A"), cookie[..42].to_owned(), swapped(&cookie)] {
        assert_eq!(app.me_by_cookie(&changed).await.status, 401, "{changed}");
    }
}
