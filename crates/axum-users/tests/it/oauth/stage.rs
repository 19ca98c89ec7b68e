//! A provider that is played, and a client that goes to it.

use std::error::Error;

use axum_users::{
    OAuthAccount,
    oauth::{Identity, OAuthProvider, ProviderClient, ProviderError, ProviderTokens},
};
use axum_users_testkit::{FakeAnswer, FakeProvider};
use serde_json::{Value, json};

/// In every text of a provider and in every secret of these tests: what must be in no error.
pub(super) const CANARY: &str = "canary";
pub(super) const CLIENT_ID: &str = "client.id";
pub(super) const CLIENT_SECRET: &str = "canary/secret";
pub(super) const ACCESS_TOKEN: &str = "canary-access";
pub(super) const REFRESH_TOKEN: &str = "canary-refresh";

pub(super) struct Stage {
    pub(super) fake: FakeProvider,
    pub(super) client: ProviderClient,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let fake = FakeProvider::start().await;
        let client = ProviderClient::through(&fake.url()).unwrap();
        Self { fake, client }
    }

    pub(super) fn plays(&self, route: &str, answer: &Value) {
        self.fake.answer(route, FakeAnswer::json(answer.clone()));
    }

    /// Whose tokens these are: an access token, and what else the token endpoint has answered.
    pub(super) async fn identity(
        &self,
        provider: &impl OAuthProvider,
        more: &Value,
    ) -> Result<Identity, ProviderError> {
        let mut answer = json!({"access_token": ACCESS_TOKEN, "token_type": "bearer"});
        answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let tokens = ProviderTokens::read(answer).unwrap();
        provider.identity(&self.client, &tokens).await.map_err(without_echo)
    }

    pub(super) async fn refresh(
        &self,
        provider: &impl OAuthProvider,
        refresh_token: Option<&str>,
    ) -> Result<ProviderTokens, ProviderError> {
        let account = account(provider, refresh_token);
        provider.refresh(&self.client, &account).await.map_err(without_echo)
    }

    pub(super) async fn revoke(
        &self,
        provider: &impl OAuthProvider,
        refresh_token: Option<&str>,
    ) -> Result<bool, ProviderError> {
        let account = account(provider, refresh_token);
        provider.revoke(&self.client, &account).await.map_err(without_echo)
    }
}

/// An account at the provider.
pub(super) fn account(provider: &impl OAuthProvider, refresh_token: Option<&str>) -> OAuthAccount {
    OAuthAccount {
        oauth_name: provider.name().to_owned(),
        account_id: "1".to_owned(),
        account_email: "king@camelot.bt".to_owned(),
        access_token: ACCESS_TOKEN.to_owned(),
        expires_at: None,
        refresh_token: refresh_token.map(str::to_owned),
    }
}

/// The error, which repeats neither a text of the provider nor a secret.
pub(super) fn without_echo(error: ProviderError) -> ProviderError {
    let mut next: Option<&dyn Error> = Some(&error);
    while let Some(cause) = next {
        let texts = format!("{cause} {cause:?}");
        assert!(!texts.to_lowercase().contains(CANARY), "{texts}");
        next = cause.source();
    }
    error
}
