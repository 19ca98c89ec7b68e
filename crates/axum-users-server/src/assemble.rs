//! From the settings to the library's `Users`, by its public interface only.

mod oauth;

use std::fs;

use anyhow::Context;
use axum_users::{
    AuditOptions, AuditStore, Backend, Bearer, Cookie, JobOptions, JobStore, Jwt, MigrationError, MongoStore,
    OAuthStore, Opaque, PublicUrl, RedisLimitStore, RedisTokenStore, SqlOptions, SqlStore, TokenOptions,
    TokenStore, UserStore, Users, UsersBuilder,
    mailer::{AnyMailer, ConsoleMailer, EmailHooks, SmtpMailer, SmtpUrl, Templates},
    password::{BreachCheck, BreachFilter},
};

use crate::{
    config::{BackendSettings, Config, SecretName, SharedName, StrategyName, TransportName},
    data::Data,
    profile::{Configured, configure},
};

/// Opens the database and puts everything together. Links in mails start with `public_url`.
pub async fn users(config: &Config, data: &Data, public_url: &str) -> anyhow::Result<Users<Configured>> {
    configure(&config.settings);
    let url = data.database_url.expose();
    if config.settings.is_mongodb() {
        let store = MongoStore::<Configured>::open(url).await.map_err(|error| explain(error, data))?;
        let builder = with_store(config, data, &store, sessions(config).await?.as_ref(), public_url)?;
        return build(share_in_redis(builder, config).await?);
    }
    let options = SqlOptions::from(&config.settings.database);
    let store = SqlStore::<Configured>::open_with(url, &options).await;
    let store = store.map_err(|error| explain(error, data))?;
    let builder = with_store(config, data, &store, sessions(config).await?.as_ref(), public_url)?;
    build(match config.settings.shared_limits() {
        SharedName::Database => builder.shared_rate_limits(store),
        _ => share_in_redis(builder, config).await?,
    })
}

/// Counts in Redis, if the settings say so.
async fn share_in_redis<S: UserStore<Configured>>(
    builder: UsersBuilder<Configured, S>,
    config: &Config,
) -> anyhow::Result<UsersBuilder<Configured, S>> {
    let used = config.settings.shared_limits() == SharedName::Redis;
    let Some(url) = config.settings.redis_url.as_ref().filter(|_| used) else { return Ok(builder) };
    let store = RedisLimitStore::open(url.expose()).await;
    let store = store.with_context(|| format!("Redis at {url} cannot be used"))?;
    Ok(builder.shared_rate_limits(store))
}

/// Checks what has been put together.
pub fn build<S: UserStore<Configured>>(
    builder: UsersBuilder<Configured, S>,
) -> anyhow::Result<Users<Configured>> {
    builder.build().context("the configuration is refused")
}

/// Connects to Redis, if a backend keeps its tokens there.
async fn sessions(config: &Config) -> anyhow::Result<Option<RedisTokenStore>> {
    let settings = &config.settings;
    let used = settings.backends.iter().any(|backend| backend.strategy == StrategyName::Redis);
    let Some(url) = settings.redis_url.as_ref().filter(|_| used) else { return Ok(None) };
    let store = RedisTokenStore::open(url.expose()).await;
    let store = store.with_context(|| format!("Redis at {url} cannot be used"))?;
    Ok(Some(store.prefix(&settings.redis_prefix)))
}

