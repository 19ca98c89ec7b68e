use std::time::Duration;

use axum_users::{Algorithm, Backend, Bearer, Cookie, Jwt, Opaque, Policy};

use crate::support::{KING, Kind, PASSWORD, Pair, SECRET, TestApp, read_claims};

const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Hs256,
    Algorithm::Hs384,
    Algorithm::Hs512,
    Algorithm::Rs256,
    Algorithm::Es256,
    Algorithm::EdDsa,
];

/// A strategy of this algorithm; each call with a key of its own.
fn strategy(algorithm: Algorithm, secret: &str) -> Jwt {
    match algorithm {
        Algorithm::Hs256 => Jwt::new(secret),
        Algorithm::Hs384 => Jwt::hs384(secret),
        Algorithm::Hs512 => Jwt::hs512(secret),
        _ => {
            let Pair { private, public } = Pair::generate(algorithm);
            Jwt::key_pair(algorithm, private, public).unwrap()
        }
    }
}

#[tokio::test]
async fn log_16_only_tokens_of_the_backends_own_key_and_algorithm_are_accepted() {
    let app = TestApp::with(Kind::Memory, |mut builder, _| {
        for (number, algorithm) in ALGORITHMS.into_iter().enumerate() {
            for key in ["a", "b"] {
                let secret = format!("{SECRET}{number}{key}");
                let name = format!("{}{key}", algorithm.name());
                builder = builder.backend(Backend::new(name, Bearer, strategy(algorithm, &secret)));
            }
        }
        builder
    })
    .await;
    app.add(KING).await;
    let names: Vec<_> = app.users.backends().iter().map(|backend| backend.name().to_owned()).collect();
    let router = app.router.clone().merge(crate::extract::guards(&app.users));
    for issuer in &names {
        let token = app.login_at(&format!("/auth/{issuer}/login"), KING, PASSWORD).await;
        let header = format!(r#"{{"alg":"{}","typ":"JWT"}}"#, &issuer[..issuer.len() - 1]);
        assert_eq!(crate::support::read_header(&token), header);
        for reader in &names {
            let answer = crate::extract::ask_only(&router, reader).bearer(&token).send().await;
            assert_eq!(answer.status, if issuer == reader { 200 } else { 401 }, "{issuer} at {reader}");
        }
    }
}

#[tokio::test]
async fn every_transport_carries_the_tokens_of_every_strategy() {
    let cookie = |name: &str| Cookie { name: name.to_owned(), ..Cookie::default() };
    let app = TestApp::with(Kind::Sqlite, |builder, store| {
        builder
            .backend(Backend::new("bearer_jwt", Bearer, Jwt::new(SECRET)))
            .backend(Backend::new("bearer_db", Bearer, Opaque::new(store.clone())))
            .backend(Backend::new("cookie_jwt", cookie("a"), Jwt::new(SECRET)))
            .backend(Backend::new("cookie_db", cookie("b"), Opaque::new(store.clone())))
    })
    .await;
    app.add(KING).await;
    for name in ["bearer_jwt", "bearer_db"] {
        let token = app.login_at(&format!("/auth/{name}/login"), KING, PASSWORD).await;
        assert_eq!(app.me(&token).await.status, 200, "{name}");
        assert_eq!(app.post(&format!("/auth/{name}/logout")).bearer(&token).send().await.status, 204);
        assert_eq!(app.me(&token).await.status, 401, "{name}");
    }
    for (name, cookie) in [("cookie_jwt", "a"), ("cookie_db", "b")] {
        let login = app.login_answer(&format!("/auth/{name}/login"), KING, PASSWORD).await;
        let pair = login.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        assert!(pair.starts_with(&format!("{cookie}=")), "{name}");
        assert_eq!(app.ask("GET", "/users/me").header("cookie", &pair).send().await.status, 200, "{name}");
        let logout = app.post(&format!("/auth/{name}/logout")).header("cookie", &pair).send().await;
        assert_eq!(logout.status, 204, "{name}");
        assert_eq!(app.ask("GET", "/users/me").header("cookie", &pair).send().await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn jwt_claims_are_those_of_the_contract_and_ours() {
    for (policy, audience) in [(Policy::secure(), ["a", "b"]), (Policy::fastapi_users(), ["b", "a"])] {
        let app = TestApp::with(Kind::Memory, |builder, _| {
            let strategy = Jwt::new(SECRET).lifetime(60).audience(audience);
            builder.policy(policy).backend(Backend::new("jwt", Bearer, strategy))
        })
        .await;
        let user = app.add(KING).await;
        let claims = read_claims(&app.login(KING, PASSWORD).await);
        let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["sub", "aud", "exp", "iat", "auth_time", "jti", "fgp"]);
        assert_eq!(claims["sub"], user.id.to_string());
        assert_eq!(claims["aud"], serde_json::json!(audience));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    }
}

#[tokio::test]
async fn ses_7_tokens_expire() {
    let app = TestApp::with(Kind::Sqlite, |builder, store| {
        builder.backend(Backend::new("jwt", Bearer, Jwt::new(SECRET).lifetime(1))).backend(Backend::new(
            "db",
            Bearer,
            Opaque::new(store.clone()).lifetime(1),
        ))
    })
    .await;
    app.add(KING).await;
    let tokens = [app.login(KING, PASSWORD).await, app.login_at("/auth/db/login", KING, PASSWORD).await];
    for token in &tokens {
        // The second may end between login and look: then the next look is what counts.
        assert!(matches!(app.me(token).await.status, 200 | 401));
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    for token in &tokens {
        app.me(token).await.assert_detail(401, "Unauthorized");
    }
}

#[test]
fn keys_that_cannot_work_are_refused_at_once() {
    let pair = |algorithm| Pair::generate(algorithm);
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let (own, other) = (pair(algorithm), pair(algorithm));
        assert!(Jwt::key_pair(algorithm, own.private.clone(), &own.public).is_ok());
        let error = Jwt::key_pair(algorithm, own.private.clone(), &other.public).unwrap_err().to_string();
        assert_eq!(error, "the public key does not verify what the private key signs");
        assert!(Jwt::key_pair(algorithm, own.public.clone(), &own.public).is_err(), "no private key");
        assert!(Jwt::key_pair(Algorithm::Hs256, own.private.clone(), &own.public).is_err());
        let foreign = if algorithm == Algorithm::EdDsa { Algorithm::Es256 } else { Algorithm::EdDsa };
        assert!(Jwt::key_pair(foreign, own.private, own.public).is_err());
    }
}
