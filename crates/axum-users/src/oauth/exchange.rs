//! Codes and refresh tokens become tokens, and tokens are made invalid: the requests that providers have in common.

use serde_json::Value;

use super::{
    ClientAuthentication, Endpoints, OAuthProvider, ProviderClient, ProviderError, ProviderTokens,
    client::ProviderRequest, provider::DynProvider,
};
use crate::{OAuthAccount, Secret, claims::now};

/// The error codes of RFC 6749 §5.2. Others are the provider's own words, and not repeated.
const ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

type Form<'a> = Vec<(&'a str, &'a str)>;

/// The application, as the provider knows it.
struct Application<'a> {
    provider: &'a str,
    client_id: &'a str,
    secret: Secret,
}

/// The tokens for a code (RFC 6749 §4.1.3), with the verifier of PKCE (RFC 7636 §4.5).
pub(crate) async fn code(
    provider: &dyn DynProvider,
    client: &ProviderClient,
    endpoints: &Endpoints,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&str>,
) -> Result<ProviderTokens, ProviderError> {
    let application = Application {
        provider: provider.name(),
        client_id: &provider.credentials().client_id,
        secret: provider.client_secret()?,
    };
    let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)];
    form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
    form.extend_from_slice(&endpoints.code_parameters);
    application.tokens(client.post(&endpoints.token), endpoints, form).await
}

/// New tokens for a refresh token (RFC 6749 §6).
pub(super) async fn refresh<T: OAuthProvider + ?Sized>(
    provider: &T,
    client: &ProviderClient,
    account: &OAuthAccount,
) -> Result<ProviderTokens, ProviderError> {
    let endpoints = provider.endpoints(client).await?;
    let refresh_token = account.refresh_token.as_deref().filter(|_| endpoints.refreshes);
    let refresh_token = refresh_token.ok_or(ProviderError::Settings("it gave no refresh token"))?;
    let form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    application(provider)?.tokens(client.post(&endpoints.token), &endpoints, form).await
}

/// New tokens for something else, by a grant of the provider's own (RFC 6749 §4.5).
pub(super) async fn grant<T: OAuthProvider + ?Sized>(
    provider: &T,
    client: &ProviderClient,
    form: Form<'_>,
) -> Result<ProviderTokens, ProviderError> {
    let endpoints = provider.endpoints(client).await?;
    application(provider)?.tokens(client.post(&endpoints.token), &endpoints, form).await
}

/// Makes tokens invalid (RFC 7009 §2.1): the refresh token, if there is one, takes the access tokens with it.
pub(super) async fn revoke<T: OAuthProvider + ?Sized>(
    provider: &T,
    client: &ProviderClient,
    account: &OAuthAccount,
) -> Result<bool, ProviderError> {
    let (token, hint) = match &account.refresh_token {
        Some(token) => (token, "refresh_token"),
        None => (&account.access_token, "access_token"),
    };
    revoke_token(provider, client, token, hint).await
}

/// Makes one token invalid (RFC 7009 §2.1). What the answer says is of no importance (§2.2).
pub(super) async fn revoke_token<T: OAuthProvider + ?Sized>(
    provider: &T,
    client: &ProviderClient,
    token: &str,
    hint: &str,
) -> Result<bool, ProviderError> {
    let endpoints = provider.endpoints(client).await?;
    let Some(url) = &endpoints.revoke else { return Ok(false) };
    let application = application(provider)?;
    let form = vec![("token", token), ("token_type_hint", hint)];
    let secret = String::from_utf8_lossy(application.secret.expose()).into_owned();
    match application.authenticated(client.post(url), &endpoints, form, &secret).refusal().await? {
        None => Ok(true),
        Some(answer) => {
            application.log_refusal(&answer);
            Err(ProviderError::Refused("it does not revoke the token"))
        }
    }
}

fn application<T: OAuthProvider + ?Sized>(provider: &T) -> Result<Application<'_>, ProviderError> {
    let secret = provider.client_secret()?;
    Ok(Application { provider: provider.name(), client_id: &provider.credentials().client_id, secret })
}

