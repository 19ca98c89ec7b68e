use crate::config::{Config, EXAMPLE, PasswordSettings};

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
    super::print(toml::to_string(&settings)?.trim_end());
    Ok(())
}
