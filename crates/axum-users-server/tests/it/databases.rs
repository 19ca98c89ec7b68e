//! The same server on every database that the README names.

use axum_users_testkit::{Purpose, Server, mariadb_database, mongodb_database, postgres_schema};
use serde_json::json;

use crate::support::{CHEAP, KING, PASSWORD, Running, answer, run, text};

/// Two nodes, the command line and a restart, all on one database.
async fn serves(url: &str) {
    let settings = format!("database_url = {url:?}\n");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("axum-users.toml"), &settings).unwrap();
    let migrate = |words: &[&str]| text(&run(folder.path(), &[&["migrate"], words].concat(), "").stdout);
    assert!(migrate(&["--dry-run"]).contains("nothing was changed"));
    assert!(migrate(&[]).contains("was changed by"));
    assert!(migrate(&["--dry-run"]).contains("is up to date"));

    let mut running = Running::start(&settings);
    let (status, user) = running.register(KING, PASSWORD).await;
    assert_eq!(status, 201, "{user}");
    assert_eq!(running.register(&KING.to_uppercase(), PASSWORD).await.0, 400);
    let token = running.token(KING, PASSWORD).await;
    assert_eq!(running.me(&token).await.1, user);
    let login = running.post("/auth/cookie/login").form(&[("username", KING), ("password", PASSWORD)]);
    let response = login.send().await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();

    let made = running
        .command(&["user", "create", "merlin@camelot.bt", "--superuser", "--password-stdin"], PASSWORD);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let admin = running.token("merlin@camelot.bt", PASSWORD).await;
    let listen = running.server.listen().to_owned();
    running.server.process().kill().unwrap();
    running.server = Server::start(running.folder.path(), &format!("{settings}{CHEAP}"), &listen).unwrap();
    let by_cookie = || answer(running.get("/users/me").header("cookie", &cookie));
    assert_eq!(by_cookie().await.1, user, "the session goes on");
    for nonsense in
        ["17", "x", "ffffffffffffffffffffffff", "6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7f", "99999999999"]
    {
        let path = format!("/users/{nonsense}");
        assert_eq!(answer(running.get(&path).bearer_auth(&admin)).await.0, 404, "{nonsense}");
    }
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    assert_eq!(answer(running.get(&path).bearer_auth(&admin)).await.1, user);

    let forgot = running.post("/auth/forgot-password").json(&json!({"email": KING}));
    assert_eq!(answer(forgot).await.0, 202);
    let reset = running.mailed_token(KING, Purpose::Reset).await;
    let reset = json!({"token": reset, "password": "excalibur1"});
    assert_eq!(answer(running.post("/auth/reset-password").json(&reset)).await.0, 200);
    assert_eq!(by_cookie().await.0, 401, "a new password ends sessions");
    assert_eq!(running.me(&token).await.0, 401);
    assert_eq!(answer(running.post("/auth/reset-password").json(&reset)).await.0, 400);
    assert_eq!(
        answer(
            running.server.client.delete(format!("{}{path}", running.server.address())).bearer_auth(&admin)
        )
        .await
        .0,
        204
    );
    assert_eq!(answer(running.get(&path).bearer_auth(&admin)).await.0, 404);
}

#[tokio::test]
async fn postgres() {
    serves(&postgres_schema().await.unwrap()).await;
}

#[tokio::test]
async fn mariadb() {
    serves(&mariadb_database().await.unwrap()).await;
}

#[tokio::test]
async fn mongodb() {
    serves(&mongodb_database().unwrap()).await;
}
