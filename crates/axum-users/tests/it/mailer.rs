//! Mails, as a mail server gets them and as a person reads them.

mod hooks;
mod smtp;
mod templates;
mod tls;

use std::time::Duration;

use axum_users::PublicUrl;
use axum_users::mailer::{Mail, MailKind, MailValues, SmtpMailer, SmtpUrl, Templates};

use crate::support::SmtpSink;

const SENDER: &str = "Camelot <no-reply@camelot.bt>";

/// `parameters` is what follows the port: `?tls=none`.
fn url(sink: &SmtpSink, parameters: &str) -> SmtpUrl {
    format!("smtp://127.0.0.1:{}{parameters}", sink.port).parse().unwrap()
}

fn mailer(url: &SmtpUrl) -> SmtpMailer {
    SmtpMailer::new(url, SENDER).unwrap().with_timeout(Duration::from_secs(5))
}

/// A mailer without encryption.
fn plain(sink: &SmtpSink) -> SmtpMailer {
    mailer(&url(sink, "?tls=none"))
}

fn values(email: &str, product: &str) -> MailValues {
    let public_url: PublicUrl = "https://camelot.bt".parse().unwrap();
    MailValues {
        product: product.into(),
        email: email.into(),
        link: public_url.link("/reset-password", "the-token"),
        lifetime_minutes: 60,
        ..MailValues::default()
    }
}

fn reset_mail(email: &str, product: &str) -> Mail {
    Templates::built_in().render(MailKind::ResetPassword, &values(email, product)).unwrap()
}

fn text_mail(text: &str) -> Mail {
    Mail { to: crate::support::KING.into(), subject: "Hail".into(), text: text.into(), html: None, id: None }
}

/// What a program for mails makes of a character that is escaped in HTML without need.
fn unescape(html: &str) -> String {
    html.replace("&#x2f;", "/")
}

/// An error with all its causes, as a log would show it.
fn shown(error: &(dyn std::error::Error + 'static)) -> String {
    let mut shown = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(source) = next {
        shown += &format!(": {source} {source:?}");
        next = source.source();
    }
    shown
}
