//! A real browser.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum_users_testkit::free_port;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use tempfile::TempDir;

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
pub(crate) struct Browser {
    pub(crate) client: Client,
    _driver: Driver,
    _profile: TempDir,
}

struct Driver(Child);

impl Browser {
    pub(crate) async fn open() -> Self {
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

    pub(crate) async fn go(&self, address: &str) {
        // Another page in between: else only the fragment changes, and nothing is loaded.
        self.client.goto("about:blank").await.unwrap();
        self.client.goto(address).await.unwrap();
    }

    pub(crate) async fn press(&self, button: &str) {
        self.client.find(Locator::Css(button)).await.unwrap().click().await.unwrap();
    }

    /// What the page says once it says this.
    pub(crate) async fn says(&self, text: &str) {
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
