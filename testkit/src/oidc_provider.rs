//! A certified provider of OpenID Connect, `oidc-provider` for Node.js, and people who log in at it.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use anyhow::{Context, bail, ensure};
use http::header;
use reqwest::{Client, Response, Url, redirect::Policy};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{cache_folder, process::Process};

/// More steps than any login has.
const MAX_STEPS: usize = 20;

/// The provider, at `http://127.0.0.1` and a free port. It wants PKCE, gives refresh tokens, names itself in its
/// answers (RFC 9207), and ends when this is dropped.
pub struct OidcProvider {
    process: Process,
    client: Client,
    redirect_uris: Vec<String>,
    _folder: TempDir,
}

impl OidcProvider {
    /// What the application is called.
    pub const CLIENT_ID: &str = "camelot";
    /// Its secret, which the provider takes in the header only.
    pub const CLIENT_SECRET: &str = "secret: 100% of it + more";

    /// Starts it, for an application with these callbacks. What people allow it to tell is in ID tokens if
    /// `claims_in_id_token`, and at the userinfo endpoint always. `algorithm` is RS256, PS256, ES256 or EdDSA.
    ///
    /// # Errors
    /// When `scripts/setup-oidc-provider` has not been run.
    pub fn start(redirect_uris: &[&str], algorithm: &str, claims_in_id_token: bool) -> anyhow::Result<Self> {
        let installed = cache_folder().join("oidc-provider");
        let settings = json!({
            "clients": [{
                "client_id": Self::CLIENT_ID,
                "client_secret": Self::CLIENT_SECRET,
                "redirect_uris": redirect_uris,
                "grant_types": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_method": "client_secret_basic",
            }],
            "algorithm": algorithm,
            "claims_in_id_token": claims_in_id_token,
        });
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(installed.join("node"));
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc-provider/server.mjs"));
        command.arg(&installed).arg(settings.to_string());
        let process = Process::start(&mut command, &folder.path().join("log"));
        let client = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(30)).build()?;
        Ok(Self {
            process: process.context("run scripts/setup-oidc-provider")?,
            client,
            redirect_uris: redirect_uris.iter().map(ToString::to_string).collect(),
            _folder: folder,
        })
    }

    /// Such as `http://127.0.0.1:40123`.
    pub fn issuer(&self) -> &str {
        &self.process.address
    }

    /// Says what is known of an account, such as `email`, `email_verified` and `name`. Its `sub` is what people log in
    /// with; those of whom nothing is known can too.
    pub async fn account(&self, sub: &str, mut claims: Value) -> anyhow::Result<()> {
        claims["sub"] = sub.into();
        self.tell("accounts", &claims).await
    }

    /// From now on tokens are signed by another key, and the old one is not published any more.
    pub async fn rotate(&self) -> anyhow::Result<()> {
        self.tell("rotate", &Value::Null).await
    }

    async fn tell(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let request = self.client.post(format!("{}/test/{path}", self.issuer()));
        request.json(body).send().await?.error_for_status()?;
        Ok(())
    }

    /// Opens the page that an application sends people to in a browser of its own, logs in there as `sub`, allows all,
    /// and gives the URL with which the provider sends the browser back.
    pub async fn log_in(&self, url: &str, sub: &str) -> anyhow::Result<String> {
        let mut cookies = BTreeMap::new();
        let mut next = Step { url: url.parse()?, form: None };
        for _ in 0..MAX_STEPS {
            let response = self.take(&next, &mut cookies).await?;
            if let Some(location) = response.headers().get(header::LOCATION) {
                let url = next.url.join(location.to_str()?)?;
                if self.redirect_uris.iter().any(|uri| url.as_str().starts_with(uri)) {
                    return Ok(url.into());
                }
                next = Step { url, form: None };
                continue;
            }
            let status = response.status();
            let page = response.text().await?;
            let prompt = between(&page, r#"name="prompt" value=""#).map(str::to_owned);
            let (Some(action), Some(prompt)) = (between(&page, r#"action=""#), prompt) else {
                bail!("no page of a login, {status}: {page}");
            };
            let form = vec![("prompt", prompt), ("login", sub.to_owned()), ("password", "any".to_owned())];
            next = Step { url: next.url.join(action)?, form: Some(form) };
        }
        bail!("a login that does not end, at {}", next.url)
    }

    async fn take(&self, step: &Step, cookies: &mut BTreeMap<String, String>) -> anyhow::Result<Response> {
        ensure!(step.url.as_str().starts_with(self.issuer()), "it leads to {}", step.url);
        let request = match &step.form {
            Some(form) => self.client.post(step.url.clone()).form(form),
            None => self.client.get(step.url.clone()),
        };
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header(header::COOKIE, pairs.join("; ")).send().await?;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie")?;
            cookies.insert(name.to_owned(), value.to_owned());
        }
        Ok(response)
    }
}

struct Step {
    url: Url,
    form: Option<Vec<(&'static str, String)>>,
}

/// What stands between `start` and the next quotation mark.
fn between<'a>(page: &'a str, start: &str) -> Option<&'a str> {
    page.split_once(start)?.1.split('"').next()
}
