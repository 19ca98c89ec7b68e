use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Mail, MailError, Mailer};

/// Prints the text of mails, for development: a person can copy the link, a program can read the block.
///
/// ```text
/// --- mail ---
/// To: anna@example.org
/// Subject: Choose a new password for Example
///
/// the text body
/// --- end of mail ---
/// ```
///
/// Not for production: whoever reads the output can use the tokens in it.
pub struct ConsoleMailer(Arc<Mutex<Box<dyn io::Write + Send>>>);

impl ConsoleMailer {
    /// Prints to the standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// Prints to this writer. Each mail is one `write_all` and one `flush`, on tokio's threads for what blocks.
    pub fn new(writer: impl io::Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(writer))))
    }
}

impl Default for ConsoleMailer {
    fn default() -> Self {
        Self::stdout()
    }
}

impl Mailer for ConsoleMailer {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        mail.recipient()?;
        let (to, subject, text) = (&mail.to, mail.subject_line()?, mail.text.trim_end());
        let block = format!("--- mail ---\nTo: {to}\nSubject: {subject}\n\n{text}\n--- end of mail ---\n");
        let writer = Arc::clone(&self.0);
        // Nobody may read what is printed: then this thread waits, and none that answers requests.
        let printed = tokio::task::spawn_blocking(move || {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.write_all(block.as_bytes()).and_then(|()| writer.flush())
        });
        printed.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(MailError::Console)
    }
}

impl fmt::Debug for ConsoleMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleMailer").finish_non_exhaustive()
    }
}
