//! OUT-4: whoever has a session can end it.

use sqlx::Connection;

use crate::support::{KING, PASSWORD, Running, answer};

/// Writes beside the server, which ends no session then.
async fn set_active(running: &Running, active: bool) {
    let file = running.folder.path().join("data/users.db");
    let mut database = sqlx::SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    sqlx::query("UPDATE \"user\" SET is_active = ?").bind(active).execute(&mut database).await.unwrap();
}

async fn cookie(running: &Running) -> String {
    let login = running.post("/auth/cookie/login").form(&[("username", KING), ("password", PASSWORD)]);
    let login = login.send().await.unwrap();
    login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn logged_out(running: &Running, token: &str, cookie: &str) -> [u16; 2] {
    let by_token = answer(running.post("/auth/jwt/logout").bearer_auth(token)).await.0;
    let by_cookie = answer(running.post("/auth/cookie/logout").header("cookie", cookie)).await.0;
    [by_token.as_u16(), by_cookie.as_u16()]
}

#[tokio::test]
async fn out_4_who_is_inactive_or_unverified_can_log_out() {
    let running = Running::start("[users]\nrequire_verified = true\n");
    running.register(KING, PASSWORD).await;
    let (token, by_cookie) = (running.token(KING, PASSWORD).await, cookie(&running).await);
    assert_eq!(running.me(&token).await.0, 403, "not verified");
    assert_eq!(logged_out(&running, &token, &by_cookie).await, [204, 204]);
    assert_eq!(running.me(&token).await.0, 401);

    let (token, by_cookie) = (running.token(KING, PASSWORD).await, cookie(&running).await);
    set_active(&running, false).await;
    assert_eq!(running.me(&token).await.0, 401);
    assert_eq!(logged_out(&running, &token, &by_cookie).await, [204, 204]);
    set_active(&running, true).await;
    assert_eq!(running.me(&token).await.0, 401, "it stays ended");
    assert_eq!(answer(running.get("/users/me").header("cookie", by_cookie)).await.0, 401);
}

#[tokio::test]
async fn out_4_fastapi_users_refuses_the_inactive() {
    let running = Running::start("policy = \"fastapi-users\"");
    running.register(KING, PASSWORD).await;
    let (token, by_cookie) = (running.token(KING, PASSWORD).await, cookie(&running).await);
    set_active(&running, false).await;
    assert_eq!(logged_out(&running, &token, &by_cookie).await, [401, 401]);
}
