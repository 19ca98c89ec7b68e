use crate::{
    OAuthAccount,
    oauth::{
        Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
        exchange,
    },
};

/// Twitch: `twitch`, account ids like `141981764`.
///
/// Register at <https://dev.twitch.tv/console/apps>. The address is verified: Twitch documents `email` as "the user's
/// verified email address".
///
/// Sources: <https://dev.twitch.tv/docs/authentication/getting-tokens-oauth/#authorization-code-grant-flow>,
/// <https://dev.twitch.tv/docs/authentication/revoke-tokens/>, <https://dev.twitch.tv/docs/api/reference/#get-users>.
#[derive(Clone, Debug)]
pub struct Twitch(Credentials);

impl Twitch {
    /// With the client id and secret of an application.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self(Credentials::new(client_id, client_secret))
    }
}

impl OAuthProvider for Twitch {
    fn name(&self) -> &str {
        "twitch"
    }

    fn credentials(&self) -> &Credentials {
        &self.0
    }

    fn scopes(&self) -> &[&str] {
        &["user:read:email"]
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let endpoints =
            Endpoints::new("https://id.twitch.tv/oauth2/authorize", "https://id.twitch.tv/oauth2/token");
        Ok(endpoints.refreshes().revoke("https://id.twitch.tv/oauth2/revoke"))
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let request = client.get("https://api.twitch.tv/helix/users").header("client-id", &self.0.client_id);
        // Without a parameter it is the one whose token this is.
        let answer = request.bearer(&tokens.access_token).json().await?;
        let user = &answer["data"][0];
        Ok(Identity::new(&user["id"])?.email(&user["email"], true).claims(user.clone()))
    }

    /// Of the two tokens Twitch makes the access token invalid only.
    async fn revoke(&self, client: &ProviderClient, account: &OAuthAccount) -> Result<bool, ProviderError> {
        exchange::revoke_token(self, client, &account.access_token, "access_token").await
    }
}
