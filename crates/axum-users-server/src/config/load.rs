//! Where settings come from: defaults < file < environment < flags.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use figment::{
    Figment, Metadata, Profile, Provider,
    error::{Actual, Kind},
    value::{Dict, Map, Value},
};

use super::{BackendSettings, Settings, check, environment};
use crate::args::Args;

/// The file that is read when none is named, if it exists.
const DEFAULT_FILE: &str = "axum-users.toml";
const ENVIRONMENT: &str = "the environment";

/// The settings in force, checked, and where each comes from.
#[derive(Debug)]
pub struct Config {
    /// The settings.
    pub settings: Settings,
    /// The configuration file.
    pub file: Option<PathBuf>,
    origins: Figment,
}

impl Config {
    /// Reads and checks everything.
    pub fn load(args: &Args) -> anyhow::Result<Self> {
        let file =
            args.config.clone().or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()));
        let mut layers = Figment::new();
        if let Some(file) = &file {
            layers = layers.merge(Layer { name: file.display().to_string(), values: read_file(file)? });
        }
        let environment = Layer { name: ENVIRONMENT.to_owned(), values: environment::settings()? };
        let flags = Layer { name: "the command line".to_owned(), values: flags(args)? };
        let origins = layers.merge(environment).merge(flags);
        let mut settings: Settings = origins.extract().map_err(|error| explain(&error, &origins))?;
        if settings.redis_url.is_some() && origins.find_metadata("backends").is_none() {
            settings.backends = vec![BackendSettings::jwt(), BackendSettings::cookie_in_redis()];
        }
        let config = Self { settings, file, origins };
        check::check(&config)?;
        Ok(config)
    }

    /// An error about a setting: names the key and where it was set, never its value.
    pub fn refuse(&self, key: &str, reason: impl std::fmt::Display) -> anyhow::Error {
        match origin(&self.origins, key) {
            Some(origin) => anyhow!("`{key}` in {origin}: {reason}"),
            None => anyhow!("`{key}`: {reason}"),
        }
    }
}

/// One source of settings.
struct Layer {
    name: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

fn read_file(path: &Path) -> anyhow::Result<Dict> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow!("the configuration file {shown} does not exist"),
        _ => anyhow!("the configuration file {shown} cannot be read: {error}"),
    })?;
    let table = text.parse::<toml::Table>().map_err(|error| {
        // The error's own text would show the line, which may hold a secret.
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |head| head.lines().count().max(1));
        anyhow!("the configuration file {shown} is not TOML: line {line}: {}", error.message())
    })?;
    let value = Value::serialize(&table).context("the configuration file holds a value of no setting")?;
    Ok(value.into_dict().unwrap_or_default())
}

fn flags(args: &Args) -> anyhow::Result<Dict> {
    let mut values = Dict::new();
    let mut set = |key: &str, value: &str| values.insert(key.to_owned(), Value::from(value));
    if let Some(directory) = &args.data_dir {
        set("data_dir", directory.to_str().context("--data-dir is not UTF-8")?);
    }
    if let crate::args::Command::Serve(serve) = &args.command {
        for (key, value) in [("listen", &serve.listen), ("public_url", &serve.public_url)] {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                set(key, value);
            }
        }
    }
    Ok(values)
}

/// Where the key, or the closest table around it, was set.
fn origin(layers: &Figment, key: &str) -> Option<String> {
    let mut path = Some(key);
    while let Some(found) = path {
        if let Some(metadata) = layers.find_metadata(found) {
            let in_environment = metadata.name == ENVIRONMENT;
            return Some(if in_environment { environment::variable(key) } else { metadata.name.to_string() });
        }
        path = found.rsplit_once('.').map(|(table, _)| table);
    }
    None
}

/// Names the key, the reason and the source in one line. Values are left out: they may be secrets.
fn explain(error: &figment::Error, layers: &Figment) -> anyhow::Error {
    let mut path = error.path.clone();
    let reason = match &error.kind {
        Kind::UnknownField(name, known) => {
            // In some tables the path ends with it already.
            if path.last() != Some(name) {
                path.push(name.clone());
            }
            format!("there is no such setting, only {}", known.join(", "))
        }
        Kind::UnknownVariant(_, known) => format!("it is one of {}", known.join(", ")),
        Kind::MissingField(name) => {
            path.push(name.to_string());
            "it is missing".to_owned()
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("it is {}, expected {expected}", type_name(found))
        }
        Kind::Message(message) => message.clone(),
        other => other.to_string(),
    };
    let key = path.join(".");
    match origin(layers, &key) {
        Some(origin) => anyhow!("`{key}` in {origin}: {reason}"),
        None => anyhow!("`{key}`: {reason}"),
    }
}

const fn type_name(value: &Actual) -> &'static str {
    match value {
        Actual::Bool(_) => "a boolean",
        Actual::Unsigned(_) | Actual::Signed(_) => "an integer",
        Actual::Float(_) => "a float",
        Actual::Char(_) | Actual::Str(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "of another type",
    }
}
