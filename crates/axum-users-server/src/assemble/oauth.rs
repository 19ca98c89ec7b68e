//! The providers of the configuration, as the library takes them.

use std::path::PathBuf;

use axum_users::{
    OAuthStore, PublicUrl, Secret, TokenOptions, UsersBuilder,
    oauth::{
        Apple, Discord, Facebook, FranceConnect, GitHub, GitLab, Google, Kakao, LinkedIn, Microsoft, Naver,
        OAuth, Okta, OpenIdConnect, ProviderClient, ProviderError, Reddit, Shopify, Slack, Spotify, Twitch,
        X,
    },
};

use crate::{
    config::{Config, ProviderSettings, RedactedText, SecretName},
    data::{Data, read_secret},
    profile::Configured,
};

/// Adds the providers, and what they have in common.
pub(super) fn add<S>(
    mut builder: UsersBuilder<Configured, S>,
    config: &Config,
    data: &Data,
    public_url: PublicUrl,
) -> anyhow::Result<UsersBuilder<Configured, S>>
where
    S: OAuthStore<Configured>,
{
    let settings = &config.settings;
    if settings.oauth.is_empty() {
        return Ok(builder);
    }
    let policy = settings.effective_policy();
    builder = builder.oauth_state(TokenOptions {
        secret: Some(data.secret(SecretName::OauthState)),
        ..TokenOptions::oauth_state(&policy)
    });
    if settings.public_url.is_some() || !policy.oauth_redirect_from_host {
        builder = builder.public_url(public_url);
    }
    if let Some(client) = client(config)? {
        builder = builder.provider_client(client);
    }
    if !data.token_keys.is_empty() {
        builder = builder.encrypt_provider_tokens(data.token_keys.clone());
    }
    for (name, provider) in &settings.oauth {
        builder = builder.oauth(oauth(config, name, provider)?);
    }
    Ok(builder)
}

/// How providers are asked, if not as usual.
pub(super) fn client(config: &Config) -> anyhow::Result<Option<ProviderClient>> {
    let options = &config.settings.oauth_options;
    if let Some(gateway) = &options.gateway {
        let client = ProviderClient::through(gateway.expose());
        return Ok(Some(client.map_err(|error| config.refuse("oauth_options.gateway", error))?));
    }
    if options.allow_private_addresses {
        let client = ProviderClient::private();
        let client = client.map_err(|error| config.refuse("oauth_options.allow_private_addresses", error));
        return Ok(Some(client?));
    }
    Ok(None)
}

fn oauth(config: &Config, name: &str, settings: &ProviderSettings) -> anyhow::Result<OAuth> {
    let read = |setting: &str, value: &Option<RedactedText>, file: &Option<PathBuf>| {
        let key = format!("oauth.{name}.{setting}");
        let secret = read_secret(config, &key, value.as_ref(), file.as_ref())?;
        if secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
            return Err(config.refuse(&key, "it is empty"));
        }
        anyhow::Ok(secret.unwrap_or_else(|| Secret::new("")))
    };
    let secret = read("client_secret", &settings.client_secret, &settings.client_secret_file)?;
    let private_key = read("private_key", &settings.private_key, &settings.private_key_file)?;
    let provider = provider(name, settings, secret, private_key);
    let mut oauth = provider.map_err(|error| config.refuse(&format!("oauth.{name}"), error))?;
    if let Some(backend) = &settings.backend {
        oauth = oauth.backend(backend);
    }
    if let Some(url) = &settings.redirect_url {
        oauth = oauth.redirect_url(url);
    }
    if let Some(url) = &settings.associate_redirect_url {
        oauth = oauth.associate_redirect_url(url);
    }
    if let Some(scopes) = &settings.scopes {
        oauth = oauth.scopes(scopes);
    }
    if let Some(scopes) = &settings.more_scopes {
        oauth = oauth.more_scopes(scopes);
    }
    if let Some(yes) = settings.associate_by_email {
        oauth = oauth.associate_by_email(yes);
    }
    if let Some(yes) = settings.verified_by_default {
        oauth = oauth.verified_by_default(yes);
    }
    if let Some(trust) = settings.trust_email {
        oauth = oauth.trust_email(trust.into());
    }
    if let Some(pages) = &settings.return_to {
        oauth = oauth.return_to(pages);
    }
    Ok(oauth)
}

/// That what a provider needs is there was checked with the settings.
fn provider(
    name: &str,
    settings: &ProviderSettings,
    secret: Secret,
    private_key: Secret,
) -> Result<OAuth, ProviderError> {
    fn text(setting: &Option<String>) -> &str {
        setting.as_deref().unwrap_or_default()
    }
    let id = text(&settings.client_id);
    Ok(match name {
        "apple" => Apple::new(id, text(&settings.team_id), text(&settings.key_id), private_key)?.into(),
        "discord" => Discord::new(id, secret).into(),
        "facebook" => Facebook::new(id, secret).into(),
        "franceconnect" => FranceConnect::new(id, secret).into(),
        "github" => GitHub::new(id, secret).into(),
        "gitlab" => match &settings.url {
            Some(url) => GitLab::self_hosted(url, id, secret).into(),
            None => GitLab::new(id, secret).into(),
        },
        "google" => Google::new(id, secret).into(),
        "kakao" => Kakao::new(id, secret).into(),
        "linkedin" => LinkedIn::new(id, secret).into(),
        "microsoft" => match &settings.tenant {
            Some(tenant) => Microsoft::tenant(tenant, id, secret).into(),
            None => Microsoft::new(id, secret).into(),
        },
        "naver" => Naver::new(id, secret).into(),
        "okta" => Okta::new(text(&settings.domain), id, secret).into(),
        "reddit" => Reddit::new(id, secret).into(),
        "shopify" => Shopify::new(id, secret, text(&settings.shop))?.into(),
        "slack" => Slack::new(id, secret).into(),
        "spotify" => Spotify::new(id, secret).into(),
        "twitch" => Twitch::new(id, secret).into(),
        "x" => X::new(id, secret).into(),
        _ => {
            let provider = OpenIdConnect::new(name, text(&settings.issuer), id, secret);
            match settings.client_authentication {
                Some(name) => provider.authentication(name.into()).into(),
                None => provider.into(),
            }
        }
    })
}
