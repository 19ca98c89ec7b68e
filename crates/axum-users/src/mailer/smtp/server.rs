//! One SMTP server and the connections to it.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use lettre::{
    address::Envelope,
    transport::smtp::{
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::Extension,
    },
};
use tokio::{sync::Semaphore, time::timeout};

use super::super::MailError;
use super::{
    connection::{self, Login},
    url::{Encryption, SmtpUrl},
};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Providers refuse more connections of one client at once; few allow fewer.
const CONNECTIONS: usize = 4;
/// Servers end idle connections after some minutes; a short wait keeps it rare that we notice.
const IDLE_MAX: Duration = Duration::from_secs(30);

const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// lettre's pool would keep a connection whose dialogue was cut off by a time limit or by dropping the future. The
/// next mail would then read the answers to the last one, or be appended to it. So we keep our own: a connection
/// comes back only after a dialogue that was completed.
pub(super) struct Server {
    /// Host and port, for errors.
    pub(super) name: String,
    pub(super) timeout: Duration,
    url: SmtpUrl,
    tls: Option<TlsParameters>,
    idle: Mutex<Vec<Idle>>,
    places: Semaphore,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl Server {
    pub(super) fn new(url: &SmtpUrl) -> Result<Self, MailError> {
        let tls = match url.encryption {
            Encryption::None => None,
            _ => Some(tls_parameters(&url.host, None)?),
        };
        let places = Semaphore::new(CONNECTIONS);
        Ok(Self {
            name: format!("{}:{}", url.host, url.port),
            timeout: TIMEOUT,
            url: url.clone(),
            tls,
            idle: Mutex::default(),
            places,
        })
    }

    pub(super) fn trust(&mut self, pem: &[u8]) -> Result<(), MailError> {
        // Without this check, a file with no certificate in it would be taken as a list of none.
        if !pem.windows(CERTIFICATE.len()).any(|window| window == CERTIFICATE) {
            return Err(MailError::InvalidTls("there is no certificate in the PEM".into()));
        }
        let certificates = Certificate::from_pem(pem).map_err(|error| MailError::InvalidTls(error.into()))?;
        let parameters = tls_parameters(&self.url.host, Some(certificates))?;
        if self.tls.is_some() {
            self.tls = Some(parameters);
        }
        Ok(())
    }

    /// Hands one mail over. Dropping this future closes the connection.
    pub(super) async fn deliver(&self, envelope: &Envelope, message: &[u8]) -> Result<(), MailError> {
        let _place = self.places.acquire().await.map_err(MailError::other)?;
        let mut connection = match self.idle_connection().await {
            Some(connection) => connection,
            None => self.limited("connecting", self.connect()).await?,
        };
        let server_info = connection.server_info();
        if !is_ascii(envelope) && !server_info.supports_feature(Extension::SmtpUtfEight) {
            self.keep(connection);
            return Err(MailError::InternationalAddress { server: self.name.clone() });
        }
        let sending = async {
            let sent = connection.send(envelope, message).await;
            sent.map_err(|error| connection::send_error(&self.name, error))
        };
        self.limited("handing over a mail", sending).await?;
        self.keep(connection);
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let (host, port) = (self.url.host.as_str(), self.url.port);
        let connection =
            connection::open(&self.name, host, port, self.url.encryption, self.tls.as_ref()).await?;
        let Some(credentials) = &self.url.credentials else { return Ok(connection) };
        let login = Login { credentials, unencrypted: self.url.insecure_login };
        connection::log_in(connection, &self.name, &login).await
    }

    /// A connection that still answers, the one used last first.
    async fn idle_connection(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let mut connection = idle.connection;
            let answers = async { idle.since.elapsed() < IDLE_MAX && connection.test_connected().await };
            if timeout(self.timeout, answers).await.unwrap_or(false) {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { connection, since: Instant::now() });
    }

    async fn limited<T>(
        &self,
        step: &'static str,
        work: impl Future<Output = Result<T, MailError>>,
    ) -> Result<T, MailError> {
        timeout(self.timeout, work).await.unwrap_or_else(|_| {
            Err(MailError::TimedOut { server: self.name.clone(), step, seconds: self.timeout.as_secs() })
        })
    }
}

fn is_ascii(envelope: &Envelope) -> bool {
    envelope.from().into_iter().chain(envelope.to()).all(|address| AsRef::<str>::as_ref(address).is_ascii())
}

fn tls_parameters(host: &str, trusted: Option<Certificate>) -> Result<TlsParameters, MailError> {
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(certificates) = trusted {
        parameters = parameters.add_root_certificate(certificates);
    }
    parameters.build().map_err(|error| MailError::InvalidTls(error.into()))
}
