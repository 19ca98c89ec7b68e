use crate::config::{Config, EXAMPLE, PasswordSettings, PolicyName, RedactedText};

/// Prints every setting with its default and what it means.
#[expect(clippy::unnecessary_wraps, reason = "as every command")]
pub fn example() -> anyhow::Result<()> {
    super::print(EXAMPLE.trim_end());
    Ok(())
}

/// Prints the settings in force, without secrets.
pub fn effective(config: &Config) -> anyhow::Result<()> {
    let mut settings = config.settings.clone();
    settings.id_type = Some(settings.ids());
    settings.password = PasswordSettings::of(&settings.effective_policy());
    settings.secrets.fill_with_placeholders();
    let makes_token_key = !settings.oauth.is_empty() && settings.policy == PolicyName::Secure;
    if makes_token_key && settings.oauth_options.token_keys_file.is_none() {
        settings.oauth_options.token_keys.get_or_insert_with(|| vec![RedactedText::placeholder()]);
    }
    super::print(toml::to_string(&settings)?.trim_end());
    Ok(())
}
