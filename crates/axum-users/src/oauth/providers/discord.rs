use crate::oauth::{
    Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
};

/// Discord: `discord`, account ids like `80351110224678912`.
///
/// Register at <https://discord.com/developers/applications>. The address is verified if Discord says so in `verified`.
///
/// PKCE, the application's secret in the header, and whose answers these are stand in
/// <https://discord.com/.well-known/oauth-authorization-server>.
///
/// Sources: <https://discord.com/developers/docs/topics/oauth2>,
/// <https://discord.com/developers/docs/resources/user#user-object>.
#[derive(Clone, Debug)]
pub struct Discord(Credentials);

impl Discord {
    /// With the client id and secret of an application.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self(Credentials::new(client_id, client_secret))
    }
}

impl OAuthProvider for Discord {
    fn name(&self) -> &str {
        "discord"
    }

    fn credentials(&self) -> &Credentials {
        &self.0
    }

    fn scopes(&self) -> &[&str] {
        &["identify", "email"]
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let endpoints = Endpoints::new(
            "https://discord.com/api/oauth2/authorize",
            "https://discord.com/api/oauth2/token",
        );
        let endpoints = endpoints.basic().refreshes().revoke("https://discord.com/api/oauth2/token/revoke");
        Ok(Endpoints { issuer: Some("https://discord.com".to_owned()), ..endpoints })
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let url = "https://discord.com/api/users/@me";
        let user = client.get(url).bearer(&tokens.access_token).json().await?;
        let identity = Identity::new(&user["id"])?;
        Ok(identity.email(&user["email"], user["verified"] == true).claims(user))
    }
}
