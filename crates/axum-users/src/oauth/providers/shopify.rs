use serde_json::{Value, json};

use crate::oauth::{
    Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
};

/// Shopify answers requests for versions that have ended with the oldest one that it still has
/// (<https://shopify.dev/docs/api/usage/versioning>).
const API_VERSION: &str = "2026-10";

/// One shop at Shopify: `shopify`, account ids like `548380009`, which is the shop: whoever of its staff logs in has the
/// shop's account. With [`people`](Self::people) ids like `user/902541635`, and each has their own.
///
/// Register at <https://dev.shopify.com/dashboard>. The address of a shop is not verified: it is one to write to, and
/// Shopify says nothing more. That of a person is if Shopify says so in `email_verified`.
///
/// The shop is asked by GraphQL: new public apps may not use the REST API since April 2025. Access tokens end after an hour
/// and come with a refresh token, as Shopify demands of all public apps from January 2027 on.
///
/// Sources: <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant>,
/// <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens>,
/// <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/online-access-tokens>,
/// <https://shopify.dev/docs/api/admin-graphql/latest/queries/shop>.
#[derive(Clone, Debug)]
pub struct Shopify {
    credentials: Credentials,
    shop: String,
    people: bool,
    tokens_end: bool,
}

impl Shopify {
    /// With the client id and secret of an app, for the shop at `{shop}.myshopify.com`.
    ///
    /// # Errors
    /// [`ProviderError::Settings`] when the shop's name holds anything but letters, digits and hyphens.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<crate::Secret>,
        shop: &str,
    ) -> Result<Self, ProviderError> {
        let shop = shop.strip_suffix(".myshopify.com").unwrap_or(shop);
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if shop.is_empty() || shop.starts_with('-') || !shop.bytes().all(known) {
            return Err(ProviderError::Settings("the name of its shop is none"));
        }
        let credentials = Credentials::new(client_id, client_secret);
        Ok(Self { credentials, shop: shop.to_ascii_lowercase(), people: false, tokens_end: true })
    }

    /// The accounts are those of the people who log in, not the shop's (`per-user`). Access tokens last as long as the
    /// person is logged in at Shopify, a day at most.
    #[must_use]
    pub fn people(mut self) -> Self {
        self.people = true;
        self
    }

    /// Access tokens do not end, for custom apps without a way to refresh them.
    #[must_use]
    pub fn lasting_tokens(mut self) -> Self {
        self.tokens_end = false;
        self
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}.myshopify.com/admin/{path}", self.shop)
    }
}

impl OAuthProvider for Shopify {
    fn name(&self) -> &str {
        "shopify"
    }

    fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    fn scopes(&self) -> &[&str] {
        &["read_orders"]
    }

    fn authorize_parameters(&self) -> Vec<(&str, String)> {
        if self.people { vec![("grant_options[]", "per-user".to_owned())] } else { Vec::new() }
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let endpoints = Endpoints::new(self.url("oauth/authorize"), self.url("oauth/access_token"));
        Ok(match (self.people, self.tokens_end) {
            (false, true) => endpoints.refreshes().code_parameter("expiring", "1"),
            _ => endpoints,
        })
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        if self.people {
            let person = &tokens.answer["associated_user"];
            let mut identity = Identity::new(&person["id"])?;
            identity.account_id.insert_str(0, "user/");
            return Ok(identity
                .email(&person["email"], person["email_verified"] == true)
                .claims(person.clone()));
        }
        let request = client.post(&self.url(&format!("api/{API_VERSION}/graphql.json")));
        let request = request.header("x-shopify-access-token", &tokens.access_token);
        let query = json!({ "query": "{ shop { id name email myshopifyDomain } }" });
        let answer = request.json_body(&query).json().await?;
        let shop = &answer["data"]["shop"];
        let id = shop["id"]
            .as_str()
            .and_then(|id| id.strip_prefix("gid://shopify/Shop/"))
            .filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
        let identity = Identity::new(&id.map_or(Value::Null, Value::from))?;
        Ok(identity.email(&shop["email"], false).claims(shop.clone()))
    }
}
