use serde_json::Value;

use crate::oauth::{
    Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
};

/// GitHub: `github`, account ids like `583231`.
///
/// Register at <https://github.com/settings/developers>. The address is the primary one, and verified if GitHub says so:
/// the public address of the profile is none of those.
///
/// Sources: <https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>,
/// <https://docs.github.com/rest/users/emails>.
#[derive(Clone, Debug)]
pub struct GitHub(Credentials);

impl GitHub {
    /// With the client id and secret of an OAuth app.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self(Credentials::new(client_id, client_secret))
    }
}

impl OAuthProvider for GitHub {
    fn name(&self) -> &str {
        "github"
    }

    fn credentials(&self) -> &Credentials {
        &self.0
    }

    fn scopes(&self) -> &[&str] {
        &["user", "user:email"]
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
        let get = async |url| client.get(url).bearer(&tokens.access_token).json().await;
        let user = get("https://api.github.com/user").await?;
        let identity = Identity::new(&user["id"])?;
        let emails = get("https://api.github.com/user/emails").await?;
        let emails = emails.as_array().map(Vec::as_slice).unwrap_or_default();
        let primary = emails.iter().find(|email| email["primary"] == true).or(emails.first());
        let email = primary.unwrap_or(&Value::Null);
        Ok(identity.email(&email["email"], email["verified"] == true).claims(user))
    }
}
