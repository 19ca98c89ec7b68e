use crate::{
    Secret,
    oauth::{
        Credentials, Endpoints, Identity, OAuthProvider, OpenIdConnect, ProviderClient, ProviderError,
        ProviderTokens,
    },
};

/// Slack: `slack`, account ids like `U0R7JM`, one for each workspace in which a person is.
///
/// An address counts as verified only if the application trusts the administrators of the workspaces, who provide
/// accounts with addresses. Slack has no PKCE for this; the nonce ties the code to the browser.
///
/// Sources: <https://docs.slack.dev/authentication/sign-in-with-slack/>,
/// <https://docs.slack.dev/reference/methods/users.identity> (ids are unique in all of Slack).
#[derive(Clone, Debug)]
pub struct Slack(OpenIdConnect);

impl Slack {
    /// With the client id and secret of an app.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self(OpenIdConnect::new("slack", "https://slack.com", client_id, client_secret))
    }
}

impl OAuthProvider for Slack {
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
        Ok(self.0.endpoints(client).await?.without_pkce())
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        self.0.identity(client, tokens).await
    }
}
