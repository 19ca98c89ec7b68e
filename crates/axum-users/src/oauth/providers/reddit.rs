use crate::oauth::{
    Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
};

/// Reddit: `reddit`, account ids like `spez`: the name, which nobody else gets when its account is deleted.
///
/// Register at <https://www.reddit.com/prefs/apps> as a web app. Reddit gives no address: it is of use for accounts that
/// exist already, and where users need none.
///
/// Sources: <https://github.com/reddit-archive/reddit/wiki/OAuth2>, <https://www.reddit.com/dev/api/#GET_api_v1_me>.
#[derive(Clone, Debug)]
pub struct Reddit {
    credentials: Credentials,
    permanent: bool,
}

impl Reddit {
    /// With the client id and secret of an app.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self { credentials: Credentials::new(client_id, client_secret), permanent: false }
    }

    /// Asks for a refresh token: access tokens of Reddit last an hour.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.permanent = true;
        self
    }
}

impl OAuthProvider for Reddit {
    fn name(&self) -> &str {
        "reddit"
    }

    fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    fn scopes(&self) -> &[&str] {
        &["identity"]
    }

    fn authorize_parameters(&self) -> Vec<(&str, String)> {
        if self.permanent { vec![("duration", "permanent".to_owned())] } else { Vec::new() }
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let endpoints = Endpoints::new(
            "https://www.reddit.com/api/v1/authorize",
            "https://www.reddit.com/api/v1/access_token",
        );
        Ok(endpoints.basic().refreshes().revoke("https://www.reddit.com/api/v1/revoke_token"))
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let url = "https://oauth.reddit.com/api/v1/me";
        let user = client.get(url).bearer(&tokens.access_token).json().await?;
        Ok(Identity::new(&user["name"])?.claims(user))
    }
}
