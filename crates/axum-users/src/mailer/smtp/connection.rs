//! Opening a connection, encrypting it and logging in; every failure as an error that says what to do.

use std::{error::Error as StdError, io};

use lettre::transport::smtp::{
    Error as SmtpError,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, TlsParameters},
    extension::ClientId,
};

use super::super::MailError;
use super::{stream::LineStream, url::Encryption};
use crate::BoxError;

/// More of a server's reply is not kept.
const REPLY_MAX_CHARS: usize = 200;

pub(super) struct Login<'a> {
    pub(super) credentials: &'a Credentials,
    /// Whether they may go over a connection that is not encrypted.
    pub(super) unencrypted: bool,
}

/// Connects, and encrypts the connection as wanted. `server` is the name for errors.
pub(super) async fn open(
    server: &str,
    host: &str,
    port: u16,
    encryption: Encryption,
    tls: Option<&TlsParameters>,
) -> Result<AsyncSmtpConnection, MailError> {
    let hello_name = ClientId::default();
    let connection = match tls.filter(|_| encryption == Encryption::Implicit).cloned() {
        implicit @ Some(_) => {
            AsyncSmtpConnection::connect_tokio1((host, port), None, &hello_name, implicit, None).await
        }
        None => {
            let stream = LineStream::connect(host, port).await.map_err(|error| unreachable(server, error))?;
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello_name).await
        }
    };
    let mut connection = connection.map_err(|error| open_error(server, error))?;
    if let Some(tls) = tls.filter(|_| encryption != Encryption::Implicit) {
        if connection.can_starttls() {
            let encrypting = connection.starttls(tls.clone(), &hello_name);
            encrypting.await.map_err(|error| tls_error(server, error))?;
        } else if encryption == Encryption::Required {
            return Err(MailError::NoStartTls { server: server.to_owned() });
        }
    }
    Ok(connection)
}

pub(super) async fn log_in(
    mut connection: AsyncSmtpConnection,
    server: &str,
    login: &Login<'_>,
) -> Result<AsyncSmtpConnection, MailError> {
    if !connection.is_encrypted() && !login.unencrypted {
        return Err(MailError::InsecureLogin { server: server.to_owned() });
    }
    let logging_in = connection.auth(DEFAULT_MECHANISMS, login.credentials);
    logging_in.await.map_err(|error| login_error(server, error))?;
    Ok(connection)
}

/// What went wrong while a mail was handed over.
pub(super) fn send_error(server: &str, error: SmtpError) -> MailError {
    let server = server.to_owned();
    match error.status() {
        Some(code) => MailError::Refused { server, code: code.into(), message: reply(&error) },
        None => MailError::Interrupted { server, source: error.into() },
    }
}

/// The reply is dropped: servers may repeat what they were sent.
fn login_error(server: &str, error: SmtpError) -> MailError {
    let server = server.to_owned();
    match error.status() {
        Some(code) => MailError::LoginRefused { server, code: code.into() },
        None if error.is_client() => MailError::LoginNotOffered { server },
        None => MailError::Interrupted { server, source: error.into() },
    }
}

fn open_error(server: &str, error: SmtpError) -> MailError {
    if error.status().is_some() {
        return send_error(server, error);
    }
    // rustls reports its errors as invalid data.
    if io_error(&error).is_some_and(|error| error.kind() == io::ErrorKind::InvalidData) {
        return tls_error(server, error);
    }
    unreachable(server, error)
}

fn unreachable(server: &str, error: impl Into<BoxError>) -> MailError {
    MailError::Unreachable { server: server.to_owned(), source: error.into() }
}

fn tls_error(server: &str, error: SmtpError) -> MailError {
    MailError::TlsFailed { server: server.to_owned(), source: error.into() }
}

fn io_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        next = error.source();
    }
    None
}

/// What the server said, in one line, so that it cannot add lines to a log.
fn reply(error: &SmtpError) -> String {
    let reply = error.source().map(ToString::to_string).unwrap_or_default();
    reply.chars().take(REPLY_MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
