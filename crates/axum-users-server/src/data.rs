//! The data directory: the database, and the secrets made on the first start.

mod generated;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use axum_users::Secret;

use crate::config::{Config, PolicyName, RedactedText, RedactedUrl, SecretName};

/// Where things are, and the signing keys.
#[derive(Debug)]
pub struct Data {
    /// The directory.
    pub directory: PathBuf,
    /// The URL of the database.
    pub database_url: RedactedUrl,
    /// The file of generated secrets, where one was needed.
    pub secrets_file: Option<PathBuf>,
    /// What encrypts the tokens of providers: the first closes, all open. Nothing where they are kept as they are.
    pub token_keys: Vec<Secret>,
    secrets: Vec<(SecretName, Secret)>,
}

impl Data {
    /// Creates the directory if there is none, and reads or makes the secrets.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let settings = &config.settings;
        let directory = settings.data_dir.clone();
        create_directory(&directory)?;
        let database_url = Self::database_url(config);
        let file = directory.join("secrets.toml");
        let token_keys = Vec::new();
        let mut data = Self { directory, database_url, secrets_file: None, token_keys, secrets: Vec::new() };
        let mut generated = None;
        let mut generate = |data: &mut Self, key: &str| -> anyhow::Result<Secret> {
            let secrets = match &mut generated {
                Some(secrets) => secrets,
                None => generated.insert(generated::read_or_make(&file)?),
            };
            data.secrets_file = Some(file.clone());
            Ok(Secret::new(secrets.get(key).map(String::as_str).unwrap_or_default()))
        };
        for name in SecretName::ALL {
            let (value, file) = settings.secrets.get(name);
            let key = format!("secrets.{}", name.key());
            let secret = match read_secret(config, &key, value, file)? {
                Some(secret) => secret,
                None => generate(&mut data, name.key())?,
            };
            data.secrets.push((name, secret));
        }
        if !settings.oauth.is_empty() {
            data.token_keys = match read_token_keys(config)? {
                Some(keys) => keys,
                // There a running fastapi-users reads the tokens.
                None if settings.policy == PolicyName::FastapiUsers => Vec::new(),
                None => vec![generate(&mut data, generated::TOKEN_KEY)?],
            };
        }
        data.check(config)?;
        Ok(data)
    }

    /// The URL of the database: the configured one, or that of a file in the data directory.
    pub fn database_url(config: &Config) -> RedactedUrl {
        let own = || config.settings.data_dir.join("users.db");
        let own = || RedactedUrl::new(format!("sqlite:{}", own().display()));
        config.settings.database_url.clone().unwrap_or_else(own)
    }

    /// The secret for a purpose.
    pub fn secret(&self, wanted: SecretName) -> Secret {
        let found = self.secrets.iter().find(|(name, _)| *name == wanted);
        found.map_or_else(|| Secret::new(""), |(_, secret)| secret.clone())
    }

    /// Weak secrets, and one secret for two purposes (security rule CFG-1). Names the key, never the value.
    fn check(&self, config: &Config) -> anyhow::Result<()> {
        if config.settings.effective_policy().weak_secrets {
            return Ok(());
        }
        for (index, (name, secret)) in self.secrets.iter().enumerate() {
            let key = format!("secrets.{}", name.key());
            secret.check().map_err(|weak| config.refuse(&key, weak))?;
            let earlier =
                self.secrets.iter().take(index).find(|(_, other)| other.expose() == secret.expose());
            if let Some((other, _)) = earlier {
                let reason = format!(
                    "it is the same as secrets.{}; every purpose needs a secret of its own",
                    other.key()
                );
                return Err(config.refuse(&key, reason));
            }
        }
        for key in &self.token_keys {
            let setting = "oauth_options.token_keys";
            key.check().map_err(|weak| config.refuse(setting, weak))?;
            if self.secrets.iter().any(|(_, secret)| secret.expose() == key.expose()) {
                return Err(
                    config.refuse(setting, "one is the same as a secret; every purpose needs its own")
                );
            }
        }
        Ok(())
    }
}

/// A secret that is configured as a value or as a file that holds it; `None` if it is neither.
pub fn read_secret(
    config: &Config,
    key: &str,
    value: Option<&RedactedText>,
    file: Option<&PathBuf>,
) -> anyhow::Result<Option<Secret>> {
    match (value, file) {
        (Some(_), Some(_)) => Err(config.refuse(key, "give the value or the file, not both")),
        (Some(value), None) => Ok(Some(Secret::new(value.expose()))),
        (None, Some(file)) => Ok(Some(Secret::new(read_file(config, key, file)?.trim()))),
        (None, None) => Ok(None),
    }
}

fn read_token_keys(config: &Config) -> anyhow::Result<Option<Vec<Secret>>> {
    let options = &config.settings.oauth_options;
    let key = "oauth_options.token_keys";
    let keys: Vec<Secret> = match (&options.token_keys, &options.token_keys_file) {
        (Some(_), Some(_)) => return Err(config.refuse(key, "give the values or the file, not both")),
        (Some(keys), None) => keys.iter().map(|key| Secret::new(key.expose())).collect(),
        (None, Some(file)) => {
            let text = read_file(config, key, file)?;
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Secret::new).collect()
        }
        (None, None) => return Ok(None),
    };
    if keys.is_empty() {
        return Err(config.refuse(key, "there is none; without the setting the server makes one"));
    }
    Ok(Some(keys))
}

fn read_file(config: &Config, key: &str, file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).map_err(|error| config.refuse(&format!("{key}_file"), error))
}

/// Only this user may look into it.
fn create_directory(directory: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| {
        anyhow!(
            "the data directory {} cannot be made: {error}; choose another with --data-dir",
            directory.display()
        )
    })
}
