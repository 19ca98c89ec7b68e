use crate::{
    OAuthAccount,
    oauth::{Credentials, Endpoints, Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens},
};

/// Kakao: `kakao`, account ids like `123456789`.
///
/// Register at <https://developers.kakao.com/console/app>; the client id is the REST API key. The address is verified if
/// Kakao says that it is valid (`is_email_valid`: not gone over to another account) and verified (`is_email_verified`).
///
/// Making tokens invalid takes the account's link to the application away (`unlink`), and with it what the account has
/// agreed to.
///
/// Source: <https://developers.kakao.com/docs/latest/en/kakaologin/rest-api>.
#[derive(Clone, Debug)]
pub struct Kakao(Credentials);

impl Kakao {
    /// With the REST API key and the client secret of an app.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<crate::Secret>) -> Self {
        Self(Credentials::new(client_id, client_secret))
    }
}

impl OAuthProvider for Kakao {
    fn name(&self) -> &str {
        "kakao"
    }

    fn credentials(&self) -> &Credentials {
        &self.0
    }

    fn scopes(&self) -> &[&str] {
        &["profile_nickname", "account_email"]
    }

    async fn endpoints(&self, _: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let endpoints =
            Endpoints::new("https://kauth.kakao.com/oauth/authorize", "https://kauth.kakao.com/oauth/token");
        Ok(endpoints.refreshes())
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let url = "https://kapi.kakao.com/v2/user/me";
        let user = client.get(url).bearer(&tokens.access_token).json().await?;
        let account = &user["kakao_account"];
        let verified = account["is_email_valid"] == true && account["is_email_verified"] == true;
        Ok(Identity::new(&user["id"])?.email(&account["email"], verified).claims(user))
    }

    async fn revoke(&self, client: &ProviderClient, account: &OAuthAccount) -> Result<bool, ProviderError> {
        let request = client.post("https://kapi.kakao.com/v1/user/unlink").bearer(&account.access_token);
        request.done().await.map(|()| true)
    }
}
