use crate::{
    OAuthAccount,
    oauth::{
        Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
        exchange,
    },
};

/// Naver: `naver`, account ids like `32742776`, of newer applications like `4Bv9RTe3k2X0q5vZ8N_m1w`.
///
/// Register at <https://developers.naver.com/apps>, where it is also set what may be asked for: there are no scopes. The
/// address is not verified: Naver says nothing of it, and it may be any that the account wants to be reached at.
///
/// Sources: <https://developers.naver.com/docs/login/api/api.md>,
/// <https://developers.naver.com/docs/login/profile/profile.md>.
#[derive(Clone, Debug)]
pub struct Naver(Credentials);

impl Naver {
    /// With the client id and secret of an application.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self(Credentials::new(client_id, client_secret))
    }
}

impl OAuthProvider for Naver {
    fn name(&self) -> &str {
        "naver"
    }

    fn credentials(&self) -> &Credentials {
        &self.0
    }

    fn scopes(&self) -> &[&str] {
        &[]
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let endpoints = Endpoints::new(
            "https://nid.naver.com/oauth2.0/authorize",
            "https://nid.naver.com/oauth2.0/token",
        );
        Ok(endpoints.refreshes())
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let url = "https://openapi.naver.com/v1/nid/me";
        let answer = client.get(url).bearer(&tokens.access_token).json().await?;
        let user = &answer["response"];
        Ok(Identity::new(&user["id"])?.email(&user["email"], false).claims(user.clone()))
    }

    /// By a grant of its own, which makes both tokens invalid. Its answer holds the access token again.
    async fn revoke(&self, client: &ProviderClient, account: &OAuthAccount) -> Result<bool, ProviderError> {
        let form = vec![
            ("grant_type", "delete"),
            ("access_token", account.access_token.as_str()),
            ("service_provider", "NAVER"),
        ];
        exchange::grant(self, client, form).await.map(|_| true)
    }
}
