use crate::{
    Secret,
    oauth::{
        Credentials, Endpoints, Identity, OAuthProvider, OpenIdConnect, ProviderClient, ProviderError,
        ProviderTokens,
    },
};

/// Okta: `okta`, account ids like `00uid4BxXw6I6TV4m0g3`.
///
/// An address counts as verified only if the application trusts the organization's administrators, who write them.
///
/// Source: <https://developer.okta.com/docs/reference/api/oidc/>.
#[derive(Clone, Debug)]
pub struct Okta(OpenIdConnect);

impl Okta {
    /// The organization's own authorization server by its domain, like `camelot.okta.com`; a custom one with its path,
    /// like `camelot.okta.com/oauth2/default`.
    pub fn new(domain: &str, client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self(OpenIdConnect::new("okta", format!("https://{domain}"), client_id, client_secret))
    }
}

impl OAuthProvider for Okta {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn credentials(&self) -> &Credentials {
        self.0.credentials()
    }

    fn scopes(&self) -> &[&str] {
        self.0.scopes()
    }

    fn email_is_trusted(&self) -> bool {
        self.0.email_is_trusted()
    }

    async fn endpoints(&self, client: &ProviderClient) -> Result<Endpoints, ProviderError> {
        self.0.endpoints(client).await
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        self.0.identity(client, tokens).await
    }
}
