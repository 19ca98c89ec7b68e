use std::{os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use axum_users_testkit::{Purpose, Server};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{CHEAP, KING, PASSWORD, Running, answer};

#[tokio::test]
async fn without_configuration_there_is_a_system_that_works() {
    let running = Running::start("");
    let mode = |path: &str| running.folder.path().join(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data"), mode("data/secrets.toml")), (0o700, 0o600));

    let (status, user) = running.register(KING, PASSWORD).await;
    assert_eq!(status, 201, "{user}");
    let token = running.token(KING, PASSWORD).await;
    assert_eq!(running.me(&token).await, (reqwest::StatusCode::OK, user.clone()));

    let cookie = running.post("/auth/cookie/login").form(&[("username", KING), ("password", PASSWORD)]);
    let response = cookie.send().await.unwrap();
    assert_eq!(response.status(), 204);
    let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(answer(running.get("/users/me").header("cookie", cookie)).await.1, user);

    let change = running.patch("/users/me").bearer_auth(&token).json(&json!({"email": "wart@camelot.bt"}));
    assert_eq!(answer(change).await.1["email"], KING);
    let confirm = json!({"token": running.mailed_token("wart@camelot.bt", Purpose::Confirm).await});
    let confirmed = answer(running.post("/auth/change-email").json(&confirm)).await.1;
    assert_eq!((&confirmed["email"], &confirmed["is_verified"]), (&json!("wart@camelot.bt"), &json!(true)));
    assert_eq!(running.login(KING, PASSWORD).await.0, 400);
}

#[tokio::test]
async fn a_killed_server_takes_its_port_and_folder_again_and_has_kept_everything() {
    let mut running = Running::start("");
    running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let ended = running.token(KING, PASSWORD).await;
    let logout = running.post("/auth/jwt/logout").bearer_auth(&ended);
    assert_eq!(answer(logout).await.0, 204);

    let listen = running.server.listen().to_owned();
    running.server.process().kill().unwrap();
    running.server = Server::start(running.folder.path(), CHEAP, &listen).unwrap();
    assert_eq!(running.me(&token).await.0, 200, "the secrets are the same");
    assert_eq!(running.me(&ended).await.0, 401, "what was revoked stays revoked");
    assert_eq!(running.login(KING, PASSWORD).await.0, 200);
}

#[tokio::test]
async fn asked_to_stop_it_answers_sends_its_mails_and_ends_well() {
    let mut running = Running::start("");
    running.register(KING, PASSWORD).await;
    let forgot = running.post("/auth/forgot-password").json(&json!({"email": KING}));
    assert_eq!(answer(forgot).await.0, 202);
    let status = running.server.process().terminate(Duration::from_secs(10)).unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(running.server.mailed_tokens(KING, Purpose::Reset).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ses_6_under_load_nobody_gets_anothers_answer() {
    let running = Arc::new(Running::start("[rate_limits]\nenabled = false\n"));
    let mut knights = JoinSet::new();
    for number in 0..40 {
        let running = Arc::clone(&running);
        knights.spawn(async move {
            let email = format!("knight{number}@camelot.bt");
            let (status, user) = running.register(&email, PASSWORD).await;
            assert_eq!(status, 201, "{user}");
            for _ in 0..5 {
                let token = running.token(&email, PASSWORD).await;
                for _ in 0..10 {
                    assert_eq!(running.me(&token).await, (reqwest::StatusCode::OK, user.clone()));
                }
            }
        });
    }
    let done = knights.join_all().await.len();
    assert_eq!(done, 40);
}

#[tokio::test]
async fn ui_2_every_answer_has_its_headers() {
    let running = Running::start("");
    for path in ["/", "/users/me", "/nowhere", "/docs/", "/openapi.json", "/livez"] {
        let response = running.get(path).send().await.unwrap();
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(response.headers()["cross-origin-opener-policy"], "same-origin", "{path}");
        assert_eq!(response.headers()["cross-origin-resource-policy"], "same-origin", "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{path}");
        let own = policy.contains("default-src 'none'");
        assert!(own || ["/docs/", "/openapi.json"].contains(&path), "{path}: {policy}");
        assert!(!response.headers().contains_key("strict-transport-security"), "{path}");
    }
    let secure = Running::start("public_url = \"https://app.example\"\n");
    let response = secure.get("/users/me").send().await.unwrap();
    assert_eq!(response.headers()["strict-transport-security"], "max-age=31536000");
    assert_eq!(answer(running.get("/nowhere")).await.1, json!({"detail": "Not Found"}));
    assert_eq!(answer(running.get("/readyz")).await.0, 200);
    let login = running.post("/auth/jwt/login").form(&[("username", KING), ("password", "x")]);
    assert_eq!(login.send().await.unwrap().headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn log_9_pages_of_origins_that_are_trusted_may_log_in_with_the_cookie() {
    let running = Running::start("trusted_origins = [\"https://app.camelot.bt\"]");
    running.register(KING, PASSWORD).await;
    for (origin, status) in [("https://app.camelot.bt", 204), ("https://evil.example", 403), ("null", 403)] {
        let login = running.post("/auth/cookie/login").form(&[("username", KING), ("password", PASSWORD)]);
        let login = login.header("origin", origin).header("sec-fetch-site", "cross-site");
        assert_eq!(answer(login).await.0, status, "{origin}");
    }
}

#[tokio::test]
async fn reg_7_huge_bodies_are_refused() {
    let running = Running::start("");
    let huge = format!("{{\"email\": \"{}\"}}", "a".repeat(2_000_000));
    let register = running.post("/auth/register").header("content-type", "application/json").body(huge);
    assert_eq!(answer(register).await.0, 413);
    assert_eq!(running.register(KING, PASSWORD).await.0, 201);
}

#[tokio::test]
async fn fgt_2_links_in_mails_start_with_the_configured_url_whatever_headers_say() {
    let running = Running::start("public_url = \"https://accounts.camelot.bt\"");
    running.register(KING, PASSWORD).await;
    let forgot = running
        .post("/auth/forgot-password")
        .json(&json!({"email": KING, "redirect_to": "https://evil.example"}))
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example;proto=http");
    assert_eq!(answer(forgot).await.0, 202);
    running.mailed_token(KING, Purpose::Reset).await;
    let mut running = running;
    let printed = running.server.process().lines().all().join("\n");
    assert!(printed.contains("https://accounts.camelot.bt/reset-password#token="), "{printed}");
    assert!(!printed.contains("evil.example"), "{printed}");
}

#[tokio::test]
async fn the_document_is_of_the_configured_routes() {
    let running = Running::start(
        "[[backends]]\nname = \"only\"\ntransport = \"bearer\"\nstrategy = \"database\"\nprefix = \"/sign/in\"",
    );
    let document = answer(running.get("/openapi.json")).await.1;
    let paths: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(paths.contains(&"/sign/in/login"), "{paths:?}");
    assert!(!paths.iter().any(|path| path.starts_with("/auth/jwt") || path.starts_with("/auth/cookie")));
    assert_eq!(answer(running.post("/auth/jwt/login")).await.0, 404);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase().parse().unwrap();
            let url = format!("{}{}", running.server.address(), path.replace("{id}", "nobody"));
            let status = running.server.client.request(method, url).send().await.unwrap().status();
            assert!(![404, 405, 500].contains(&status.as_u16()), "{path}: {status}");
        }
    }
    let printed = running.command(&["openapi"], "");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&printed.stdout).unwrap(), document);
}
