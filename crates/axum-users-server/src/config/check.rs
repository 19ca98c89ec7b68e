//! Refuses settings that contradict each other or switch a protection off unseen (security rule CFG-2). What the
//! library checks when it is built is not repeated here.

use axum_users::{Algorithm, DuplicateRegistration, PublicUrl};
use tracing_subscriber::EnvFilter;

use super::{
    BackendSettings, Config, DatabaseSettings, FieldSettings, IdType, MOST_DAYS, SharedName, StrategyName,
    TransportName, providers,
};

/// What the URL of a database may start with.
const DATABASES: [&str; 7] =
    ["sqlite:", "postgres://", "postgresql://", "mysql://", "mariadb://", "mongodb://", "mongodb+srv://"];

/// Names that every user has.
const CORE_FIELDS: [&str; 7] =
    ["id", "email", "hashed_password", "password", "is_active", "is_superuser", "is_verified"];

pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let settings = &config.settings;
    for (key, lifetime) in [
        ("reset.lifetime", settings.reset.lifetime),
        ("verification.lifetime", settings.verification.lifetime),
    ] {
        if lifetime == 0 {
            return Err(config.refuse(key, "it must be at least 1 second"));
        }
    }
    check_database(config)?;
    let hides = settings.effective_policy().duplicate_registration == DuplicateRegistration::Hide;
    if hides && !settings.login.require_verified {
        let reason = "`hide` hides nothing while users can log in without verifying their address: set \
                      `login.require_verified` too";
        return Err(config.refuse("policy_overrides.duplicate_registration", reason));
    }
    // The range is that of `RateLimits`.
    if !(1..=900).contains(&settings.rate_limits.login_longest_wait) {
        return Err(config.refuse("rate_limits.login_longest_wait", "it must be between 1 and 900 seconds"));
    }
    if !(1..=MOST_DAYS).contains(&settings.audit.keep_days) {
        return Err(config.refuse("audit.keep_days", format!("it must be between 1 and {MOST_DAYS} days")));
    }
    match settings.rate_limits.shared {
        Some(SharedName::Redis) if settings.redis_url.is_none() => {
            return Err(config.refuse("rate_limits.shared", "counts in Redis need `redis_url`"));
        }
        Some(SharedName::Database) if settings.is_mongodb() => {
            let reason = "MongoDB keeps no counts: use `redis`, or `memory` for each node by itself";
            return Err(config.refuse("rate_limits.shared", reason));
        }
        _ => {}
    }
    check_urls(config)?;
    if let Err(error) = settings.log.level.parse::<EnvFilter>() {
        return Err(config.refuse("log.level", format!("it is not a filter: {error}")));
    }
    if settings.backends.is_empty() {
        return Err(config.refuse("backends", "without a backend nobody can log in"));
    }
    let is_redis = |url: &str| url.starts_with("redis") && url.contains("://");
    if settings.redis_url.as_ref().is_some_and(|url| !is_redis(url.expose())) {
        let schemes = "it must start with `redis://`, `redis-sentinel://` or `redis-cluster://`";
        return Err(config.refuse("redis_url", schemes));
    }
    let redis = settings.backends.iter().find(|backend| backend.strategy == StrategyName::Redis);
    if let Some(backend) = redis.filter(|_| settings.redis_url.is_none()) {
        let key = format!("backends.{}.strategy", backend.name);
        return Err(config.refuse(&key, "tokens in Redis need `redis_url`"));
    }
    settings.backends.iter().try_for_each(|backend| check_backend(config, backend))?;
    providers::check(config)?;
    for (index, field) in settings.fields.iter().enumerate() {
        check_field(config, field, settings.fields.get(..index).unwrap_or_default())?;
    }
    Ok(())
}

