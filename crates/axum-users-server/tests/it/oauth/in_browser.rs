//! A person, a real browser, and a certified provider of OpenID Connect.

use std::time::Duration;

use axum_users_testkit::{FakeAnswer, FakeProvider, OidcProvider, Server, free_port};
use fantoccini::Locator;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{chromium::Browser, support::CHEAP};

/// A server whose users have accounts at the provider; both know each other's addresses.
struct Certified {
    provider: OidcProvider,
    server: Server,
    _folder: TempDir,
}

impl Certified {
    async fn start() -> Self {
        let listen = format!("127.0.0.1:{}", free_port().unwrap());
        let address = format!("http://{listen}");
        let callbacks =
            ["/auth/camelot", "/auth/associate/camelot"].map(|path| format!("{address}{path}/callback"));
        let provider = OidcProvider::start(&[&callbacks[0], &callbacks[1]], "ES256", false).unwrap();
        for (sub, verified) in [("arthur", true), ("once-and-future", false)] {
            let claims = json!({"email": format!("{sub}@camelot.bt"), "email_verified": verified});
            provider.account(sub, claims).await.unwrap();
        }
        let settings = format!(
            "public_url = \"{address}\"\n\
             [oauth.camelot]\nissuer = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\n\
             backend = \"cookie\"\ntrust_email = \"stated\"\nreturn_to = [\"{address}/\"]\n\
             [oauth_options]\nallow_private_addresses = true\n{CHEAP}",
            provider.issuer(),
            OidcProvider::CLIENT_ID,
            OidcProvider::CLIENT_SECRET,
        );
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &settings, &listen).unwrap();
        Self { provider, server, _folder: folder }
    }

    /// Begins at the server, and is this person at the provider until the browser is back.
    async fn goes(&self, browser: &Browser, path: &str, sub: &str) {
        let home = format!("{}/", self.server.address());
        browser.go(&format!("{home}{path}/authorize?return_to={home}")).await;
        let wait = || browser.client.wait().at_most(Duration::from_secs(20));
        wait().for_element(Locator::Css("input[name=login]")).await.unwrap().send_keys(sub).await.unwrap();
        let password = browser.client.find(Locator::Css("input[name=password]")).await.unwrap();
        password.send_keys("any").await.unwrap();
        browser.press("button[type=submit]").await;
        wait().for_element(Locator::Css("input[name=prompt][value=consent]")).await.unwrap();
        browser.press("button[type=submit]").await;
        wait().for_url(&home.parse().unwrap()).await.unwrap();
    }

    /// What the server answers this browser.
    async fn says(&self, browser: &Browser, path: &str) -> Value {
        browser.go(&format!("{}{path}", self.server.address())).await;
        let body = browser.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap();
        serde_json::from_str(&body).unwrap()
    }

    /// The provider does not know the browser any more; the server still does.
    async fn forgets(&self, browser: &Browser) {
        for cookie in browser.client.get_all_cookies().await.unwrap() {
            if cookie.name() != "__Host-fastapiusersauth" {
                browser.client.delete_cookie(cookie.name()).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_adds_an_account_and_comes_again_after_the_provider_changed_its_keys() {
    let certified = Certified::start().await;
    let browser = Browser::open().await;
    certified.goes(&browser, "auth/camelot", "arthur").await;
    let me = certified.says(&browser, "/users/me").await;
    assert_eq!((&me["email"], &me["is_verified"]), (&json!("arthur@camelot.bt"), &json!(true)));
    let cookies = browser.client.get_all_cookies().await.unwrap();
    assert!(!cookies.iter().any(|cookie| cookie.name().contains("oauthcsrf")), "the flow is over");

    certified.forgets(&browser).await;
    certified.goes(&browser, "auth/associate/camelot", "once-and-future").await;
    let accounts = certified.says(&browser, "/users/me/oauth-accounts").await;
    let ids: Vec<_> = accounts.as_array().unwrap().iter().map(|account| &account["account_id"]).collect();
    assert_eq!(ids, ["arthur", "once-and-future"]);

    // By the other account, signed by another key, it is the same user.
    certified.provider.rotate().await.unwrap();
    browser.client.delete_all_cookies().await.unwrap();
    certified.goes(&browser, "auth/camelot", "once-and-future").await;
    assert_eq!(certified.says(&browser, "/users/me").await["id"], me["id"]);
    browser.client.clone().close().await.unwrap();
}

/// OAuth 2.0 Form Post Response Mode: a page of the provider's posts, which brings no cookies of the server along.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_site_posts_arrives_with_the_cookie_of_the_flow() {
    let (certified, fake) = (Certified::start().await, FakeProvider::start().await);
    let browser = Browser::open().await;
    let authorize = certified.says(&browser, "/auth/camelot/authorize").await;
    let url: reqwest::Url = authorize["authorization_url"].as_str().unwrap().parse().unwrap();
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let page = format!(
        "<form method=post action=\"{}/auth/camelot/callback\"><input name=code value=forged>\
         <input name=state value=\"{state}\"><input name=iss value=\"{}\"><button type=submit></button></form>",
        certified.server.address(),
        certified.provider.issuer(),
    );
    fake.answer("GET provider/page", FakeAnswer::text("text/html", &page));
    let another_site = fake.url().replace("127.0.0.1", "localhost");
    browser.client.goto(&format!("{another_site}/provider/page")).await.unwrap();
    browser.press("button[type=submit]").await;
    let callback = format!("{}/auth/camelot/callback", certified.server.address());
    let mut here = String::new();
    for _ in 0..200 {
        here = browser.client.current_url().await.unwrap().into();
        // With the query: after the redirection.
        if here.starts_with(&format!("{callback}?")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(here.starts_with(&callback), "{here}");
    let wait = browser.client.wait().at_most(Duration::from_secs(20));
    let body = wait.for_element(Locator::Css("body")).await.unwrap().text().await.unwrap();
    // The state was taken, so the cookie was there; but the code is none.
    assert!(body.contains("OAUTH_PROVIDER_REFUSED"), "{body}");
    assert!(
        !browser
            .client
            .get_all_cookies()
            .await
            .unwrap()
            .iter()
            .any(|cookie| cookie.name().contains("oauthcsrf"))
    );
    browser.client.clone().close().await.unwrap();
}
