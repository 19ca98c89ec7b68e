use crate::oauth::{
    Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
};

/// X, formerly Twitter: `x`, account ids like `2244994945`.
///
/// Register at <https://developer.x.com> as a confidential client, and allow the app to request e-mail addresses. The
/// address is verified: X gives the one that the account has confirmed (`confirmed_email`), or none.
///
/// There are refresh tokens if the scopes hold `offline.access`, which is not asked for by default.
///
/// Sources: <https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token>,
/// <https://docs.x.com/x-api/users/get-my-user>.
#[derive(Clone, Debug)]
pub struct X(Credentials);

impl X {
    /// With the OAuth 2.0 client id and client secret of an app.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self(Credentials::new(client_id, client_secret))
    }
}

impl OAuthProvider for X {
    fn name(&self) -> &str {
        "x"
    }

    fn credentials(&self) -> &Credentials {
        &self.0
    }

    fn scopes(&self) -> &[&str] {
        &["users.read", "tweet.read", "users.email"]
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let endpoints =
            Endpoints::new("https://x.com/i/oauth2/authorize", "https://api.x.com/2/oauth2/token");
        Ok(endpoints.basic().refreshes().revoke("https://api.x.com/2/oauth2/revoke"))
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let request = client.get("https://api.x.com/2/users/me").query(&[("user.fields", "confirmed_email")]);
        let answer = request.bearer(&tokens.access_token).json().await?;
        let user = &answer["data"];
        Ok(Identity::new(&user["id"])?.email(&user["confirmed_email"], true).claims(user.clone()))
    }
}
