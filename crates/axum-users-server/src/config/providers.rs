//! Which providers there are, and what each must be told.

use super::{Config, ProviderSettings};

/// Those that the library knows by name.
const KNOWN: [&str; 18] = [
    "apple",
    "discord",
    "facebook",
    "franceconnect",
    "github",
    "gitlab",
    "google",
    "kakao",
    "linkedin",
    "microsoft",
    "naver",
    "okta",
    "reddit",
    "shopify",
    "slack",
    "spotify",
    "twitch",
    "x",
];

/// A setting that only some providers have: whose it is, and whether they need it.
struct Own {
    key: &'static str,
    provider: &'static str,
    needed: bool,
    is_set: fn(&ProviderSettings) -> bool,
}

const OWN: [Own; 7] = [
    Own { key: "tenant", provider: "microsoft", needed: false, is_set: |it| it.tenant.is_some() },
    Own { key: "domain", provider: "okta", needed: true, is_set: |it| it.domain.is_some() },
    Own { key: "url", provider: "gitlab", needed: false, is_set: |it| it.url.is_some() },
    Own { key: "shop", provider: "shopify", needed: true, is_set: |it| it.shop.is_some() },
    Own { key: "team_id", provider: "apple", needed: true, is_set: |it| it.team_id.is_some() },
    Own { key: "key_id", provider: "apple", needed: true, is_set: |it| it.key_id.is_some() },
    Own {
        key: "private_key",
        provider: "apple",
        needed: true,
        is_set: |it| it.private_key.is_some() || it.private_key_file.is_some(),
    },
];

pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let settings = &config.settings;
    for (name, provider) in &settings.oauth {
        check_provider(config, name, provider)?;
    }
    let options = &settings.oauth_options;
    if options.gateway.is_some() && options.allow_private_addresses {
        let reason = "everything goes to the gateway, at whatever address it is";
        return Err(config.refuse("oauth_options.allow_private_addresses", reason));
    }
    let field = settings.fields.iter().find(|field| field.required);
    if let Some(field) = field.filter(|_| !settings.oauth.is_empty()) {
        let reason = "it must not be required: who comes from a provider of `oauth` for the first time has no value \
                      for it";
        return Err(config.refuse(&format!("fields.{}", field.name), reason));
    }
    Ok(())
}

fn check_provider(config: &Config, name: &str, provider: &ProviderSettings) -> anyhow::Result<()> {
    let refuse = |setting: &str, reason: &str| Err(config.refuse(&format!("oauth.{name}.{setting}"), reason));
    let is_known = KNOWN.contains(&name);
    if !is_known && provider.issuer.is_none() {
        let known = KNOWN.join(", ");
        let reason = format!("it is none of {known}; any other with OpenID Connect needs `issuer`");
        return Err(config.refuse(&format!("oauth.{name}"), reason));
    }
    for (setting, is_set) in [
        ("issuer", provider.issuer.is_some()),
        ("client_authentication", provider.client_authentication.is_some()),
    ] {
        if is_known && is_set {
            return refuse(setting, "only providers that are not known by name have it");
        }
    }
    for own in &OWN {
        match (own.provider == name, (own.is_set)(provider)) {
            (true, false) if own.needed => return refuse(own.key, "it is missing"),
            (false, true) => return refuse(own.key, &format!("only `{}` has it", own.provider)),
            _ => {}
        }
    }
    if provider.client_id.as_ref().is_none_or(String::is_empty) {
        return refuse(
            "client_id",
            "it is missing: the provider gives it when the application is registered",
        );
    }
    let private = config.settings.oauth_options.reaches_private_addresses();
    for (setting, url) in [("issuer", &provider.issuer), ("url", &provider.url)] {
        let usable = |url: &str| url.starts_with("https://") || (private && url.starts_with("http://"));
        if url.as_ref().is_some_and(|url| !usable(url)) {
            return refuse(
                setting,
                "it must start with https:// (http:// needs `oauth_options.allow_private_addresses`)",
            );
        }
    }
    let has_secret = provider.client_secret.is_some() || provider.client_secret_file.is_some();
    if has_secret == (name == "apple") {
        let reason = if has_secret {
            "Apple has none: the server makes it with `private_key`"
        } else {
            "it is missing: the provider gives it when the application is registered"
        };
        return refuse("client_secret", reason);
    }
    let backends = &config.settings.backends;
    if let Some(wanted) = &provider.backend
        && !backends.iter().any(|backend| backend.name == *wanted)
    {
        let names: Vec<&str> = backends.iter().map(|backend| backend.name.as_str()).collect();
        return refuse("backend", &format!("there is no such backend, only {}", names.join(", ")));
    }
    Ok(())
}
