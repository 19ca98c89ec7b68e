//! Where and how the connections of direct reads are made: as those of the pool are, or not at all.

use std::{sync::Arc, time::Duration};

use percent_encoding::percent_decode_str;
use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::task::AbortHandle;
use tokio_postgres::{Client, Config, config::SslMode};

use super::{
    pulse::Pulse,
    tls::{Certificates, Tls, Trust},
};
use crate::BoxError;

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(5);

pub(super) struct Target {
    config: Config,
    /// Without it nothing is encrypted.
    tls: Option<Tls>,
    patience: Duration,
}

impl Target {
    /// What these options of the pool mean, the environment and the password file included. A statement may take `patience`, and the
    /// server may be silent for as long.
    ///
    /// # Errors
    /// What cannot be done in the same way.
    pub(super) fn new(pool: &PgConnectOptions, patience: Duration) -> Result<Self, BoxError> {
        let resolved = Resolved::of(pool);
        let mut config = Config::new();
        let host = pool.get_host();
        let is_local = match pool.get_socket() {
            Some(folder) => {
                config.host_path(folder);
                true
            }
            None => {
                config.host(host);
                host.starts_with('/')
            }
        };
        config.port(pool.get_port()).user(pool.get_username()).password(resolved.password);
        if let Some(database) = pool.get_database() {
            config.dbname(database);
        }
        if let Some(name) = pool.get_application_name() {
            config.application_name(name);
        }
        // The last one counts. The style of dates is what sqlx sets by other means.
        let (options, wait) = (pool.get_options().unwrap_or_default(), patience.as_millis().max(1));
        config.options(format!(
            "{options} -c DateStyle=ISO,MDY -c statement_timeout={wait} -c lock_timeout={wait}"
        ));
        let (mode, trust) = match pool.get_ssl_mode() {
            // sqlx has no second try: what it calls `allow` is never encrypted.
            PgSslMode::Disable | PgSslMode::Allow => (SslMode::Disable, None),
            // PostgreSQL does not encrypt what stays on the machine.
            PgSslMode::Prefer if is_local => (SslMode::Disable, None),
            _ if is_local => return Err("sockets of the system are not encrypted".into()),
            PgSslMode::Prefer => (SslMode::Prefer, Some(Trust::Anyone)),
            PgSslMode::Require => (SslMode::Require, Some(Trust::Anyone)),
            PgSslMode::VerifyCa => (SslMode::Require, Some(Trust::Authorities)),
            PgSslMode::VerifyFull => (SslMode::Require, Some(Trust::NameAndAuthorities)),
        };
        config.ssl_mode(mode);
        let tls = trust.map(|trust| Tls::new(host, trust, resolved.certificates)).transpose()?;
        Ok(Self { config, tls, patience })
    }

    /// Connects. What is between the two ends is done by a task, which ends with the client, or when the server is silent.
    pub(super) async fn connect(&self) -> Result<(Client, Arc<Pulse>, AbortHandle), BoxError> {
        let pulse = Arc::new(Pulse::default());
        let connecting = async {
            Ok::<_, BoxError>(match &self.tls {
                None => {
                    let (client, connection) = self.config.connect(tokio_postgres::NoTls).await?;
                    (client, self.attend(connection, Arc::clone(&pulse)))
                }
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.connector()?).await?;
                    (client, self.attend(connection, Arc::clone(&pulse)))
                }
            })
        };
        let (client, task) = tokio::time::timeout(CONNECT, connecting).await??;
        Ok((client, pulse, task))
    }

    fn attend(&self, connection: impl Future + Send + 'static, pulse: Arc<Pulse>) -> AbortHandle {
        let patience = self.patience;
        let task = async move {
            tokio::select! {
                _ = connection => {}
                () = pulse.silence(patience) => {}
            }
        };
        tokio::spawn(task).abort_handle()
    }
}

/// What sqlx has found out for itself and tells only in a URL.
struct Resolved {
    password: String,
    certificates: Certificates,
}

impl Resolved {
    fn of(pool: &PgConnectOptions) -> Self {
        // Names that no URL can hold would be a panic of sqlx.
        let url = pool.clone().host("localhost").username("nobody").to_url_lossy();
        let password =
            percent_decode_str(url.password().unwrap_or_default()).decode_utf8_lossy().into_owned();
        let parameter =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let certificates = Certificates {
            authorities: parameter("sslrootcert"),
            own: parameter("sslcert"),
            own_key: parameter("sslkey"),
        };
        Self { password, certificates }
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::Host;

    use super::*;

    fn target(url: &str) -> Result<Target, BoxError> {
        Target::new(&url.parse()?, Duration::from_millis(500))
    }

    #[test]
    fn every_part_of_the_url_is_kept() {
        let url = "postgres://king:p%40ss%20w%2Frd@camelot.bt:5433/round%20table?sslmode=disable\
                   &application_name=merlin&options=-c%20geqo%3Doff";
        let config = target(url).unwrap().config;
        assert_eq!(config.get_hosts(), [Host::Tcp("camelot.bt".into())]);
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_user(), Some("king"));
        assert_eq!(config.get_password(), Some(&b"p@ss w/rd"[..]));
        assert_eq!(config.get_dbname(), Some("round table"));
        assert_eq!(config.get_application_name(), Some("merlin"));
        let options = config.get_options().unwrap();
        assert!(options.starts_with("-c geqo=off ") && options.ends_with("lock_timeout=500"), "{options}");
    }

    #[test]
    fn names_that_are_no_part_of_a_url_are_kept_too() {
        let options = PgConnectOptions::new_without_pgpass().host("::1").username("a b@c/d").password("x");
        let config = Target::new(&options.ssl_mode(PgSslMode::Disable), CONNECT).unwrap().config;
        assert_eq!(config.get_user(), Some("a b@c/d"));
        assert_eq!(config.get_password(), Some(&b"x"[..]));
    }

    #[test]
    fn encryption_is_never_less_than_asked_for() {
        let mode = |mode: &str| {
            let target = target(&format!("postgres://king@camelot.bt?sslmode={mode}")).unwrap();
            (target.config.get_ssl_mode(), target.tls.map(|tls| tls.trust()))
        };
        assert_eq!(mode("disable"), (SslMode::Disable, None));
        assert_eq!(mode("prefer"), (SslMode::Prefer, Some(Trust::Anyone)));
        assert_eq!(mode("require"), (SslMode::Require, Some(Trust::Anyone)));
        assert_eq!(mode("verify-ca"), (SslMode::Require, Some(Trust::Authorities)));
        assert_eq!(mode("verify-full"), (SslMode::Require, Some(Trust::NameAndAuthorities)));
    }

    #[test]
    fn sockets_are_used_or_refused() {
        let url = "postgres://king@%2Frun%2Fpostgresql/camelot";
        let config = target(url).unwrap().config;
        assert_eq!(config.get_hosts(), [Host::Unix("/run/postgresql".into())]);
        assert_eq!(config.get_ssl_mode(), SslMode::Disable);
        assert!(target(&format!("{url}?sslmode=require")).is_err());
    }
}
