use crate::{
    Secret,
    oauth::{
        Credentials, Endpoints, Identity, OAuthProvider, OpenIdConnect, ProviderClient, ProviderError,
        ProviderTokens,
    },
};

/// GitLab: `gitlab`, account ids like `10`, GitLab's own ids of users.
///
/// The word of gitlab.com that an address is verified counts; that of another instance only if the application trusts its
/// administrators, who write addresses as they like.
///
/// Source: <https://docs.gitlab.com/integration/openid_connect_provider/>.
#[derive(Clone, Debug)]
pub struct GitLab(OpenIdConnect);

impl GitLab {
    /// gitlab.com.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self::self_hosted("https://gitlab.com", client_id, client_secret).trust_verified_email()
    }

    /// An instance of one's own, by its external URL, like `https://git.camelot.bt`.
    pub fn self_hosted(url: &str, client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        let issuer = url.trim_end_matches('/');
        Self(OpenIdConnect::new("gitlab", issuer, client_id, client_secret))
    }

    /// Trusts the instance's administrators: see [`OpenIdConnect::trust_verified_email`].
    #[must_use]
    pub fn trust_verified_email(self) -> Self {
        Self(self.0.trust_verified_email())
    }
}

impl OAuthProvider for GitLab {
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
