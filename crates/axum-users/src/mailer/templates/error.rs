use std::{error::Error as _, io, path::PathBuf};

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The directory or a file cannot be read as UTF-8 text.
    #[error("cannot read {}", path.display())]
    Read {
        /// The directory or file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that would never be used, so its name is probably a mistake.
    #[error("{} is not the name of a mail template; the names are {known}", path.display())]
    UnknownFile {
        /// The file.
        path: PathBuf,
        /// All names.
        known: String,
    },
    /// A text template without a subject.
    #[error("{}, line 1: the first line must be `Subject: …`", path.display())]
    NoSubject {
        /// The file.
        path: PathBuf,
    },
    /// A translated HTML body without a text.
    #[error("{}: a mail needs a text, {text} beside it", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// The name of the file that is missing.
        text: String,
    },
    /// A broken template.
    #[error("{}, line {line}: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A template failed with the values of one mail, which are not shown.
    #[error("a mail template failed ({template}, line {line}): {kind}")]
    Render {
        /// The template.
        template: String,
        /// The line, from 1.
        line: usize,
        /// What went wrong.
        kind: minijinja::ErrorKind,
    },
}

impl TemplateError {
    /// An error while writing a mail. Its detail could show values, so only its kind is told.
    pub(super) fn render(error: &minijinja::Error) -> Self {
        let error = innermost(error);
        Self::Render {
            template: error.name().unwrap_or_default().to_owned(),
            line: error.line().unwrap_or(1),
            kind: error.kind(),
        }
    }
}

/// Errors in blocks and included files are wrapped: the innermost names the place to repair.
pub(super) fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let mut innermost = error;
    while let Some(source) = innermost.source().and_then(|source| source.downcast_ref()) {
        innermost = source;
    }
    innermost
}
