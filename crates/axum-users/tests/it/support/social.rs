//! An application whose users log in by accounts at providers, the providers, and browsers.

use std::{collections::BTreeMap, sync::Mutex};

use axum_users::{
    Policy, User, Users, UsersBuilder,
    oauth::{
        Credentials, Endpoints, Identity, OAuth, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
    },
};
use axum_users_testkit::{FakeAnswer, FakeProvider};
use serde_json::{Value, json};

use super::{Answer, Kind, Store, TestApp, jwt, stored_cookie};

/// A provider of the application's own, as the documentation shows one.
pub(crate) struct Knights {
    name: &'static str,
    credentials: Credentials,
}

impl Knights {
    pub(crate) fn of(name: &'static str) -> Self {
        Self { name, credentials: Credentials::new(format!("{name}-client"), "a secret of the client") }
    }
}

impl OAuthProvider for Knights {
    fn name(&self) -> &str {
        self.name
    }
    fn credentials(&self) -> &Credentials {
        &self.credentials
    }
    fn scopes(&self) -> &[&str] {
        &["profile", "email"]
    }
    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let host = format!("https://{}.bt", self.name);
        Ok(Endpoints::new(format!("{host}/authorize"), format!("{host}/token"))
            .refreshes()
            .revoke(format!("{host}/revoke")))
    }
    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let url = format!("https://{}.bt/me", self.name);
        let knight = client.get(&url).bearer(&tokens.access_token).json().await?;
        Ok(Identity::new(&knight["id"])?.email(&knight["email"], knight["verified"] == true).claims(knight))
    }
}

/// An application that logs in by `camelot` (bearer token) and `avalon`, and both providers.
pub(crate) struct Social {
    pub(crate) app: TestApp,
    pub(crate) fake: FakeProvider,
}

pub(crate) const LOGIN: &str = "/auth/camelot";
pub(crate) const LINK: &str = "/auth/associate/camelot";

/// The usual options of `camelot`, which a test may change.
pub(crate) fn camelot() -> OAuth {
    OAuth::new(Knights::of("camelot"))
}

impl Social {
    /// With accounts linked by address.
    pub(crate) async fn new(kind: Kind) -> Self {
        Self::with(kind, Policy::secure(), camelot().associate_by_email(true)).await
    }

    pub(crate) async fn with(kind: Kind, policy: Policy, camelot: OAuth) -> Self {
        Self::configured(kind, camelot, |builder| builder.policy(policy)).await
    }

    pub(crate) async fn configured(
        kind: Kind,
        camelot: OAuth,
        configure: impl FnOnce(
            UsersBuilder<axum_users::NoProfile, Store>,
        ) -> UsersBuilder<axum_users::NoProfile, Store>,
    ) -> Self {
        let fake = FakeProvider::start().await;
        let app = TestApp::with(kind, |builder, store| {
            configure(builder)
                .backend(jwt())
                .backend(stored_cookie(store))
                .provider_client(ProviderClient::through(&fake.url()).unwrap())
                .public_url("https://app.example".parse().unwrap())
                .oauth(camelot)
                .oauth(OAuth::new(Knights::of("avalon")).backend("cookie").associate_by_email(true))
        })
        .await;
        for name in ["camelot", "avalon"] {
            fake.answer(&format!("POST {name}.bt/token"), FakeAnswer::json(tokens(name)));
        }
        Self { app, fake }
    }

    pub(crate) fn users(&self) -> &Users {
        &self.app.users
    }

    /// What `camelot` says of whoever comes with a code.
    pub(crate) fn says(&self, knight: Value) {
        self.says_of("camelot", knight);
    }

    pub(crate) fn says_of(&self, name: &str, knight: Value) {
        self.fake.answer(&format!("GET {name}.bt/me"), FakeAnswer::json(knight));
    }

    /// Goes to the provider, comes back with a code, and gives the answer of the callback.
    pub(crate) async fn log_in(&self, browser: &Browser<'_>) -> Answer {
        let begun = self.begin(browser, LOGIN).await;
        self.come_back(browser, LOGIN, &begun.state).await
    }

    /// The same, for an account that a test knows to be taken.
    pub(crate) async fn log_in_as(&self, id: &str, email: &str, verified: bool) -> Answer {
        self.says(knight(id, email, verified));
        self.log_in(&Browser::new(self)).await
    }

    /// The bearer token of a login that succeeds.
    #[track_caller]
    pub(crate) fn token(answer: &Answer) -> String {
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// The user of a bearer token.
    pub(crate) async fn user_of(&self, answer: &Answer) -> User {
        let me = self.app.me(&Self::token(answer)).await;
        assert_eq!(me.status, 200, "{}", me.text());
        self.app.user(me.json()["email"].as_str().unwrap()).await
    }

    pub(crate) async fn begin(&self, browser: &Browser<'_>, path: &str) -> Begun {
        let answer = browser.get(&format!("{path}/authorize")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Begun::read(answer.json()["authorization_url"].as_str().unwrap())
    }

    pub(crate) async fn come_back(&self, browser: &Browser<'_>, path: &str, state: &str) -> Answer {
        browser.get(&callback(path, state)).await
    }
}

/// The path of a callback with a code and this state.
pub(crate) fn callback(path: &str, state: &str) -> String {
    format!("{path}/callback?code=the-code&state={state}")
}

pub(crate) fn knight(id: &str, email: &str, verified: bool) -> Value {
    json!({ "id": id, "email": email, "verified": verified })
}

fn tokens(name: &str) -> Value {
    json!({
        "access_token": format!("{name}-access"),
        "refresh_token": format!("{name}-refresh"),
        "token_type": "bearer",
        "expires_in": 3600,
    })
}

/// Where an application sends a browser.
pub(crate) struct Begun {
    pub(crate) url: String,
    pub(crate) state: String,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Begun {
    #[track_caller]
    pub(crate) fn read(url: &str) -> Self {
        let query = url.split_once('?').unwrap().1;
        let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let state = parameters.iter().find(|(name, _)| name == "state").unwrap().1.clone();
        Self { url: url.to_owned(), state, parameters }
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Keeps the cookies that it is given, and sends them.
pub(crate) struct Browser<'a> {
    social: &'a Social,
    bearer: Option<String>,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(social: &'a Social) -> Self {
        Self { social, bearer: None, cookies: Mutex::default() }
    }

    /// One whose pages send a bearer token.
    pub(crate) fn with_token(social: &'a Social, token: &str) -> Self {
        Self { bearer: Some(token.to_owned()), ..Self::new(social) }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[]).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let cookies = self.cookies();
        let mut ask = self.social.app.ask(method, path);
        if !cookies.is_empty() {
            let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            ask = ask.header("cookie", &pairs.join("; "));
        }
        if let Some(token) = &self.bearer {
            ask = ask.bearer(token);
        }
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        let answer = ask.send().await;
        self.keep(&answer);
        answer
    }

    pub(crate) fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().unwrap().clone()
    }

    pub(crate) fn set(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    fn keep(&self, answer: &Answer) {
        let mut cookies = self.cookies.lock().unwrap();
        for header in answer.headers.get_all("set-cookie") {
            let header = header.to_str().unwrap();
            let (name, rest) = header.split_once('=').unwrap();
            if header.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
            }
        }
    }
}
