use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto};
use serde_json::{Value, json};

use crate::{
    Secret,
    claims::now,
    oauth::{
        Credentials, Endpoints, Identity, OAuthProvider, OpenIdConnect, ProviderClient, ProviderError,
        ProviderTokens,
    },
};

const ISSUER: &str = "https://appleid.apple.com";

/// How long a client secret is valid, in seconds; Apple takes up to half a year.
const SECRET_LIFETIME: u64 = 300;

/// Apple: `apple`, account ids like `001234.0123456789abcdef0123456789abcdef.0123`.
///
/// Addresses count as verified if Apple says so; many are Apple's own, from which mail is forwarded. The browser
/// brings the code by `POST`.
///
/// Sources: <https://developer.apple.com/documentation/signinwithapplerestapi>,
/// <https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret>.
#[derive(Clone)]
pub struct Apple {
    provider: OpenIdConnect,
    team_id: String,
    key_id: String,
    key: EncodingKey,
}

impl Apple {
    /// With a services ID as the client id, the team's id, and a private key for Sign in with Apple: its id, and what
    /// stands in the `.p8` file.
    ///
    /// # Errors
    /// [`ProviderError::Settings`] when the key is none.
    pub fn new(
        client_id: impl Into<String>,
        team_id: impl Into<String>,
        key_id: impl Into<String>,
        private_key: impl Into<Secret>,
    ) -> Result<Self, ProviderError> {
        let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let key = EncodingKey::from_ec_pem(private_key.into().expose()).map_err(|_| NO_KEY)?;
        // There is no secret but those made with the key.
        let provider = OpenIdConnect::new("apple", ISSUER, client_id, "");
        let apple = Self { provider, team_id: team_id.into(), key_id: key_id.into(), key };
        apple.client_secret()?;
        Ok(apple)
    }
}

const NO_KEY: ProviderError =
    ProviderError::Settings("its private key is no ES256 key as in the .p8 file of Apple");

impl OAuthProvider for Apple {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn credentials(&self) -> &Credentials {
        self.provider.credentials()
    }

    fn scopes(&self) -> &[&str] {
        self.provider.scopes()
    }

    fn client_secret(&self) -> Result<Secret, ProviderError> {
        let issued = now() as u64;
        let claims = json!({
            "iss": self.team_id,
            "iat": issued,
            "exp": issued + SECRET_LIFETIME,
            "aud": ISSUER,
            "sub": self.credentials().client_id,
        });
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        let secret = jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| NO_KEY)?;
        Ok(Secret::new(secret))
    }

    async fn endpoints(&self, client: &ProviderClient) -> Result<Endpoints, ProviderError> {
        Ok(self.provider.endpoints(client).await?.without_pkce().refreshes().form_post())
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let claims = self.provider.claims(client, tokens).await?;
        let verified = is_true(&claims["email_verified"]);
        Ok(Identity::new(&claims["sub"])?.email(&claims["email"], verified).claims(claims))
    }
}

/// Apple writes its truths as texts or as truths.
fn is_true(claim: &Value) -> bool {
    *claim == true || claim == "true"
}

impl std::fmt::Debug for Apple {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Apple")
            .field("provider", &self.provider)
            .field("team_id", &self.team_id)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
