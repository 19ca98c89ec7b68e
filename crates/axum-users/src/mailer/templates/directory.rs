//! Templates from an operator's directory, tried at start-up so that none fails when it is needed.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use minijinja::Environment;

use super::{
    MailKind, MailValues, TemplateError, built_in::FILES, error::innermost, language::is_tag, render,
    split_subject,
};

/// What the `.html` files extend.
const LAYOUT: &str = "layout.html";

/// What [`MailValues::context`] gives to templates.
const VARIABLES: [&str; 7] = ["product", "email", "name", "link", "lifetime", "lifetime_minutes", "provider"];

/// The files of the directory, over those that are there already.
pub(super) fn load(environment: &mut Environment<'static>, directory: &Path) -> Result<(), TemplateError> {
    for path in entries(directory)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if FILES.contains(&&*name) {
            let source = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            add(environment, &path, &name, source)?;
        } else if path.extension().is_some_and(|extension| extension == "txt" || extension == "html") {
            return Err(TemplateError::UnknownFile { path, known: FILES.join(", ") });
        }
    }
    let there_are = |kind: &MailKind| environment.get_template(&format!("{kind}.txt")).is_ok();
    let kinds: Vec<_> = MailKind::ALL.into_iter().filter(there_are).collect();
    check(environment, directory, &kinds)
}

/// The folders of languages, by their names in lower case: each with its own files and the general layout.
pub(super) fn load_languages(
    general: &Environment<'static>,
    directory: &Path,
) -> Result<BTreeMap<String, Environment<'static>>, TemplateError> {
    let layout = general.get_template(LAYOUT).map_err(|error| broken(&directory.join(LAYOUT), &error))?;
    let mut languages = BTreeMap::new();
    for folder in entries(directory)?.into_iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if !is_tag(&name) {
            continue;
        }
        let mut environment = super::empty();
        add(&mut environment, &directory.join(LAYOUT), LAYOUT, layout.source().to_owned())?;
        for kind in MailKind::ALL {
            let (text, html) = (format!("{kind}.txt"), format!("{kind}.html"));
            match (folder.join(&text).exists(), folder.join(&html).exists()) {
                (false, true) => return Err(TemplateError::NoText { path: folder.join(html), text }),
                (true, false) => add(&mut environment, &folder.join(&html), &html, String::new())?,
                _ => {}
            }
        }
        load(&mut environment, &folder)?;
        languages.insert(name, environment);
    }
    Ok(languages)
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, TemplateError> {
    let read = || fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    read().map_err(|error| unreadable(directory, error))
}

fn unreadable(path: &Path, source: io::Error) -> TemplateError {
    TemplateError::Read { path: path.to_owned(), source }
}

fn add(
    environment: &mut Environment<'static>,
    path: &Path,
    name: &str,
    source: String,
) -> Result<(), TemplateError> {
    let broken = |error: minijinja::Error| broken(path, &error);
    let Some(kind) = name.strip_suffix(".txt") else {
        return environment.add_template_owned(name.to_owned(), source).map_err(broken);
    };
    let Some((subject, body)) = split_subject(&source) else {
        return Err(TemplateError::NoSubject { path: path.to_owned() });
    };
    environment.add_template_owned(format!("{kind}.subject"), subject.to_owned()).map_err(broken)?;
    environment.add_template_owned(name.to_owned(), body).map_err(broken)
}

/// Renders these mails with and without the values that may be empty, then looks for names in branches not taken.
fn check(
    environment: &mut Environment<'static>,
    directory: &Path,
    kinds: &[MailKind],
) -> Result<(), TemplateError> {
    let full = MailValues {
        product: "Example".to_owned(),
        email: "anna@example.org".to_owned(),
        name: "Anna".to_owned(),
        link: "https://example.com/#token=example".to_owned(),
        lifetime_minutes: 60,
        provider: "google".to_owned(),
    };
    let bare = MailValues { name: String::new(), link: String::new(), ..full.clone() };
    // These values are no secrets, and so errors can name what is undefined.
    environment.set_debug(true);
    for &kind in kinds {
        for values in [&full, &bare] {
            render(environment, kind, values).map_err(|error| {
                let name = innermost(&error).name().unwrap_or_default().replace(".subject", ".txt");
                broken(&directory.join(name), &error)
            })?;
        }
    }
    environment.set_debug(false);
    check_names(environment, directory)
}

fn check_names(environment: &Environment<'static>, directory: &Path) -> Result<(), TemplateError> {
    for (name, template) in environment.templates() {
        let unknown = template.undeclared_variables(false).into_iter().find(|variable| {
            !VARIABLES.contains(&variable.as_str())
                && environment.globals().all(|(global, _)| global != variable)
        });
        if let Some(variable) = unknown {
            let line = template.source().lines().position(|line| line.contains(&variable)).unwrap_or(0) + 1;
            let path = directory.join(name.replace(".subject", ".txt"));
            let reason = format!("there is no variable `{variable}`; there are {}", VARIABLES.join(", "));
            return Err(TemplateError::Broken { path, line, reason });
        }
    }
    Ok(())
}

fn broken(path: &Path, error: &minijinja::Error) -> TemplateError {
    let error = innermost(error);
    let kind = error.kind();
    let reason = error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}"));
    TemplateError::Broken { path: path.to_owned(), line: error.line().unwrap_or(1), reason }
}
