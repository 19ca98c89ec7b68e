//! Mails to users: what they say ([`Templates`]), where their links lead ([`PublicUrl`](crate::PublicUrl)), how they are sent
//! ([`Mailer`]), and the hooks that do it ([`EmailHooks`]).
//!
//! ```
//! use axum_users::mailer::{ConsoleMailer, MailKind, MailValues, Mailer, Templates};
//! use axum_users::PublicUrl;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let public_url: PublicUrl = "https://example.com/accounts".parse()?;
//! let values = MailValues {
//!     product: "Example".into(),
//!     email: "anna@example.org".into(),
//!     link: public_url.link("/reset-password", "the-token"),
//!     lifetime_minutes: 60,
//!     ..MailValues::default()
//! };
//! let mail = Templates::built_in().render(MailKind::ResetPassword, &values)?;
//! ConsoleMailer::stdout().send(mail).await?;
//! # Ok(())
//! # }
//! ```

mod any;
mod console;
mod error;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod hooks;
mod mail;
mod smtp;
mod templates;

pub use self::{
    any::AnyMailer,
    console::ConsoleMailer,
    error::MailError,
    hooks::EmailHooks,
    mail::{Mail, Mailer},
    smtp::{SmtpMailer, SmtpUrl, SmtpUrlError},
    templates::{MailKind, MailValues, TemplateError, Templates},
};
