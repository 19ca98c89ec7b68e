//! What a provider is: a name, a few addresses, and how its answers tell who somebody is.

use std::fmt;

use serde_json::Value;

use super::{ProviderClient, ProviderError, exchange};
use crate::{BoxFuture, OAuthAccount, Secret};

/// A provider of accounts by which people log in: Google, GitHub, the company's own Keycloak.
///
/// One that is not among those here takes about 20 lines; with OpenID Connect,
/// [`OpenIdConnect`](super::OpenIdConnect) does already.
///
/// ```
/// use axum_users::oauth::{Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens};
///
/// struct Camelot(Credentials);
///
/// impl OAuthProvider for Camelot {
///     fn name(&self) -> &str { "camelot" }
///     fn credentials(&self) -> &Credentials { &self.0 }
///     fn scopes(&self) -> &[&str] { &["profile", "email"] }
///     async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
///         Ok(Endpoints::new("https://login.camelot.bt/authorize", "https://login.camelot.bt/token"))
///     }
///     async fn identity(&self, client: &ProviderClient, tokens: &ProviderTokens) -> Result<Identity, ProviderError> {
///         let knight = client.get("https://api.camelot.bt/me").bearer(&tokens.access_token).json().await?;
///         let identity = Identity::new(&knight["id"])?;
///         Ok(identity.email(&knight["email"], knight["email_verified"] == true).claims(knight))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is no provider of accounts")]
pub trait OAuthProvider: Send + Sync + 'static {
    /// What stands in `oauth_account.oauth_name` and in the routes, like `google`. It stays as it is as long as there are
    /// accounts with it.
    fn name(&self) -> &str;

    /// What the provider knows the application by.
    fn credentials(&self) -> &Credentials;

    /// What is asked for when the application does not say otherwise.
    fn scopes(&self) -> &[&str];

    /// Where the provider is, and what it can do.
    fn endpoints(
        &self,
        client: &ProviderClient,
    ) -> impl Future<Output = Result<Endpoints, ProviderError>> + Send;

    /// Whose tokens these are.
    ///
    /// An address counts as verified only if the provider says that it has verified it, and never changes hands there
    /// unnoticed.
    fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> impl Future<Output = Result<Identity, ProviderError>> + Send;

    /// Whether the provider's word that an address is verified counts. Those that anybody can run, or in which
    /// administrators write addresses as they like, answer `false`; who runs the application may know
    /// better: [`OAuth::trust_email`](super::OAuth::trust_email).
    fn email_is_trusted(&self) -> bool {
        true
    }

    /// More parameters for the URL that people are sent to.
    fn authorize_parameters(&self) -> Vec<(&str, String)> {
        Vec::new()
    }

    /// The secret that is sent: that of the credentials, unless it has to be made anew each time.
    ///
    /// # Errors
    /// [`ProviderError::Settings`] when it cannot be made.
    fn client_secret(&self) -> Result<Secret, ProviderError> {
        Ok(self.credentials().client_secret.clone())
    }

    /// New tokens for those of an account: for its refresh token (RFC 6749 §6), if the provider has no way of its own.
    fn refresh(
        &self,
        client: &ProviderClient,
        account: &OAuthAccount,
    ) -> impl Future<Output = Result<ProviderTokens, ProviderError>> + Send {
        async move { exchange::refresh(self, client, account).await }
    }

    /// Makes the tokens of an account invalid at the provider (RFC 7009); tells whether the provider has a way to.
    fn revoke(
        &self,
        client: &ProviderClient,
        account: &OAuthAccount,
    ) -> impl Future<Output = Result<bool, ProviderError>> + Send {
        async move { exchange::revoke(self, client, account).await }
    }
}

/// The name and the secret that a provider has given an application.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The application's name at the provider.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
}

impl Credentials {
    /// Name and secret as the provider's console shows them.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self { client_id: client_id.into(), client_secret: client_secret.into() }
    }
}

/// How an application proves itself at the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// Name and secret in the form (`client_secret_post`).
    #[default]
    Body,
    /// Name and secret in the header (`client_secret_basic`).
    Basic,
}

