use crate::{
    Secret,
    oauth::{
        Credentials, Endpoints, Identity, OAuthProvider, OpenIdConnect, ProviderClient, ProviderError,
        ProviderTokens,
    },
};

/// FranceConnect, the French state's, in version 2: `franceconnect`, account ids of 64 hexadecimal digits and `v1`, others for
/// each service.
///
/// Register at <https://partenaires.franceconnect.gouv.fr>. It is OpenID Connect, but that the userinfo is a signed token,
/// that the level of assurance has to be asked for (`eidas1`, the only one; FranceConnect+ is another service), and that
/// parameters it does not know are refused: PKCE's are among them. The address is not verified: it is the one to write to
/// that the account behind FranceConnect has. It comes with the userinfo only.
///
/// Sources: <https://docs.partenaires.franceconnect.gouv.fr/fs/fs-technique/fs-technique-endpoints/>,
/// <https://docs.partenaires.franceconnect.gouv.fr/fs/migration/fs-migration-diff-v1-v2/>,
/// <https://docs.partenaires.franceconnect.gouv.fr/fs/fs-technique/fs-technique-scope-fc/>,
/// <https://github.com/france-connect/sources> (`AuthorizeParamsDto`).
#[derive(Clone, Debug)]
pub struct FranceConnect(OpenIdConnect);

impl FranceConnect {
    /// With the client id and secret of a service.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self::of("https://oidc.franceconnect.gouv.fr/api/v2", client_id, client_secret)
    }

    /// The environment for trying it out, which has people that do not exist.
    pub fn integration(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self::of("https://fcp-low.integ01.dev-franceconnect.fr/api/v2", client_id, client_secret)
    }

    fn of(issuer: &str, client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self(OpenIdConnect::new("franceconnect", issuer, client_id, client_secret))
    }
}

impl OAuthProvider for FranceConnect {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn credentials(&self) -> &Credentials {
        self.0.credentials()
    }

    fn scopes(&self) -> &[&str] {
        self.0.scopes()
    }

    fn authorize_parameters(&self) -> Vec<(&str, String)> {
        vec![("acr_values", "eidas1".to_owned())]
    }

    async fn endpoints(&self, client: &ProviderClient) -> Result<Endpoints, ProviderError> {
        Ok(self.0.endpoints(client).await?.without_pkce())
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let claims = self.0.claims(client, tokens).await?;
        let userinfo = self.0.signed_userinfo(client, tokens, &claims["sub"]).await?;
        Ok(Identity::new(&claims["sub"])?.email(&userinfo["email"], false).claims(userinfo))
    }
}
