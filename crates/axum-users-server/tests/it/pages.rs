//! The pages for people, in a real browser.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum_users_testkit::{Purpose, free_port};
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{KING, PASSWORD, Running, answer};

const NEW: &str = "excalibur7";
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Chromium, driven by WebDriver; both end with the test.
struct Browser {
    client: Client,
    _driver: Driver,
    _profile: TempDir,
}

struct Driver(Child);

impl Browser {
    async fn open() -> Self {
        let port = free_port().unwrap();
        let mut driver = Command::new("chromedriver");
        driver.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        let driver =
            Driver(driver.spawn().expect("chromedriver is missing: run scripts/test, which installs it"));
        let profile = tempfile::tempdir().unwrap();
        let mut flags: Vec<String> = FLAGS.iter().map(ToString::to_string).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities =
            json!({"goog:chromeOptions": {"args": flags}, "goog:loggingPrefs": {"browser": "ALL"}});
        let address = format!("http://127.0.0.1:{port}");
        for _ in 0..100 {
            let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
            builder.capabilities(capabilities.as_object().unwrap().clone());
            if let Ok(client) = builder.connect(&address).await {
                return Self { client, _driver: driver, _profile: profile };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the browser does not start");
    }

    async fn go(&self, address: &str) {
        // Another page in between: else only the fragment changes, and nothing is loaded.
        self.client.goto("about:blank").await.unwrap();
        self.client.goto(address).await.unwrap();
    }

    async fn press(&self, button: &str) {
        self.client.find(Locator::Css(button)).await.unwrap().click().await.unwrap();
    }

    /// What the page says once it says this.
    async fn says(&self, text: &str) {
        let mut said = String::new();
        for _ in 0..100 {
            said = self.client.find(Locator::Id("status")).await.unwrap().text().await.unwrap();
            if said.contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the page says {said:?}, not {text:?}");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It ends its browsers when it is asked to, and not when it is killed.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_resets_a_password_with_nothing_but_a_browser() {
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
    for path in ["/", "/reset-password", "/verify-email"] {
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