/// Where a provider is, and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoints {
    /// Where people are sent to log in.
    pub authorize: String,
    /// Where codes and refresh tokens become tokens.
    pub token: String,
    /// Where tokens are made invalid (RFC 7009).
    pub revoke: Option<String>,
    /// How the application proves itself.
    pub authentication: ClientAuthentication,
    /// More fields of the form that makes tokens of a code.
    pub code_parameters: Vec<(&'static str, &'static str)>,
    /// Whether the provider takes PKCE (RFC 7636). It is always used where it does.
    pub pkce: bool,
    /// Whether ID tokens carry a `nonce` of ours (OpenID Connect Core §3.1.2.1).
    pub nonce: bool,
    /// Whether there are refresh tokens.
    pub refreshes: bool,
    /// Whether the browser brings the code by `POST` (OAuth 2.0 Form Post Response Mode).
    pub form_post: bool,
    /// Whose answers these are, when the provider says so (RFC 9207).
    pub issuer: Option<String>,
    /// Whether every answer says it.
    pub always_names_issuer: bool,
}

impl Endpoints {
    /// A provider that takes PKCE, and name and secret in the form.
    pub fn new(authorize: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            authorize: authorize.into(),
            token: token.into(),
            revoke: None,
            authentication: ClientAuthentication::Body,
            code_parameters: Vec::new(),
            pkce: true,
            nonce: false,
            refreshes: false,
            form_post: false,
            issuer: None,
            always_names_issuer: false,
        }
    }

    /// Name and secret go into the header.
    #[must_use]
    pub fn basic(mut self) -> Self {
        self.authentication = ClientAuthentication::Basic;
        self
    }

    /// One more field of the form that makes tokens of a code.
    #[must_use]
    pub fn code_parameter(mut self, name: &'static str, value: &'static str) -> Self {
        self.code_parameters.push((name, value));
        self
    }

    /// The provider refuses PKCE.
    #[must_use]
    pub fn without_pkce(mut self) -> Self {
        self.pkce = false;
        self
    }

    /// There are refresh tokens.
    #[must_use]
    pub fn refreshes(mut self) -> Self {
        self.refreshes = true;
        self
    }

    /// Where tokens are made invalid.
    #[must_use]
    pub fn revoke(mut self, url: impl Into<String>) -> Self {
        self.revoke = Some(url.into());
        self
    }

    /// ID tokens carry a `nonce`.
    #[must_use]
    pub fn nonce(mut self) -> Self {
        self.nonce = true;
        self
    }

    /// The browser brings the code by `POST`.
    #[must_use]
    pub fn form_post(mut self) -> Self {
        self.form_post = true;
        self
    }
}

/// What a provider gave for a code. `Debug` shows none of it.
#[derive(Clone)]
#[non_exhaustive]
pub struct ProviderTokens {
    /// Opens the provider's interfaces.
    pub access_token: String,
    /// When the access token ends, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// Gets a new access token.
    pub refresh_token: Option<String>,
    /// Says who logged in (OpenID Connect Core §2).
    pub id_token: Option<String>,
    /// The nonce that the ID token must have.
    pub nonce: Option<String>,
    /// The whole answer of the token endpoint.
    pub answer: Value,
}

impl fmt::Debug for ProviderTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderTokens([redacted])")
    }
}

/// Who somebody is at a provider.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Identity {
    /// What the provider calls the account: never changes, and never goes to another person.
    pub account_id: String,
    /// The address of the account.
    pub email: Option<String>,
    /// Whether the provider has verified that the address is the account's.
    pub email_verified: bool,
    /// All that the provider says of the account, for an application's own fields.
    pub claims: Value,
}

impl Identity {
    /// By the provider's id: a text, or a whole number.
    ///
    /// # Errors
    /// [`ProviderError::Answer`] for anything else, and for a text that is empty, has control characters or more than 320 bytes.
    pub fn new(account_id: &Value) -> Result<Self, ProviderError> {
        let account_id = match account_id {
            Value::String(text) if is_storable(text) => text.clone(),
            Value::Number(number) if !number.is_f64() => number.to_string(),
            _ => return Err(ProviderError::Answer("there is no account id")),
        };
        Ok(Self { account_id, email: None, email_verified: false, claims: Value::Null })
    }

    /// With an address, if it is one at all: a text with the same limits.
    #[must_use]
    pub fn email(mut self, email: &Value, verified: bool) -> Self {
        self.email = email.as_str().filter(|email| is_storable(email)).map(str::to_owned);
        self.email_verified = verified && self.email.is_some();
        self
    }

