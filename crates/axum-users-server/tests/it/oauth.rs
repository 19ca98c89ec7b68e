//! People who log in by accounts at providers, and what the operator must say for it.

mod in_browser;
mod refused;

use std::collections::BTreeMap;

use axum_users_testkit::{FakeAnswer, FakeProvider, Server};
use reqwest::{RequestBuilder, Url, header::SET_COOKIE};
use serde_json::{Value, json};
use sqlx::{Connection, Row, SqliteConnection};

use crate::support::{CHEAP, Running, answer, run, text};

const TOKEN: &str = "canary-of-github";
const SECRET: &str = "canary-secret-of-the-client";

/// GitHub, Discord, a company's own provider, and whoever comes from them.
struct Social {
    running: Running,
    fake: FakeProvider,
    settings: String,
}

impl Social {
    async fn start(more: &str) -> Self {
        let fake = FakeProvider::start().await;
        let token = |token: &str| {
            FakeAnswer::json(json!({"access_token": token, "refresh_token": format!("{token}-refresh")}))
        };
        fake.answer("POST github.com/login/oauth/access_token", token(TOKEN));
        fake.answer("POST discord.com/api/oauth2/token", token("canary-of-discord"));
        let settings = format!(
            "{more}\n\
             [oauth.github]\nclient_id = \"the-client\"\nclient_secret = \"{SECRET}\"\nassociate_by_email = true\n\
             [oauth.discord]\nclient_id = \"another\"\nclient_secret = \"{SECRET}\"\nbackend = \"cookie\"\n\
             return_to = [\"https://app.example/welcome\"]\n\
             [oauth.sso]\nissuer = \"https://sso.example\"\nclient_id = \"sso-client\"\nclient_secret = \"{SECRET}\"\n\
             [oauth_options]\ngateway = \"{}\"\n\
             [log]\nlevel = \"trace\"\n",
            fake.url()
        );
        Self { running: Running::start(&settings), fake, settings }
    }

    /// Who comes from GitHub.
    fn comes(&self, id: u64, email: &str) {
        self.fake.answer("GET api.github.com/user", FakeAnswer::json(json!({"id": id, "email": null})));
        let emails = json!([{"email": email, "primary": true, "verified": true}]);
        self.fake.answer("GET api.github.com/user/emails", FakeAnswer::json(emails));
    }

    /// On the same folder, with the same settings and address.
    fn restart(&mut self) {
        let server = &mut self.running.server;
        let listen = server.listen().to_owned();
        server.process().kill().unwrap();
        let folder = self.running.folder.path();
        *server = Server::start(folder, &format!("{}\n{CHEAP}", self.settings), &listen).unwrap();
    }

    async fn begin(&self, browser: &mut Browser, path: &str) -> Url {
        let request = self.running.get(&format!("{path}/authorize"));
        let (status, said) = browser.send(request).await;
        assert_eq!(status, 200, "{said}");
        said["authorization_url"].as_str().unwrap().parse().unwrap()
    }

    async fn come_back(&self, browser: &mut Browser, path: &str, url: &Url) -> (u16, Value) {
        let query = format!("code=canary-code&state={}", parameter(url, "state"));
        browser.send(self.running.get(&format!("{path}/callback?{query}"))).await
    }

    async fn log_in(&self, path: &str) -> (u16, Value) {
        let mut browser = Browser::default();
        let url = self.begin(&mut browser, path).await;
        self.come_back(&mut browser, path, &url).await
    }

    async fn token(&self) -> String {
        let (status, said) = self.log_in("/auth/github").await;
        assert_eq!(status, 200, "{said}");
        said["access_token"].as_str().unwrap().to_owned()
    }

    /// Gives the user of a token an account at Discord, too.
    async fn add_discord(&self, token: &str) -> (u16, Value) {
        let knight = json!({"id": "80351110224678912", "email": "arthur@discord.example", "verified": true});
        self.fake.answer("GET discord.com/api/users/@me", FakeAnswer::json(knight));
        let mut browser = Browser { bearer: Some(token.to_owned()), ..Browser::default() };
        let url = self.begin(&mut browser, "/auth/associate/discord").await;
        self.come_back(&mut browser, "/auth/associate/discord", &url).await
    }

    async fn unlink(&self, token: &str, account: &str) -> (u16, Value) {
        let url = format!("{}/users/me/oauth-accounts/{account}", self.running.server.address());
        let (status, said) = answer(self.running.server.client.delete(url).bearer_auth(token)).await;
        (status.as_u16(), said)
    }

