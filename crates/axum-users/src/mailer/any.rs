use std::{fmt, pin::Pin, sync::Arc};

use super::{Mail, MailError, Mailer};

/// A mailer of any kind, for a configuration that chooses one.
///
/// ```
/// use axum_users::mailer::{AnyMailer, ConsoleMailer, MailError, SmtpMailer, SmtpUrl};
///
/// fn mailer(smtp: Option<&SmtpUrl>) -> Result<AnyMailer, MailError> {
///     Ok(match smtp {
///         Some(url) => AnyMailer::new(SmtpMailer::new(url, "Example <no-reply@example.com>")?),
///         None => AnyMailer::new(ConsoleMailer::stdout()),
///     })
/// }
/// ```
#[derive(Clone)]
pub struct AnyMailer(Arc<dyn DynMailer>);

impl AnyMailer {
    /// Hides the kind of this mailer.
    pub fn new(mailer: impl Mailer) -> Self {
        Self(Arc::new(mailer))
    }
}

impl Mailer for AnyMailer {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        self.0.send(mail).await
    }
}

impl fmt::Debug for AnyMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyMailer").finish_non_exhaustive()
    }
}

/// The object-safe mirror of [`Mailer`].
trait DynMailer: Send + Sync {
    fn send(&self, mail: Mail) -> Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + '_>>;
}

impl<M: Mailer> DynMailer for M {
    fn send(&self, mail: Mail) -> Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + '_>> {
        Box::pin(Mailer::send(self, mail))
    }
}