    /// With all that the provider says.
    #[must_use]
    pub fn claims(mut self, claims: Value) -> Self {
        self.claims = claims;
        self
    }
}

/// Whether every database can keep it: the columns of an existing one have 320 characters, and PostgreSQL takes no NUL.
fn is_storable(text: &str) -> bool {
    (1..=320).contains(&text.len()) && !text.chars().any(char::is_control)
}

type Answer<'a, T> = BoxFuture<'a, Result<T, ProviderError>>;

/// The private object-safe mirror of [`OAuthProvider`].
pub(crate) trait DynProvider: Send + Sync {
    fn name(&self) -> &str;
    fn credentials(&self) -> &Credentials;
    fn scopes(&self) -> &[&str];
    fn email_is_trusted(&self) -> bool;
    fn authorize_parameters(&self) -> Vec<(&str, String)>;
    fn client_secret(&self) -> Result<Secret, ProviderError>;
    fn endpoints<'a>(&'a self, client: &'a ProviderClient) -> Answer<'a, Endpoints>;
    fn identity<'a>(&'a self, client: &'a ProviderClient, tokens: &'a ProviderTokens)
    -> Answer<'a, Identity>;
    fn refresh<'a>(
        &'a self,
        client: &'a ProviderClient,
        account: &'a OAuthAccount,
    ) -> Answer<'a, ProviderTokens>;
    fn revoke<'a>(&'a self, client: &'a ProviderClient, account: &'a OAuthAccount) -> Answer<'a, bool>;
}

impl<T: OAuthProvider> DynProvider for T {
    fn name(&self) -> &str {
        OAuthProvider::name(self)
    }
    fn credentials(&self) -> &Credentials {
        OAuthProvider::credentials(self)
    }
    fn scopes(&self) -> &[&str] {
        OAuthProvider::scopes(self)
    }
    fn email_is_trusted(&self) -> bool {
        OAuthProvider::email_is_trusted(self)
    }
    fn authorize_parameters(&self) -> Vec<(&str, String)> {
        OAuthProvider::authorize_parameters(self)
    }
    fn client_secret(&self) -> Result<Secret, ProviderError> {
        OAuthProvider::client_secret(self)
    }
    fn endpoints<'a>(&'a self, client: &'a ProviderClient) -> Answer<'a, Endpoints> {
        Box::pin(OAuthProvider::endpoints(self, client))
    }
    fn identity<'a>(
        &'a self,
        client: &'a ProviderClient,
        tokens: &'a ProviderTokens,
    ) -> Answer<'a, Identity> {
        Box::pin(OAuthProvider::identity(self, client, tokens))
    }
    fn refresh<'a>(
        &'a self,
        client: &'a ProviderClient,
        account: &'a OAuthAccount,
    ) -> Answer<'a, ProviderTokens> {
        Box::pin(OAuthProvider::refresh(self, client, account))
    }
    fn revoke<'a>(&'a self, client: &'a ProviderClient, account: &'a OAuthAccount) -> Answer<'a, bool> {
        Box::pin(OAuthProvider::revoke(self, client, account))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn oal_9_only_texts_and_whole_numbers_are_account_ids() {
        assert_eq!(Identity::new(&json!("people/1")).unwrap().account_id, "people/1");
        assert_eq!(Identity::new(&json!(u64::MAX)).unwrap().account_id, u64::MAX.to_string());
        for refused in
            [json!(null), json!(""), json!(1.5), json!(1e30), json!(true), json!([1]), json!({"id": 1})]
        {
            assert!(Identity::new(&refused).is_err(), "{refused}");
        }
        assert!(Identity::new(&json!("1".repeat(320))).is_ok());
        for refused in ["1".repeat(321), "1\0".to_owned(), "1\n2".to_owned(), "\u{85}".to_owned()] {
            assert!(Identity::new(&json!(refused)).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn oal_6_no_address_is_no_verified_one() {
        let identity = || Identity::new(&json!("1")).unwrap();
        assert!(identity().email(&json!("king@camelot.bt"), true).email_verified);
        let long = format!("{}@camelot.bt", "k".repeat(320));
        for none in
            [json!(null), json!(""), json!(1), json!(["king@camelot.bt"]), json!("king\0@b.bt"), json!(long)]
        {
            let identity = identity().email(&none, true);
            assert!(identity.email.is_none() && !identity.email_verified, "{none}");
        }
    }
}