    /// What the database holds of the tokens of GitHub.
    async fn stored(&self) -> (String, String) {
        let file = self.running.folder.path().join("data/users.db");
        let mut database = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        let query = "SELECT access_token, refresh_token FROM oauth_account WHERE oauth_name = 'github'";
        let row = sqlx::query(query).fetch_one(&mut database).await.unwrap();
        (row.get(0), row.get(1))
    }
}

/// Keeps its cookies; its pages may send a bearer token.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
    bearer: Option<String>,
}

impl Browser {
    async fn send(&mut self, request: RequestBuilder) -> (u16, Value) {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request.header("cookie", cookies.join("; "));
        if let Some(token) = &self.bearer {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        let status = response.status().as_u16();
        let location = response.headers().get("location").map(|url| url.to_str().unwrap().to_owned());
        let body = response.text().await.unwrap();
        let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
        (status, location.map_or(body, Value::String))
    }
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap()
}

#[tokio::test]
async fn people_log_in_by_an_account_add_another_and_take_it_away() {
    let mut social = Social::start("public_url = \"https://accounts.example\"").await;
    social.comes(1, "king.arthur@camelot.bt");
    let mut browser = Browser::default();
    let url = social.begin(&mut browser, "/auth/github").await;
    assert_eq!(url.as_str().split('?').next(), Some("https://github.com/login/oauth/authorize"));
    assert_eq!(parameter(&url, "redirect_uri"), "https://accounts.example/auth/github/callback");
    // What was begun before a restart can be finished after it.
    social.restart();
    let (status, said) = social.come_back(&mut browser, "/auth/github", &url).await;
    assert_eq!(status, 200, "{said}");
    let token = said["access_token"].as_str().unwrap().to_owned();
    let (_, arthur) = social.running.me(&token).await;
    assert_eq!((&arthur["email"], &arthur["is_verified"]), (&json!("king.arthur@camelot.bt"), &json!(true)));
    let (status, said) = social.come_back(&mut browser, "/auth/github", &url).await;
    assert_eq!((status, &said["detail"]), (400, &json!("OAUTH_INVALID_STATE")), "OAL-2: used once");

    // The address has changed at GitHub: it is the same user, whose address stays.
    social.comes(1, "wart@camelot.bt");
    let token = social.token().await;
    assert_eq!(social.running.me(&token).await.1, arthur);

    let accounts =
        async || answer(social.running.get("/users/me/oauth-accounts").bearer_auth(&token)).await.1;
    let github = json!({"oauth_name": "github", "account_id": "1", "account_email": "wart@camelot.bt"});
    assert_eq!(accounts().await, json!([github]));
    let (status, said) = social.unlink(&token, "github/1").await;
    assert_eq!((status, &said["detail"]), (400, &json!("OAUTH_LAST_LOGIN_METHOD")), "OAK-4");

    let (status, said) = social.add_discord(&token).await;
    assert_eq!((status, &said), (200, &arthur));
    assert_eq!(accounts().await.as_array().unwrap().len(), 2);
    assert_eq!(social.unlink(&token, "github/1").await.0, 204);
    assert_eq!(accounts().await[0]["oauth_name"], "discord");

    // Discord logs in by the other backend, and goes to the page that was asked for.
    let mut browser = Browser::default();
    let path = "/auth/discord/authorize?return_to=https://app.example/welcome";
    let (status, to) = browser.send(social.running.get(path)).await;
    assert_eq!(status, 303);
    let url: Url = to.as_str().unwrap().parse().unwrap();
    let (status, to) = social.come_back(&mut browser, "/auth/discord", &url).await;
    assert_eq!((status, to.as_str()), (303, Some("https://app.example/welcome")));
    assert_eq!(browser.send(social.running.get("/users/me")).await, (200, arthur));
}

#[tokio::test]
async fn lgs_1_no_secret_of_a_provider_is_shown_or_stored_in_clear() {
    let mut social = Social::start("").await;
    social.comes(1, "king.arthur@camelot.bt");
    social.token().await;
    social.fake.answer("GET api.github.com/user", FakeAnswer::text("text/html", "canary-page").status(500));
    assert_eq!(social.log_in("/auth/github").await.0, 502);
    let refused = json!({"error": "bad_verification_code", "error_description": "canary-words"});
    social.fake.answer("POST github.com/login/oauth/access_token", FakeAnswer::json(refused));
    assert_eq!(social.log_in("/auth/github").await.0, 400);

    // OAK-6: the key is in the data directory, so that they can be read after a restart.
    let (access, refresh) = social.stored().await;
    assert!(!access.contains("canary") && !refresh.contains("canary"), "{access} {refresh}");
    let key = std::fs::read_to_string(social.running.folder.path().join("data/secrets.toml")).unwrap();
    assert!(key.contains("oauth_tokens = "));

    let config = social.running.command(&["config"], "");
    let log = social.running.last_log();
    let printed = social.running.server.process().lines().all().join("\n");
    assert!(log.contains("/auth/github/callback") && printed.contains("/auth/github/callback"));
    for shown in [&log, &printed, &text(&config.stdout), &text(&config.stderr)] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn the_tokens_of_providers_are_as_a_running_fastapi_users_reads_them_if_it_may_be_there() {
    let social = Social::start("policy = \"fastapi-users\"").await;
    social.comes(1, "king.arthur@camelot.bt");
    social.token().await;
    assert_eq!(social.stored().await, (TOKEN.to_owned(), format!("{TOKEN}-refresh")));
}

/// OAK-6: what a key has closed that is not the first any more opens while it is listed.
#[tokio::test]
async fn oak_6_the_keys_that_close_tokens_can_be_replaced() {
    let mut social = Social::start("").await;
    social.comes(1, "king.arthur@camelot.bt");
    let token = social.token().await;
    social.add_discord(&token).await;
    let folder = social.running.folder.path().to_owned();
    let secrets = std::fs::read_to_string(folder.join("data/secrets.toml")).unwrap();
    let secrets: toml::Table = secrets.parse().unwrap();
    let old = secrets["oauth_tokens"].as_str().unwrap();
    std::fs::write(folder.join("keys"), format!("{}\n{old}\n", "new4".repeat(10))).unwrap();
    let file = folder.join("keys").display().to_string();
    let options = format!("[oauth_options]\ntoken_keys_file = {file:?}");
    social.settings = social.settings.replace("[oauth_options]", &options);
    social.restart();

    // Who takes an account away has its tokens revoked, which must be opened for it.
    assert_eq!(social.unlink(&token, "github/1").await.0, 204);
    let route = "DELETE api.github.com/applications/the-client/token";
    for _ in 0..100 {
        if !social.fake.requests_to(route).is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let revoked = social.fake.requests_to(route);
    assert_eq!(text(&revoked[0].body), format!("{{\"access_token\":\"{TOKEN}\"}}"));
    let said = text(&social.running.command(&["config"], "").stdout);
    assert!(said.contains("token_keys_file") && !said.contains("new4") && !said.contains(old), "{said}");
}

#[tokio::test]
async fn the_operator_is_told_where_providers_must_send_people() {
    let mut social = Social::start("public_url = \"https://accounts.example/users\"").await;
    let printed = social.running.server.process().lines().all().join("\n");
    for url in [
        "https://accounts.example/users/auth/github/callback",
        "https://accounts.example/users/auth/associate/github/callback",
        "https://accounts.example/users/auth/sso/callback",
    ] {
        assert!(printed.contains(url), "{url}: {printed}");
    }
}

#[tokio::test]
async fn any_provider_with_openid_connect_is_found_by_its_issuer() {
    let social = Social::start("").await;
    let document = json!({
        "issuer": "https://sso.example",
        "authorization_endpoint": "https://sso.example/login",
        "token_endpoint": "https://sso.example/token",
        "jwks_uri": "https://sso.example/keys",
    });
    social.fake.answer("GET sso.example/.well-known/openid-configuration", FakeAnswer::json(document));
    let url = social.begin(&mut Browser::default(), "/auth/sso").await;
    assert!(url.as_str().starts_with("https://sso.example/login?"), "{url}");
    assert_eq!(parameter(&url, "client_id"), "sso-client");
    assert_eq!(parameter(&url, "scope"), "openid email");
}

#[test]
fn a_provider_can_be_set_by_variables_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client_secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let command = |name: &str, value: &std::ffi::OsStr| {
        let mut command = std::process::Command::new(axum_users_testkit::binary().unwrap());
        command.args(["openapi", "--data-dir"]).arg(folder.path()).current_dir(folder.path());
        command.env("AXUM_USERS_OAUTH__GOOGLE__CLIENT_ID", "1234");
        command.env("AXUM_USERS_OAUTH__GOOGLE__ASSOCIATE_BY_EMAIL", "true");
        command.env(name, value).output().unwrap()
    };
    for (name, value) in [("CLIENT_SECRET", "5678".as_ref()), ("CLIENT_SECRET_FILE", file.as_os_str())] {
        let output = command(&format!("AXUM_USERS_OAUTH__GOOGLE__{name}"), value);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let output = command("AXUM_USERS_OAUTH__GOOGLE__SECRET", "5678".as_ref());
    let said = text(&output.stderr);
    assert!(said.contains("`oauth.google.secret` in AXUM_USERS_OAUTH__GOOGLE__SECRET"), "{said}");
    let nothing = run(folder.path(), &["openapi"], "");
    assert!(!text(&nothing.stdout).contains("/auth/google"));
}