fn check_database(config: &Config) -> anyhow::Result<()> {
    let settings = &config.settings;
    if let Some(url) = &settings.database_url
        && !DATABASES.iter().any(|scheme| url.expose().starts_with(scheme))
    {
        let schemes = "it must start with `sqlite:`, `postgres://`, `mysql://` or `mongodb://`";
        return Err(config.refuse("database_url", schemes));
    }
    if settings.is_mongodb() && settings.ids() == IdType::Integer {
        return Err(config.refuse("id_type", "MongoDB assigns no integers: use `object_id` or `uuid`"));
    }
    if settings.is_mongodb() && settings.database != DatabaseSettings::default() {
        let reason =
            "MongoDB takes its limits from the URL, such as `maxPoolSize` and `serverSelectionTimeoutMS`";
        return Err(config.refuse("database", reason));
    }
    // The ranges are those of `SqlOptions`.
    let database = &settings.database;
    if database.max_connections.is_some_and(|most| !(1..=10_000).contains(&most)) {
        return Err(config.refuse("database.max_connections", "it must be between 1 and 10000"));
    }
    for (key, seconds) in [
        ("database.acquire_timeout", database.acquire_timeout),
        ("database.statement_timeout", database.statement_timeout),
    ] {
        if !(1..=86_400).contains(&seconds) {
            return Err(config.refuse(key, "it must be between 1 and 86400 seconds"));
        }
    }
    Ok(())
}

fn check_urls(config: &Config) -> anyhow::Result<()> {
    let settings = &config.settings;
    if let Some(Err(error)) = settings.public_url.as_deref().map(PublicUrl::parse) {
        return Err(config.refuse("public_url", error));
    }
    for origin in &settings.trusted_origins {
        let url = PublicUrl::parse(origin).map_err(|error| config.refuse("trusted_origins", error))?;
        if url.origin() != *origin {
            let reason = format!("{origin:?} is no origin: it reads {:?}, without a path", url.origin());
            return Err(config.refuse("trusted_origins", reason));
        }
    }
    let pages = [
        ("pages.reset_password", &settings.pages.reset_password),
        ("pages.verify_email", &settings.pages.verify_email),
        ("pages.confirm_email", &settings.pages.confirm_email),
        ("pages.revert_email", &settings.pages.revert_email),
    ];
    for (key, page) in pages {
        if let Some(Err(error)) = page.as_deref().map(PublicUrl::parse) {
            return Err(config.refuse(key, error));
        }
    }
    if settings.mail.smtp_url().is_some() && settings.mail.from.is_none() {
        return Err(
            config.refuse("mail.from", "mails by SMTP need a sender, like `Example <no-reply@example.com>`")
        );
    }
    Ok(())
}

fn check_backend(config: &Config, backend: &BackendSettings) -> anyhow::Result<()> {
    let refuse = |setting: &str, reason: &str| {
        Err(config.refuse(&format!("backends.{}.{setting}", backend.name), reason))
    };
    let is_jwt = backend.strategy == StrategyName::Jwt;
    for (setting, is_set) in [
        ("algorithm", backend.algorithm.is_some()),
        ("private_key_file", backend.private_key_file.is_some()),
        ("public_key_file", backend.public_key_file.is_some()),
        ("audience", backend.audience.is_some()),
    ] {
        if is_set && !is_jwt {
            return refuse(setting, "only the strategy `jwt` has it");
        }
    }
    let symmetric = Algorithm::from(backend.algorithm.unwrap_or_default()).is_symmetric();
    for (setting, file) in
        [("private_key_file", &backend.private_key_file), ("public_key_file", &backend.public_key_file)]
    {
        if symmetric && file.is_some() {
            return refuse(
                setting,
                "HS256, HS384 and HS512 sign with `secrets.jwt`, not with a pair of keys",
            );
        }
        if !symmetric && file.is_none() {
            return refuse(setting, "RS256, ES256 and EdDSA sign with a pair of keys: give both files");
        }
    }
    if let Some(cookie) = &backend.cookie {
        if backend.transport != TransportName::Cookie {
            return refuse("cookie", "only the transport `cookie` has it");
        }
        let over_https = config.settings.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
        if over_https && cookie.secure == Some(false) {
            return refuse("cookie.secure", "with a `public_url` of https:// the cookie must be secure");
        }
    }
    Ok(())
}

fn check_field(config: &Config, field: &FieldSettings, earlier: &[FieldSettings]) -> anyhow::Result<()> {
    let name = field.name.as_str();
    let refuse = |reason: &str| Err(config.refuse(&format!("fields.{name}"), reason));
    let well_formed = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.len() <= 63
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !well_formed {
        return refuse("a field's name has at most 63 letters, digits and underscores, and no digit first");
    }
    if CORE_FIELDS.iter().any(|core| core.eq_ignore_ascii_case(name)) {
        return refuse("every user has a field of this name already");
    }
    if earlier.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
        return refuse("two fields have this name");
    }
    if field.required && !axum_users::value::Access::from(field.access).writable() {
        return refuse("a required field must be one that registering can set: read-write or write-only");
    }
    Ok(())
}