/// Puts everything together on a store. Where no session is ever opened, `sessions` may be missing although a backend keeps its
/// tokens there.
pub fn with_store<S>(
    config: &Config,
    data: &Data,
    store: &S,
    sessions: Option<&RedisTokenStore>,
    public_url: &str,
) -> anyhow::Result<UsersBuilder<Configured, S>>
where
    S: OAuthStore<Configured> + TokenStore<Configured> + JobStore + AuditStore + Clone,
{
    let settings = &config.settings;
    configure(settings);
    let mut builder = Users::builder(store.clone(), data.secret(SecretName::Master))
        .policy(settings.effective_policy())
        .hashing((&settings.hashing).into())
        .rate_limits((&settings.rate_limits).into())
        .trusted_proxies(&settings.rate_limits.trusted_proxies)
        .device_cookie(device_cookie(&settings.backends))
        .hooks(mails(config, public_url)?)
        .durable_jobs(store.clone(), JobOptions::new())
        .reset_token(TokenOptions {
            secret: Some(data.secret(SecretName::Reset)),
            lifetime: settings.reset.lifetime,
            ..TokenOptions::reset()
        })
        .verification_token(TokenOptions {
            secret: Some(data.secret(SecretName::Verification)),
            lifetime: settings.verification.lifetime,
            ..TokenOptions::verification()
        })
        .email_change_token(TokenOptions {
            lifetime: settings.email_change.lifetime,
            ..TokenOptions::email_change()
        })
        .email_revert_token(TokenOptions {
            lifetime: settings.email_change.revert_lifetime,
            ..TokenOptions::email_revert()
        });
    for backend in &settings.backends {
        builder = builder.backend(self::backend(config, backend, data, store, sessions)?);
    }
    if settings.audit.enabled {
        builder = builder.audit(store.clone(), AuditOptions::from(&settings.audit));
    }
    builder = builder.password_words(names(config, public_url));
    if settings.password.breach_check {
        let check = match oauth::client(config)? {
            Some(client) => BreachCheck::with(client),
            None => BreachCheck::new().map_err(|error| config.refuse("password.breach_check", error))?,
        };
        builder = builder.hooks(check);
    }
    if let Some(path) = &settings.password.breach_filter {
        let filter = BreachFilter::open(path).map_err(|error| {
            config.refuse("password.breach_filter", format!("{:#}", anyhow::Error::new(error)))
        });
        builder = builder.hooks(filter?);
    }
    if settings.users.require_verified {
        builder = builder.require_verified_users();
    }
    let public_url = PublicUrl::parse(public_url).map_err(|error| config.refuse("public_url", error))?;
    let origins = settings.trusted_origins.iter().map(String::as_str);
    builder = builder.trusted_origins(origins.chain([public_url.origin()]));
    oauth::add(builder, config, data, public_url)
}

fn backend<S: TokenStore<Configured> + Clone>(
    config: &Config,
    settings: &BackendSettings,
    data: &Data,
    store: &S,
    sessions: Option<&RedisTokenStore>,
) -> anyhow::Result<Backend<Configured>> {
    let name = &settings.name;
    let cookie = || settings.cookie.clone().unwrap_or_default().cookie(config.settings.policy);
    let stored = || match (settings.strategy, sessions) {
        (StrategyName::Redis, Some(redis)) => opaque(settings, redis.clone()),
        _ => opaque(settings, store.clone()),
    };
    let backend = match (settings.transport, settings.strategy) {
        (TransportName::Bearer, StrategyName::Jwt) => {
            Backend::new(name, Bearer, jwt(config, settings, data)?)
        }
        (TransportName::Cookie, StrategyName::Jwt) => {
            Backend::new(name, cookie(), jwt(config, settings, data)?)
        }
        (TransportName::Bearer, _) => Backend::new(name, Bearer, stored()),
        (TransportName::Cookie, _) => Backend::new(name, cookie(), stored()),
    };
    let backend = backend.prefix(settings.path());
    Ok(if config.settings.login.require_verified { backend.require_verified() } else { backend })
}

/// Sent without TLS only where the cookie of a session is, too.
fn device_cookie(backends: &[BackendSettings]) -> Cookie {
    let mut sessions = backends.iter().filter_map(|backend| backend.cookie.as_ref());
    match sessions.all(|cookie| cookie.secure != Some(false)) {
        true => Cookie::device(),
        // No other cookie may be called so.
        false => Cookie { name: "axumusersdevice".to_owned(), secure: false, ..Cookie::device() },
    }
}