impl Application<'_> {
    async fn tokens(
        &self,
        request: ProviderRequest,
        endpoints: &Endpoints,
        form: Form<'_>,
    ) -> Result<ProviderTokens, ProviderError> {
        let secret = String::from_utf8_lossy(self.secret.expose()).into_owned();
        let (status, answer) = self.authenticated(request, endpoints, form, &secret).json_or_error().await?;
        // Some refuse with a success.
        if !status.is_success() || answer.get("access_token").is_none() {
            self.log_refusal(&answer);
            return Err(ProviderError::Refused("it does not accept the code or the token"));
        }
        ProviderTokens::read(answer)
    }

    fn authenticated<'a>(
        &'a self,
        request: ProviderRequest,
        endpoints: &Endpoints,
        mut form: Form<'a>,
        secret: &'a str,
    ) -> ProviderRequest {
        match endpoints.authentication {
            ClientAuthentication::Basic => {
                // Encoded as in a form (RFC 6749 §2.3.1), which changes most names and secrets in nothing.
                let encoded =
                    |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                request.basic(&encoded(self.client_id), &Secret::new(encoded(secret))).form(&form)
            }
            ClientAuthentication::Body => {
                form.extend([("client_id", self.client_id), ("client_secret", secret)]);
                request.form(&form)
            }
        }
    }

    /// For whoever runs the application: a wrong secret looks like a wrong code to those who log in.
    fn log_refusal(&self, answer: &Value) {
        let error = answer.get("error").and_then(Value::as_str);
        let error = ERRORS.into_iter().find(|known| error == Some(known)).unwrap_or("of its own");
        tracing::warn!(provider = self.provider, error, "a provider refused a code or a token");
    }
}

impl ProviderTokens {
    /// The answer of a token endpoint (RFC 6749 §5.1).
    ///
    /// # Errors
    /// [`ProviderError::Answer`] when there is no access token.
    pub fn read(answer: Value) -> Result<Self, ProviderError> {
        let text = |name: &str| {
            answer.get(name).and_then(Value::as_str).filter(|text| is_token(text)).map(str::to_owned)
        };
        let access_token = text("access_token").ok_or(ProviderError::Answer("there is no access token"))?;
        let expires_at = seconds(&answer["expires_at"])
            .or_else(|| Some((now() as i64).saturating_add(seconds(&answer["expires_in"])?)));
        Ok(Self {
            access_token,
            expires_at,
            refresh_token: text("refresh_token"),
            id_token: text("id_token"),
            nonce: None,
            answer,
        })
    }
}

/// The characters of RFC 6749 §A.12 and §A.17.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Whole seconds, which some write as a text.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64().or_else(|| other.as_f64().map(|seconds| seconds as i64)),
    }
}

#[cfg(test)]
mod tests {
    use axum_users_testkit::{FakeAnswer, FakeProvider};
    use serde_json::json;

    use super::*;
    use crate::oauth::Shopify;

    #[test]
    fn tokens_are_read_as_providers_write_them() {
        let read = |answer| ProviderTokens::read(answer).unwrap();
        let tokens = read(
            json!({"access_token": "a", "expires_at": 1_700_000_000, "expires_in": 60, "refresh_token": ""}),
        );
        assert_eq!((tokens.expires_at, tokens.refresh_token), (Some(1_700_000_000), None));
        for expires_in in [json!(3600), json!("3600"), json!(3600.9)] {
            let left = read(json!({"access_token": "a", "expires_in": expires_in})).expires_at.unwrap()
                - now() as i64;
            assert!((3599..=3600).contains(&left), "{left}");
        }
        assert_eq!(read(json!({"access_token": "a", "expires_in": i64::MAX})).expires_at, Some(i64::MAX));
        assert_eq!(read(json!({"access_token": "a", "expires_in": [1]})).expires_at, None);
        for refused in [
            json!({}),
            json!({"access_token": 1}),
            json!({"access_token": ""}),
            json!({"access_token": "a\u{0}"}),
            json!([]),
        ] {
            assert!(ProviderTokens::read(refused).is_err());
        }
    }

    #[tokio::test]
    async fn a_code_goes_with_all_that_the_provider_wants_and_a_refusal_gives_no_tokens() {
        const ROUTE: &str = "POST camelot.myshopify.com/admin/oauth/access_token";
        let fake = FakeProvider::start().await;
        let client = ProviderClient::through(&fake.url()).unwrap();
        let shop = Shopify::new("id", "secret", "camelot").unwrap();
        let endpoints = OAuthProvider::endpoints(&shop, &client).await.unwrap();
        let ask = || code(&shop, &client, &endpoints, "c", "https://camelot.bt/callback", Some("v"));
        let tokens = json!({"access_token": "a", "refresh_token": "r", "expires_in": 3600});
        fake.answer(ROUTE, FakeAnswer::json(tokens.clone()));
        assert_eq!(ask().await.unwrap().refresh_token.as_deref(), Some("r"));
        let form = "grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fcamelot.bt%2Fcallback\
                    &code_verifier=v&expiring=1&client_id=id&client_secret=secret";
        assert_eq!(fake.requests_to(ROUTE)[0].body, form.as_bytes());
        for answer in [FakeAnswer::json(tokens).status(400), FakeAnswer::json(json!({"error": "bad_code"}))] {
            fake.answer(ROUTE, answer);
            assert!(matches!(ask().await, Err(ProviderError::Refused(_))));
        }
    }

    #[test]
    fn lgs_1_debug_shows_no_token() {
        let tokens = ProviderTokens::read(json!({"access_token": "secret"})).unwrap();
        assert!(!format!("{tokens:?}").contains("secret"));
    }
}
