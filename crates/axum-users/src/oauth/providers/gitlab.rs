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
pub struct GitLab {
    provider: OpenIdConnect,
    is_public: bool,
}

impl GitLab {
    /// gitlab.com.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        let instance = Self::self_hosted("https://gitlab.com", client_id, client_secret);
        Self { is_public: true, ..instance }
    }

    /// An instance of one's own, by its external URL, like `https://git.camelot.bt`.
    pub fn self_hosted(url: &str, client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        let issuer = url.trim_end_matches('/');
        Self { provider: OpenIdConnect::new("gitlab", issuer, client_id, client_secret), is_public: false }
    }
}

impl OAuthProvider for GitLab {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn credentials(&self) -> &Credentials {
        self.provider.credentials()
    }

    fn scopes(&self) -> &[&str] {
        self.provider.scopes()
    }

    fn email_is_trusted(&self) -> bool {
        self.is_public
    }

    async fn endpoints(&self, client: &ProviderClient) -> Result<Endpoints, ProviderError> {
        self.provider.endpoints(client).await
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        self.provider.identity(client, tokens).await
    }
}
