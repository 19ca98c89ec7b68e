use serde_json::{Value, json};

use crate::{
    OAuthAccount,
    oauth::{Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens},
};

/// GitHub: `github`, account ids like `583231`.
///
/// Register at <https://github.com/settings/developers>, as an OAuth app or as a GitHub app. The address is the primary
/// one, and verified if GitHub says so. Where the scopes, or the permissions of a GitHub app, do not let the addresses be
/// read, it is the public one of the profile, if any, and not verified: nothing is said of it.
///
/// Refresh tokens have GitHub apps whose tokens end.
///
/// Sources: <https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>,
/// <https://docs.github.com/rest/users/emails>, <https://docs.github.com/rest/apps/oauth-applications>,
/// <https://github.blog/changelog/2025-07-14-pkce-support-for-oauth-and-github-app-authentication>.
#[derive(Clone, Debug)]
pub struct GitHub {
    credentials: Credentials,
    login: Option<String>,
    allow_signup: bool,
}

impl GitHub {
    /// With the client id and secret of an app.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self { credentials: Credentials::new(client_id, client_secret), login: None, allow_signup: true }
    }

    /// Suggests an account to log in with.
    #[must_use]
    pub fn login(mut self, login: impl Into<String>) -> Self {
        self.login = Some(login.into());
        self
    }

    /// Offers no new accounts at GitHub to those who have none.
    #[must_use]
    pub fn without_signup(mut self) -> Self {
        self.allow_signup = false;
        self
    }
}

impl OAuthProvider for GitHub {
    fn name(&self) -> &str {
        "github"
    }

    fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    fn scopes(&self) -> &[&str] {
        &["user", "user:email"]
    }

    fn authorize_parameters(&self) -> Vec<(&str, String)> {
        let login = self.login.iter().map(|login| ("login", login.clone()));
        let signup = (!self.allow_signup).then(|| ("allow_signup", "false".to_owned()));
        login.chain(signup).collect()
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let endpoints = Endpoints::new(
            "https://github.com/login/oauth/authorize",
            "https://github.com/login/oauth/access_token",
        );
        Ok(endpoints.refreshes())
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let get = |url| client.get(url).bearer(&tokens.access_token);
        let user = get("https://api.github.com/user").json().await?;
        let identity = Identity::new(&user["id"])?;
        let (status, emails) = get("https://api.github.com/user/emails").json_or_error().await?;
        if !status.is_success() {
            return Ok(identity.email(&user["email"], false).claims(user));
        }
        let emails = emails.as_array().map(Vec::as_slice).unwrap_or_default();
        let primary = emails.iter().find(|email| email["primary"] == true).or(emails.first());
        let email = primary.unwrap_or(&Value::Null);
        Ok(identity.email(&email["email"], email["verified"] == true).claims(user))
    }

    async fn revoke(&self, client: &ProviderClient, account: &OAuthAccount) -> Result<bool, ProviderError> {
        let Credentials { client_id, client_secret } = &self.credentials;
        let client_id_encoded: String = form_urlencoded::byte_serialize(client_id.as_bytes()).collect();
        let url = format!("https://api.github.com/applications/{client_id_encoded}/token");
        let request = client.delete(&url).basic(client_id, client_secret);
        request.json_body(&json!({ "access_token": account.access_token })).done().await.map(|()| true)
    }
}
