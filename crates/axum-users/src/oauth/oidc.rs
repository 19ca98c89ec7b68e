//! OpenID Connect: one way of asking for all providers that speak it.

use std::sync::Arc;

use serde_json::Value;

use super::{
    ClientAuthentication, Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError,
    ProviderTokens,
    discovery::{Discovery, IssuerRule, Metadata},
    id_token::IdToken,
    jwks::{Key, Keys},
};
use crate::{Secret, object::Object};

/// Whether a token with these claims, signed by this key, is of the issuer of the discovery document.
pub(super) type TokenIssuerRule = fn(issuer: &str, key: &Key, claims: &Object) -> bool;

/// Any provider with OpenID Connect: the company's own Keycloak, Auth0, Zitadel, Authentik, …
///
/// It is found by its issuer (OpenID Connect Discovery 1.0), and who somebody is comes from the ID token, which is
/// verified as OpenID Connect Core §3.1.3.7 says; an address that is not in it from the userinfo endpoint. Account ids
/// are the provider's `sub`. An address is verified if the provider says so *and* the application
/// [trusts](super::EmailTrust) it: anybody can run such a provider, and in many of them administrators write
/// addresses as they like.
///
/// ```
/// use axum_users::oauth::OpenIdConnect;
///
/// let zitadel = OpenIdConnect::new("zitadel", "https://login.camelot.bt", "client id", "client secret");
/// let keycloak = OpenIdConnect::keycloak("https://sso.camelot.bt", "knights", "client id", "client secret");
/// let auth0 = OpenIdConnect::auth0("camelot.eu.auth0.com", "client id", "client secret");
/// ```
///
/// The discovery document and the keys are kept for an hour, and for a day while the provider does not answer. Keys
/// that are missing are asked for at most every 30 seconds. Of the times in ID tokens 60 seconds of difference between
/// the clocks are forgiven, but none at their end.
#[derive(Clone, Debug)]
pub struct OpenIdConnect {
    name: String,
    credentials: Credentials,
    discovery: Discovery,
    keys: Keys,
    issuer_rule: TokenIssuerRule,
    authentication: Option<ClientAuthentication>,
}

impl OpenIdConnect {
    /// By the provider's issuer, exactly as it calls itself, like `https://login.camelot.bt`. `name` is what accounts
    /// are stored under: the client for fastapi-users calls itself `openid` if it is not told otherwise.
    pub fn new(
        name: impl Into<String>,
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
    ) -> Self {
        Self {
            name: name.into(),
            credentials: Credentials::new(client_id, client_secret),
            discovery: Discovery::new(issuer.into()),
            keys: Keys::new(),
            issuer_rule: |issuer, _, claims| claims.text("iss") == Some(issuer),
            authentication: None,
        }
    }

    /// How the secret is sent: some providers take it only in the way for which the application is registered. By
    /// default in the first of the two that the provider lists.
    #[must_use]
    pub const fn authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = Some(authentication);
        self
    }

    /// A realm of Keycloak, as `keycloak`: `base` is like `https://sso.camelot.bt`
    /// (<https://www.keycloak.org/securing-apps/oidc-layers>).
    pub fn keycloak(
        base: &str,
        realm: &str,
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
    ) -> Self {
        let issuer = format!("{}/realms/{realm}", base.trim_end_matches('/'));
        Self::new("keycloak", issuer, client_id, client_secret)
    }

    /// A tenant of Auth0, as `auth0`: `domain` is like `camelot.eu.auth0.com`
    /// (<https://auth0.com/docs/get-started/applications/configure-applications-with-oidc-discovery>).
    pub fn auth0(domain: &str, client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self::new("auth0", format!("https://{domain}/"), client_id, client_secret)
    }

    /// For providers whose documents and tokens name issuers in their own way.
    pub(super) fn issuer_rules(mut self, document: IssuerRule, token: TokenIssuerRule) -> Self {
        self.discovery = self.discovery.issuer_rule(document);
        self.issuer_rule = token;
        self
    }

    /// The claims of the ID token.
    pub(super) async fn claims(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Value, ProviderError> {
        let token = tokens.id_token.as_deref().ok_or(ProviderError::Untrusted("there is no ID token"))?;
        let token = IdToken::parse(token)?;
        let metadata = self.metadata(client).await?;
        let key = self.keys.verify(client, &metadata.keys, &token.signed()).await?;
        let claims = token.claims(&self.credentials.client_id, tokens)?;
        if !(self.issuer_rule)(&metadata.issuer, &key, &claims) {
            return Err(ProviderError::Untrusted("the ID token is of another issuer"));
        }
        Ok(Value::Object(claims.into_members()))
    }

    async fn metadata(&self, client: &ProviderClient) -> Result<Arc<Metadata>, ProviderError> {
        self.discovery.metadata(client).await
    }

    /// What the userinfo endpoint says, which must be of the same person (OpenID Connect Core §5.3.2).
    async fn userinfo(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
        subject: &Value,
    ) -> Result<Value, ProviderError> {
        let metadata = self.metadata(client).await?;
        let Some(url) = &metadata.userinfo else { return Ok(Value::Null) };
        let userinfo = client.get(url).bearer(&tokens.access_token).json().await?;
        of_person(userinfo, subject)
    }

    /// The same from a provider that signs it (OpenID Connect Core §5.3.2).
    pub(super) async fn signed_userinfo(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
        subject: &Value,
    ) -> Result<Value, ProviderError> {
        let metadata = self.metadata(client).await?;
        let url = metadata.userinfo.as_deref().ok_or(ProviderError::Answer("it has no userinfo"))?;
        let token = client.get(url).bearer(&tokens.access_token).text().await?;
        let token = IdToken::parse(token.trim())?;
        let key = self.keys.verify(client, &metadata.keys, &token.signed()).await?;
        let claims = token.userinfo(&self.credentials.client_id)?;
        if !(self.issuer_rule)(&metadata.issuer, &key, &claims) {
            return Err(ProviderError::Untrusted("the userinfo is of another issuer"));
        }
        of_person(Value::Object(claims.into_members()), subject)
    }
}

fn of_person(userinfo: Value, subject: &Value) -> Result<Value, ProviderError> {
    if userinfo["sub"] == *subject {
        Ok(userinfo)
    } else {
        Err(ProviderError::Untrusted("the userinfo is of another person"))
    }
}

impl OAuthProvider for OpenIdConnect {
    fn name(&self) -> &str {
        &self.name
    }

    fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    fn scopes(&self) -> &[&str] {
        &["openid", "email"]
    }

    fn email_is_trusted(&self) -> bool {
        false
    }

    async fn endpoints(&self, client: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let mut endpoints = self.metadata(client).await?.endpoints.clone();
        endpoints.authentication = self.authentication.unwrap_or(endpoints.authentication);
        Ok(endpoints)
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let mut claims = self.claims(client, tokens).await?;
        let identity = Identity::new(&claims["sub"])?;
        if claims["email"].is_string() {
            let verified = claims["email_verified"] == true;
            return Ok(identity.email(&claims["email"], verified).claims(claims));
        }
        let userinfo = self.userinfo(client, tokens, &claims["sub"]).await?;
        let identity = identity.email(&userinfo["email"], userinfo["email_verified"] == true);
        if let (Value::Object(claims), Value::Object(more)) = (&mut claims, userinfo) {
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        Ok(identity.claims(claims))
    }
}
