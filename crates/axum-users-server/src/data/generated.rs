//! The secrets that the server makes for itself.

use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Write},
    path::Path,
};

use anyhow::{Context, anyhow, bail};

use crate::config::SecretName;

/// Bytes of a generated secret.
const SECRET_BYTES: usize = 32;

/// What the key that encrypts the tokens of providers is called in the file.
pub(super) const TOKEN_KEY: &str = "oauth_tokens";

/// Reads the secrets, or makes them if there are none; what only later versions have is added to them. Of several processes
/// that start at once one makes them, and the others read what it made: the file appears whole or not at all.
pub(super) fn read_or_make(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    if let Some((_, secrets)) = read(file)?.filter(|(_, secrets)| secrets.contains_key(TOKEN_KEY)) {
        return Ok(secrets);
    }
    let directory = file.parent().unwrap_or(Path::new("."));
    let explain = || {
        format!(
            "the data directory {} cannot be written; choose another with --data-dir",
            directory.display()
        )
    };
    let alone = fs::File::open(directory).with_context(explain)?;
    alone.lock().with_context(explain)?;
    let (mut text, found) = read(file)?.unwrap_or_default();
    if text.is_empty() {
        text += "# Made on the first start. Keep it private, and keep it: without it all sessions end.";
    }
    for name in SecretName::ALL.into_iter().map(SecretName::key).chain([TOKEN_KEY]) {
        if !found.contains_key(name) {
            text = format!("{}\n{name} = \"{}\"\n", text.trim_end(), random_hex()?);
        }
    }
    // A temporary file has mode 0600.
    let mut temporary = tempfile::NamedTempFile::new_in(directory).with_context(explain)?;
    temporary.write_all(text.as_bytes()).with_context(explain)?;
    temporary.as_file().sync_all().with_context(explain)?;
    temporary.persist(file).map_err(|error| error.error).with_context(explain)?;
    parse(file, &text)
}

/// The text and the secrets in it; nothing if there is no file.
fn read(file: &Path) -> anyhow::Result<Option<(String, BTreeMap<String, String>)>> {
    match fs::read_to_string(file) {
        Ok(text) => {
            let secrets = parse(file, &text)?;
            Ok(Some((text, secrets)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => bail!("the secrets in {} cannot be read: {error}", file.display()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_an_earlier_version_keeps_its_secrets_and_gets_what_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.toml");
        let made = read_or_make(&file).unwrap();
        assert_eq!(made.len(), SecretName::ALL.len() + 1);
        let text = fs::read_to_string(&file).unwrap();
        let earlier: Vec<&str> = text.lines().filter(|line| !line.starts_with(TOKEN_KEY)).collect();
        fs::write(&file, earlier.join("\n")).unwrap();
        let completed = read_or_make(&file).unwrap();
        assert_eq!(read_or_make(&file).unwrap(), completed);
        assert_ne!(completed[TOKEN_KEY], made[TOKEN_KEY]);
        for name in SecretName::ALL {
            assert_eq!(completed[name.key()], made[name.key()]);
        }
    }

    #[test]
    fn a_file_that_lost_a_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.toml");
        fs::write(&file, "jwt = \"x\"\n").unwrap();
        assert!(read_or_make(&file).is_err());
        fs::write(&file, "").unwrap();
        assert!(read_or_make(&file).is_err(), "an empty file is no new folder");
    }

    #[test]
    fn of_many_who_start_at_once_all_have_the_same_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.toml");
        let made: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| read_or_make(&file).unwrap())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(made.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
