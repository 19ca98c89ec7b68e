use serde_json::Value;

use crate::{
    Secret,
    oauth::{
        Credentials, Endpoints, Identity, OAuthProvider, OpenIdConnect, ProviderClient, ProviderError,
        ProviderTokens,
    },
};

const ISSUER: &str = "https://accounts.google.com";

/// Google: `google`, account ids like `people/110169484474386276334`, as the rows of fastapi-users have them.
///
/// Register at <https://console.cloud.google.com/auth/clients>. An address counts as verified where Google is
/// authoritative for it: one of gmail.com, or one of an organization with Google Workspace (`hd`). Google has verified
/// others once, but they may have gone to somebody else since.
///
/// Sources: <https://developers.google.com/identity/openid-connect/openid-connect>,
/// <https://developers.google.com/identity/gsi/web/guides/verify-google-id-token> (where Google is authoritative),
/// <https://developers.google.com/people/api/rest/v1/people> (`resourceName`).
#[derive(Clone, Debug)]
pub struct Google {
    provider: OpenIdConnect,
    parameters: Vec<(&'static str, String)>,
    hosted_domain: Option<String>,
}

impl Google {
    /// With the client id and secret of an OAuth client of the kind "Web application".
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        // Google names itself without the scheme too, in tokens for old clients.
        let provider = OpenIdConnect::new("google", ISSUER, client_id, client_secret).issuer_rules(
            |configured, stated| configured == stated,
            |issuer, _, claims| {
                claims.text("iss").is_some_and(|stated| stated == issuer || stated == "accounts.google.com")
            },
        );
        Self { provider, parameters: Vec::new(), hosted_domain: None }
    }

    /// Asks for a refresh token (`access_type=offline`). Google gives it the first time only, unless
    /// [`prompt`](Self::prompt) is `consent`.
    #[must_use]
    pub fn offline(self) -> Self {
        self.parameter("access_type", "offline")
    }

    /// What Google asks people: `none`, `consent`, `select_account`, or several with spaces between them.
    #[must_use]
    pub fn prompt(self, prompt: &str) -> Self {
        self.parameter("prompt", prompt)
    }

    /// Which account Google proposes: an address or a `sub`.
    #[must_use]
    pub fn login_hint(self, hint: &str) -> Self {
        self.parameter("login_hint", hint)
    }

    /// Only accounts of this organization with Google Workspace, like `camelot.bt`: others are refused.
    #[must_use]
    pub fn hosted_domain(mut self, domain: &str) -> Self {
        self.hosted_domain = Some(domain.to_owned());
        self.parameter("hd", domain)
    }

    fn parameter(mut self, name: &'static str, value: &str) -> Self {
        self.parameters.retain(|(other, _)| *other != name);
        self.parameters.push((name, value.to_owned()));
        self
    }
}

impl OAuthProvider for Google {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn credentials(&self) -> &Credentials {
        self.provider.credentials()
    }

    fn scopes(&self) -> &[&str] {
        &["openid", "email", "profile"]
    }

    fn authorize_parameters(&self) -> Vec<(&str, String)> {
        self.parameters.clone()
    }

    async fn endpoints(&self, client: &ProviderClient) -> Result<Endpoints, ProviderError> {
        self.provider.endpoints(client).await
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let claims = self.provider.claims(client, tokens).await?;
        if self.hosted_domain.as_deref().is_some_and(|domain| claims["hd"] != domain) {
            return Err(ProviderError::Untrusted("the account is not of the organization"));
        }
        let subject = claims["sub"].as_str().unwrap_or_default();
        let identity = Identity::new(&Value::String(format!("people/{subject}")))?;
        let verified = claims["email_verified"] == true && is_authoritative(&claims);
        Ok(identity.email(&claims["email"], verified).claims(claims))
    }
}

fn is_authoritative(claims: &Value) -> bool {
    let domain = claims["email"].as_str().and_then(|email| Some(email.rsplit_once('@')?.1));
    domain.is_some_and(|domain| domain.eq_ignore_ascii_case("gmail.com"))
        || claims["hd"].as_str().is_some_and(|hosted| !hosted.is_empty())
}
