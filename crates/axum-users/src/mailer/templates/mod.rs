//! What mails say. The built-in texts are in `built_in/`; an operator can override each by a file.

mod built_in;
mod directory;
mod error;
mod language;
mod values;

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use minijinja::{Environment, UndefinedBehavior};

pub use self::{
    error::TemplateError,
    values::{MailKind, MailValues},
};
use super::Mail;

/// Renders the mails that an account needs, from the built-in texts or from an operator's files.
///
/// Templates are written in the language of Jinja2. `.html` files escape every value, values are never read as
/// templates, and a variable that does not exist is an error.
///
/// | Variable | Meaning |
/// |---|---|
/// | `product` | the name of the product |
/// | `email` | the address of the recipient |
/// | `name` | how the person is called, or empty |
/// | `link` | the link to open, or empty |
/// | `lifetime` | how long the link is valid, in English: `1 hour`, `45 minutes` |
/// | `lifetime_minutes` | the same as a number |
/// | `provider` | the name of the provider of an account, such as `google`, in mails about one |
#[derive(Clone)]
pub struct Templates {
    texts: Arc<Texts>,
    /// The language that is looked at first, by its name in lower case.
    language: Option<String>,
}

/// All texts.
struct Texts {
    /// Those without a language.
    general: Environment<'static>,
    /// Of each language what its folder has, by its name in lower case.
    languages: BTreeMap<String, Environment<'static>>,
}

impl Templates {
    /// The built-in texts, in English.
    #[must_use]
    pub fn built_in() -> Self {
        Self::of(Texts { general: environment(), languages: BTreeMap::new() })
    }

    /// The files of this directory, and the built-in texts for those it lacks.
    ///
    /// Files are `verify_email`, `reset_password`, `already_registered`, `login_limited`, `new_device`, `confirm_email`, `email_in_use`, `email_changed`,
    /// `password_changed`, `account_linked` and `account_unlinked`, each as `.txt` and `.html`, and `layout.html`, which the
    /// built-in `.html` files extend. A `.txt` file starts with the line `Subject: …`. An
    /// empty `.html` file means: only text.
    ///
    /// A folder with the name of a language, such as `de` or `pt-BR`, holds the same files in that language, as many as are
    /// translated; they are for whoever reads it ([`in_language`](Self::in_language)). A `.txt` without its `.html` is sent as text
    /// alone there. `layout.html` is that of the folder or else the general one, of which `.html` files translate the blocks `language` and
    /// `link_hint`. `lifetime` is English: translations use `lifetime_minutes`.
    ///
    /// # Errors
    ///
    /// When the directory or a file cannot be read, for `.txt` and `.html` files with other names, and for templates
    /// that are broken, with file and line.
    pub fn with_directory(directory: &Path) -> Result<Self, TemplateError> {
        let mut general = environment();
        directory::load(&mut general, directory)?;
        let languages = directory::load_languages(&general, directory)?;
        Ok(Self::of(Texts { general, languages }))
    }

    fn of(texts: Texts) -> Self {
        Self { texts: Arc::new(texts), language: None }
    }

    /// The same in the best of its languages for whoever sends this `Accept-Language` (RFC 9110 §12.5.4); what is not translated,
    /// and everything for whoever reads none of them, is as outside of the folders of languages, which counts as English.
    #[must_use]
    pub fn in_language(&self, accepted: &str) -> Self {
        let is_there = |tag: &str| self.texts.languages.get_key_value(tag).map(|(name, _)| name.as_str());
        let language = language::choose(accepted, is_there).map(str::to_owned);
        Self { texts: Arc::clone(&self.texts), language }
    }

    /// Writes a mail to `values.email`.
    ///
    /// # Errors
    ///
    /// When a template fails with these values. The built-in ones do not, and files were tried by
    /// [`Templates::with_directory`].
    pub fn render(&self, kind: MailKind, values: &MailValues) -> Result<Mail, TemplateError> {
        let translated = self.language.as_ref().and_then(|language| self.texts.languages.get(language));
        let is_translated =
            |texts: &&Environment<'static>| texts.get_template(&format!("{kind}.txt")).is_ok();
        let texts = translated.filter(is_translated).unwrap_or(&self.texts.general);
        render(texts, kind, values).map_err(|error| TemplateError::render(&error))
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").finish_non_exhaustive()
    }
}

fn environment() -> Environment<'static> {
    let mut environment = empty();
    environment.set_loader(|name| Ok(built_in::source(name)));
    environment
}

fn empty() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // With it, errors would show values, and values hold tokens.
    environment.set_debug(false);
    environment
}

fn render(
    environment: &Environment<'_>,
    kind: MailKind,
    values: &MailValues,
) -> Result<Mail, minijinja::Error> {
    let context = values.context();
    let part = |part: &str| environment.get_template(&format!("{kind}.{part}"))?.render(&context);
    let html = part("html")?;
    Ok(Mail {
        to: values.email.clone(),
        subject: values::one_line(&part("subject")?),
        text: format!("{}\n", part("txt")?.trim()),
        html: (!html.trim().is_empty()).then_some(html),
        id: None,
    })
}

/// The subject and the body of a `.txt` file. The body keeps its line numbers: its first line is empty.
fn split_subject(source: &str) -> Option<(&str, String)> {
    let source = source.trim_start_matches('\u{feff}');
    let (first, body) = source.split_once('\n').unwrap_or((source, ""));
    let subject = first.strip_prefix("Subject:")?.trim();
    (!subject.is_empty()).then(|| (subject, format!("\n{body}")))
}
