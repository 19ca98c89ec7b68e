//! The data directory: the database, and the secrets made on the first start.

use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use axum_users::Secret;

use crate::config::{Config, RedactedUrl, SecretName};

/// Bytes of a generated secret.
const SECRET_BYTES: usize = 32;

/// Where things are, and the signing keys.
#[derive(Debug)]
pub struct Data {
    /// The directory.
    pub directory: PathBuf,
    /// The URL of the database.
    pub database_url: RedactedUrl,
    /// The file of generated secrets, where one was needed.
    pub secrets_file: Option<PathBuf>,
    secrets: Vec<(SecretName, Secret)>,
}

impl Data {
    /// Creates the directory if there is none, and reads or makes the secrets.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let settings = &config.settings;
        let directory = settings.data_dir.clone();
        create_directory(&directory)?;
        let database_url = Self::database_url(config);
        let mut data = Self { directory, database_url, secrets_file: None, secrets: Vec::new() };
        let mut generated = None;
        for name in SecretName::ALL {
            let secret = match settings.secrets.get(name) {
                (Some(_), Some(_)) => {
                    return Err(config
                        .refuse(&format!("secrets.{}", name.key()), "give the value or the file, not both"));
                }
                (Some(value), None) => Secret::new(value.expose()),
                (None, Some(file)) => Secret::new(
                    fs::read_to_string(file)
                        .map_err(|error| config.refuse(&format!("secrets.{}_file", name.key()), error))?
                        .trim(),
                ),
                (None, None) => {
                    let file = data.directory.join("secrets.toml");
                    let secrets = match &mut generated {
                        Some(secrets) => secrets,
                        None => generated.insert(read_or_make(&file)?),
                    };
                    data.secrets_file = Some(file);
                    Secret::new(secrets.get(name.key()).map(String::as_str).unwrap_or_default())
                }
            };
            data.secrets.push((name, secret));
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
        Ok(())
    }
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

/// Reads the secrets, or makes them if there are none. Of several processes that start at once one makes them, and
/// the others read what it made: the file appears whole or not at all.
fn read_or_make(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let shown = file.display();
    match fs::read_to_string(file) {
        Ok(text) => return parse(file, &text),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => bail!("the secrets in {shown} cannot be read: {error}"),
    }
    let mut text =
        "# Made on the first start. Keep it private, and keep it: without it all sessions end.\n".to_owned();
    for name in SecretName::ALL {
        text += &format!("{} = \"{}\"\n", name.key(), random_hex()?);
    }
    let directory = file.parent().unwrap_or(Path::new("."));
    let explain = || {
        format!(
            "the data directory {} cannot be written; choose another with --data-dir",
            directory.display()
        )
    };
    // A temporary file has mode 0600.
    let mut temporary = tempfile::NamedTempFile::new_in(directory).with_context(explain)?;
    temporary.write_all(text.as_bytes()).with_context(explain)?;
    temporary.as_file().sync_all().with_context(explain)?;
    match temporary.persist_noclobber(file) {
        Ok(_) => parse(file, &text),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            parse(file, &fs::read_to_string(file)?)
        }
        Err(error) => Err(error.error).with_context(explain),
    }
}

fn parse(file: &Path, text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let secrets: BTreeMap<String, String> =
        toml::from_str(text).map_err(|_| anyhow!("{} is not a file of secrets", file.display()))?;
    for name in SecretName::ALL {
        if !secrets.contains_key(name.key()) {
            bail!("{} lacks the secret `{}`", file.display(), name.key());
        }
    }
    Ok(secrets)
}

fn random_hex() -> anyhow::Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
