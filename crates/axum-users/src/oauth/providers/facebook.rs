use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    OAuthAccount,
    oauth::{
        Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
        exchange,
    },
};

/// The versions before it end two years after the next one (<https://developers.facebook.com/docs/graph-api/changelog>).
const AUTHORIZE: &str = "https://www.facebook.com/v26.0/dialog/oauth";
const TOKEN: &str = "https://graph.facebook.com/v26.0/oauth/access_token";
const ME: &str = "https://graph.facebook.com/v26.0/me";
const PERMISSIONS: &str = "https://graph.facebook.com/v26.0/me/permissions";

/// Facebook: `facebook`, account ids like `10158456789012345`, others for each app.
///
/// Register at <https://developers.facebook.com/apps>. The address is not verified: Facebook documents that it gives none
/// if there is no valid one, and not that the person has proven to have it.
///
/// There are no refresh tokens. [`refresh`](OAuthProvider::refresh) takes the access token, which lasts an hour or two, and
/// gives one that lasts about 60 days. Making tokens invalid takes all permissions of the application away.
///
/// Requests are signed with the secret (`appsecret_proof`), as applications can demand it of themselves.
///
/// Sources: <https://developers.facebook.com/documentation/facebook-login/guides/advanced/manual-flow>,
/// <https://developers.facebook.com/documentation/facebook-login/guides/advanced/oidc-token> (PKCE),
/// <https://developers.facebook.com/docs/graph-api/reference/user>,
/// <https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived>,
/// <https://developers.facebook.com/docs/graph-api/guides/secure-requests>.
#[derive(Clone, Debug)]
pub struct Facebook(Credentials);

impl Facebook {
    /// With the id and secret of an app.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self(Credentials::new(client_id, client_secret))
    }

    /// HMAC-SHA256 of the token under the secret, in hexadecimal.
    fn proof(&self, access_token: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.client_secret.expose()) else {
            return String::new();
        };
        mac.update(access_token.as_bytes());
        mac.finalize().into_bytes().iter().fold(String::new(), |mut proof, byte| {
            let _ = write!(proof, "{byte:02x}");
            proof
        })
    }
}

impl OAuthProvider for Facebook {
    fn name(&self) -> &str {
        "facebook"
    }

    fn credentials(&self) -> &Credentials {
        &self.0
    }

    fn scopes(&self) -> &[&str] {
        &["email", "public_profile"]
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        Ok(Endpoints::new(AUTHORIZE, TOKEN))
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let parameters =
            [("fields", "id,name,email"), ("appsecret_proof", &self.proof(&tokens.access_token))];
        let user = client.get(ME).query(&parameters).bearer(&tokens.access_token).json().await?;
        Ok(Identity::new(&user["id"])?.email(&user["email"], false).claims(user))
    }

    async fn refresh(
        &self,
        client: &ProviderClient,
        account: &OAuthAccount,
    ) -> Result<ProviderTokens, ProviderError> {
        let token = account.access_token.as_str();
        let form = vec![("grant_type", "fb_exchange_token"), ("fb_exchange_token", token)];
        exchange::grant(self, client, form).await
    }

    async fn revoke(&self, client: &ProviderClient, account: &OAuthAccount) -> Result<bool, ProviderError> {
        let parameters = [("appsecret_proof", self.proof(&account.access_token))];
        let parameters = parameters.each_ref().map(|(name, value)| (*name, value.as_str()));
        let request = client.delete(PERMISSIONS).query(&parameters).bearer(&account.access_token);
        request.done().await.map(|()| true)
    }
}
