//! What mails say. The built-in texts are in `built_in/`; an operator can override each by a file.

mod built_in;
mod directory;
mod error;
mod values;

use std::{fmt, path::Path, sync::Arc};

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
pub struct Templates(Arc<Environment<'static>>);

impl Templates {
    /// The built-in texts, in English.
    #[must_use]
    pub fn built_in() -> Self {
        Self(Arc::new(environment()))
    }

    /// The files of this directory, and the built-in texts for those it lacks.
    ///
    /// Files are `verify_email`, `reset_password`, `already_registered`, `confirm_email`, `email_in_use`, `email_changed`,
    /// `password_changed`, `account_linked` and `account_unlinked`, each as `.txt` and `.html`, and `layout.html`, which the
    /// built-in `.html` files extend. A `.txt` file starts with the line `Subject: …`. An
    /// empty `.html` file means: only text.
    ///
    /// # Errors
    ///
    /// When the directory or a file cannot be read, for `.txt` and `.html` files with other names, and for templates
    /// that are broken, with file and line.
    pub fn with_directory(directory: &Path) -> Result<Self, TemplateError> {
        let mut environment = environment();
        directory::load(&mut environment, directory)?;
        Ok(Self(Arc::new(environment)))
    }

    /// Writes a mail to `values.email`.
    ///
    /// # Errors
    ///
    /// When a template fails with these values. The built-in ones do not, and files were tried by
    /// [`Templates::with_directory`].
    pub fn render(&self, kind: MailKind, values: &MailValues) -> Result<Mail, TemplateError> {
        render(&self.0, kind, values).map_err(|error| TemplateError::render(&error))
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").finish_non_exhaustive()
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // With it, errors would show values, and values hold tokens.
    environment.set_debug(false);
    environment.set_loader(|name| Ok(built_in::source(name)));
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