/// What the application is called: passwords must not consist of it.
fn names<'a>(config: &'a Config, public_url: &'a str) -> impl Iterator<Item = &'a str> {
    let settings = &config.settings;
    let host =
        public_url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    // Names end with a top-level domain, which is no name of anybody.
    let labels = host.rsplit('.').skip(1);
    labels.chain([settings.mail.product.as_str()]).chain(settings.password.words.iter().map(String::as_str))
}

fn jwt(config: &Config, settings: &BackendSettings, data: &Data) -> anyhow::Result<Jwt> {
    use crate::config::AlgorithmName::{EdDsa, Es256, Hs256, Hs384, Hs512, Rs256};
    let secret = || data.secret(SecretName::Jwt);
    let mut jwt = match settings.algorithm.unwrap_or_default() {
        Hs256 => Jwt::new(secret()),
        Hs384 => Jwt::hs384(secret()),
        Hs512 => Jwt::hs512(secret()),
        algorithm @ (Rs256 | Es256 | EdDsa) => {
            let read = |key: &str, file: &Option<std::path::PathBuf>| {
                let file = file.as_deref().unwrap_or(std::path::Path::new(""));
                fs::read(file).map_err(|error| {
                    config.refuse(
                        &format!("backends.{}.{key}", settings.name),
                        format!("{}: {error}", file.display()),
                    )
                })
            };
            let private = read("private_key_file", &settings.private_key_file)?;
            let public = read("public_key_file", &settings.public_key_file)?;
            Jwt::key_pair(algorithm.into(), private, public).map_err(|error| {
                config.refuse(&format!("backends.{}.private_key_file", settings.name), error)
            })?
        }
    };
    if let Some(lifetime) = settings.lifetime {
        jwt = jwt.lifetime(lifetime.0);
    }
    Ok(match &settings.audience {
        Some(audience) => jwt.audience(audience.clone()),
        None => jwt,
    })
}

fn opaque(settings: &BackendSettings, tokens: impl TokenStore<Configured>) -> Opaque<Configured> {
    let opaque = Opaque::new(tokens);
    match settings.lifetime {
        Some(lifetime) => opaque.lifetime(lifetime.0),
        None => opaque,
    }
}

fn mails(config: &Config, public_url: &str) -> anyhow::Result<EmailHooks<AnyMailer>> {
    let settings = &config.settings;
    let mailer = match settings.mail.smtp_url() {
        None => AnyMailer::new(ConsoleMailer::stdout()),
        Some(url) => {
            let url: SmtpUrl = url.parse().map_err(|error| config.refuse("mail.transport", error))?;
            let from = settings.mail.from.as_deref().unwrap_or_default();
            AnyMailer::new(SmtpMailer::new(&url, from).map_err(|error| config.refuse("mail.from", error))?)
        }
    };
    let public_url = PublicUrl::parse(public_url).map_err(|error| config.refuse("public_url", error))?;
    let mut hooks = EmailHooks::new(mailer, public_url)
        .product(&settings.mail.product)
        .lifetimes(settings.reset.lifetime, settings.verification.lifetime)
        .email_change_lifetimes(settings.email_change.lifetime, settings.email_change.revert_lifetime);
    if let Some(directory) = &settings.mail.templates {
        let templates = Templates::with_directory(directory);
        hooks = hooks.templates(templates.map_err(|error| config.refuse("mail.templates", error))?);
    }
    // The URLs of pages were checked with the settings.
    if let Some(Ok(page)) = settings.pages.reset_password.as_deref().map(PublicUrl::parse) {
        hooks = hooks.reset_page(page);
    }
    if let Some(Ok(page)) = settings.pages.verify_email.as_deref().map(PublicUrl::parse) {
        hooks = hooks.verify_page(page);
    }
    if let Some(Ok(page)) = settings.pages.confirm_email.as_deref().map(PublicUrl::parse) {
        hooks = hooks.confirm_email_page(page);
    }
    if let Some(Ok(page)) = settings.pages.revert_email.as_deref().map(PublicUrl::parse) {
        hooks = hooks.revert_email_page(page);
    }
    Ok(hooks)
}

fn explain(error: MigrationError, data: &Data) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("the database {}", data.database_url))
}
