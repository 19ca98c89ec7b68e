use crate::oauth::{
    Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
};

/// LinkedIn: `linkedin`, account ids like `782bbtaQ`.
///
/// Register at <https://www.linkedin.com/developers/apps> and add the product "Sign In with LinkedIn using OpenID
/// Connect". What was there before (`r_liteprofile`, `r_emailaddress`) is closed for new applications since August 2023;
/// an application that had it adds the product, and its members keep their ids. The address is verified if LinkedIn says
/// so in `email_verified`.
///
/// Without PKCE: LinkedIn knows it for applications without a secret only, and refuses the secret of those that have one
/// when there is a `code_verifier` beside it. Without a nonce, which its ID tokens do not carry; who somebody is says the
/// userinfo endpoint. Refresh tokens are for some of LinkedIn's partners.
///
/// Sources: <https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2>,
/// <https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow>,
/// <https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow-native>.
#[derive(Clone, Debug)]
pub struct LinkedIn(Credentials);

impl LinkedIn {
    /// With the client id and secret of an application.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self(Credentials::new(client_id, client_secret))
    }
}

impl OAuthProvider for LinkedIn {
    fn name(&self) -> &str {
        "linkedin"
    }

    fn credentials(&self) -> &Credentials {
        &self.0
    }

    fn scopes(&self) -> &[&str] {
        &["openid", "profile", "email"]
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let endpoints = Endpoints::new(
            "https://www.linkedin.com/oauth/v2/authorization",
            "https://www.linkedin.com/oauth/v2/accessToken",
        );
        Ok(endpoints.without_pkce().refreshes())
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let url = "https://api.linkedin.com/v2/userinfo";
        let member = client.get(url).bearer(&tokens.access_token).json().await?;
        let identity = Identity::new(&member["sub"])?;
        Ok(identity.email(&member["email"], member["email_verified"] == true).claims(member))
    }
}
