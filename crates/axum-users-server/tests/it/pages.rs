//! The pages for people, in a real browser.

use std::time::Duration;

use axum_users_testkit::Purpose;
use fantoccini::Locator;
use serde_json::json;

use crate::{
    chromium::Browser,
    support::{KING, PASSWORD, Running, answer},
};

const NEW: &str = "excalibur7";

#[tokio::test(flavor = "multi_thread")]
async fn rst_10_ui_4_a_person_resets_a_password_with_nothing_but_a_browser() {
    let running = Running::start("");
    running.register(KING, PASSWORD).await;
    answer(running.post("/auth/forgot-password").json(&json!({"email": KING}))).await;
    let token = running.mailed_token(KING, Purpose::Reset).await;
    let link = format!("{}/reset-password#token={token}", running.server.address());

    // RST-10: a mail scanner that follows the link uses nothing up.
    for _ in 0..3 {
        assert_eq!(answer(running.get("/reset-password")).await.0, 200);
    }
    let browser = Browser::open().await;
    browser.go(&link).await;
    let address = browser.client.current_url().await.unwrap();
    assert!(!address.as_str().contains(&token), "UI-4: the token stays in the address: {address}");

    let field = browser.client.find(Locator::Id("password")).await.unwrap();
    field.send_keys("short").await.unwrap();
    browser.press("button[type=submit]").await;
    browser.says("at least 8 characters").await;
    field.clear().await.unwrap();
    field.send_keys(NEW).await.unwrap();
    browser.press("button[type=submit]").await;
    browser.says("Your new password is saved").await;
    assert_eq!(running.login(KING, NEW).await.0, 200);
    assert_eq!(running.login(KING, PASSWORD).await.0, 400);

    browser.go(&link).await;
    let field = browser.client.find(Locator::Id("password")).await.unwrap();
    field.send_keys("another password").await.unwrap();
    browser.press("button[type=submit]").await;
    browser.says("no longer valid").await;
    browser.client.clone().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_verifies_an_address_with_nothing_but_a_browser() {
    // UI-1: a name that is HTML is shown as text.
    let running = Running::start("[mail]\nproduct = \"<img src=x onerror=alert(1)>\"\n");
    running.register(KING, PASSWORD).await;
    answer(running.post("/auth/request-verify-token").json(&json!({"email": KING}))).await;
    let token = running.mailed_token(KING, Purpose::Verify).await;
    let browser = Browser::open().await;
    browser.go(&format!("{}/verify-email#token={token}", running.server.address())).await;
    assert!(browser.client.find(Locator::Css("img")).await.is_err(), "UI-1");
    let title = browser.client.title().await.unwrap();
    assert!(title.contains("<img src=x onerror=alert(1)>"), "{title}");
    browser.press("button[type=submit]").await;
    browser.says("Your address is verified").await;
    let token = running.token(KING, PASSWORD).await;
    assert_eq!(running.me(&token).await.1["is_verified"], true);

    browser.go(&format!("{}/verify-email", running.server.address())).await;
    browser.says("open the link in the mail").await;
    browser.client.clone().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_changes_an_address_and_takes_it_back_with_nothing_but_a_browser() {
    let running = Running::start("");
    running.register(KING, PASSWORD).await;
    let session = running.token(KING, PASSWORD).await;
    let patch = running.patch("/users/me").bearer_auth(&session).json(&json!({"email": "new@camelot.bt"}));
    let (status, shown) = answer(patch).await;
    assert_eq!((status.as_u16(), &shown["email"]), (200, &json!(KING)));
    let token = running.mailed_token("new@camelot.bt", Purpose::Confirm).await;
    let browser = Browser::open().await;
    browser.go(&format!("{}/confirm-email#token={token}", running.server.address())).await;
    let address = browser.client.current_url().await.unwrap();
    assert!(!address.as_str().contains(&token), "UI-4: the token stays in the address: {address}");
    browser.press("button[type=submit]").await;
    browser.says("Your account has the new address").await;
    assert_eq!(running.login("new@camelot.bt", PASSWORD).await.0, 200);

    let token = running.mailed_token(KING, Purpose::Revert).await;
    let link = format!("{}/revert-email#token={token}", running.server.address());
    browser.go(&link).await;
    browser.press("button[type=submit]").await;
    browser.says("You have your address back").await;
    assert_eq!(running.login("new@camelot.bt", PASSWORD).await.0, 400);
    running.mailed_token(KING, Purpose::Reset).await;

    browser.go(&link).await;
    browser.press("button[type=submit]").await;
    browser.says("no longer valid").await;
    browser.client.clone().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ver_4_a_person_who_has_not_signed_up_closes_the_account() {
    let running = Running::start("");
    running.register(KING, PASSWORD).await;
    let session = running.token(KING, PASSWORD).await;
    answer(running.post("/auth/request-verify-token").json(&json!({"email": KING}))).await;
    let token = running.mailed_token(KING, Purpose::Verify).await;
    let browser = Browser::open().await;
    browser.go(&format!("{}/verify-email#token={token}", running.server.address())).await;
    browser.press("button.decline").await;
    browser.says("with your address is closed").await;
    assert_eq!(running.me(&session).await.0, 401);
    assert_eq!(running.login(KING, PASSWORD).await.0, 400);
    browser.client.clone().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_docs_show_the_routes() {
    let running = Running::start("");
    let browser = Browser::open().await;
    browser.go(&format!("{}/docs/", running.server.address())).await;
    let wait = browser.client.wait().at_most(Duration::from_secs(20));
    wait.for_element(Locator::Css(".opblock")).await.unwrap();
    let shown = browser.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap();
    for path in ["/auth/jwt/login", "/auth/cookie/logout", "/users/me", "/auth/reset-password"] {
        assert!(shown.contains(path), "{path} is not shown");
    }
    browser.client.clone().close().await.unwrap();
}

/// UI-2: nothing from elsewhere, nothing inline, no frames, nothing kept.
#[tokio::test]
async fn ui_2_pages_bring_their_own_rules() {
    let running = Running::start("");
    for path in ["/", "/reset-password", "/verify-email", "/confirm-email", "/revert-email"] {
        let response = running.get(path).send().await.unwrap();
        let rules = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(rules.contains(rule), "{path}: {rules}");
        }
        assert!(!rules.contains("unsafe"), "{path}: {rules}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
        let page = response.text().await.unwrap();
        assert!(!page.contains("https://") && !page.contains("style="), "{path}");
    }
}
