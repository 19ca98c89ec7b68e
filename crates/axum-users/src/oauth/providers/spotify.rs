use crate::oauth::{
    Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
};

/// Spotify: `spotify`, account ids like `smedjan`.
///
/// Register at <https://developer.spotify.com/dashboard>. The address is never verified: "there is no proof that it
/// actually belongs to the user", says Spotify of it, and it gives none to newer applications in development mode. There
/// is no way to make tokens invalid but the account's own page of apps.
///
/// Sources: <https://developer.spotify.com/documentation/web-api/tutorials/code-flow>,
/// <https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile>.
#[derive(Clone, Debug)]
pub struct Spotify(Credentials);

impl Spotify {
    /// With the client id and secret of an app.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self(Credentials::new(client_id, client_secret))
    }
}

impl OAuthProvider for Spotify {
    fn name(&self) -> &str {
        "spotify"
    }

    fn credentials(&self) -> &Credentials {
        &self.0
    }

    fn scopes(&self) -> &[&str] {
        &["user-read-email"]
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let endpoints = Endpoints::new(
            "https://accounts.spotify.com/authorize",
            "https://accounts.spotify.com/api/token",
        );
        Ok(endpoints.basic().refreshes())
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let url = "https://api.spotify.com/v1/me";
        let user = client.get(url).bearer(&tokens.access_token).json().await?;
        Ok(Identity::new(&user["id"])?.email(&user["email"], false).claims(user))
    }
}
