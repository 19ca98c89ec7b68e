//! TLS of direct reads: what `sslmode` asks for, as sqlx does it.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
        client::{
            WebPkiServerVerifier,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        },
        crypto::{self, CryptoProvider, aws_lc_rs},
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    },
};

use crate::{BoxError, BoxFuture};

/// Whose certificate is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// `prefer` and `require`: who listens is kept out, who stands in between is not.
    Anyone,
    /// `verify-ca`
    Authorities,
    /// `verify-full`
    NameAndAuthorities,
}

/// Files, or what would be in them.
pub(super) struct Certificates {
    pub(super) authorities: Option<String>,
    pub(super) own: Option<String>,
    pub(super) own_key: Option<String>,
}

pub(super) struct Tls {
    name: ServerName<'static>,
    trust: Trust,
    certificates: Certificates,
}

impl Tls {
    /// # Errors
    /// A name that no certificate can be for.
    pub(super) fn new(host: &str, trust: Trust, certificates: Certificates) -> Result<Self, BoxError> {
        Ok(Self { name: ServerName::try_from(host.to_owned())?, trust, certificates })
    }

    #[cfg(test)]
    pub(super) const fn trust(&self) -> Trust {
        self.trust
    }

    /// Reads the files each time: certificates are renewed.
    pub(super) fn connector(&self) -> Result<Connector, BoxError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = self.verifier(Arc::clone(&provider))?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match (&self.certificates.own, &self.certificates.own_key) {
            (Some(chain), Some(key)) => config
                .with_client_auth_cert(certificates(chain)?, PrivateKeyDer::from_pem_slice(&pem(key)?)?)?,
            (None, None) => config.with_no_client_auth(),
            _ => return Err("a certificate of the client and its key are given together".into()),
        };
        Ok(Connector { config: Arc::new(config), name: self.name.clone() })
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Verifier, BoxError> {
        let authorities = match self.trust {
            Trust::Anyone => None,
            Trust::Authorities | Trust::NameAndAuthorities => {
                let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                for certificate in
                    self.certificates.authorities.as_deref().map_or(Ok(Vec::new()), certificates)?
                {
                    roots.add(certificate)?;
                }
                Some(
                    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                        .build()?,
                )
            }
        };
        Ok(Verifier { provider, authorities, any_name: self.trust == Trust::Authorities })
    }
}

/// What sqlx writes for a file, or for what is in it.
fn pem(told: &str) -> io::Result<Vec<u8>> {
    match told.strip_prefix("file: ") {
        Some(file) => std::fs::read(file),
        None => Ok(told.as_bytes().to_vec()),
    }
}

fn certificates(told: &str) -> Result<Vec<CertificateDer<'static>>, BoxError> {
    Ok(CertificateDer::pem_slice_iter(&pem(told)?).collect::<Result<_, _>>()?)
}

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    any_name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        match authorities.verify_server_cert(certificate, between, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[derive(Clone)]
pub(super) struct Connector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Connector {
    type Stream = Encrypted<S>;
    type TlsConnect = Self;
    type Error = Infallible;

    fn make_tls_connect(&mut self, _: &str) -> Result<Self, Infallible> {
        Ok(self.clone())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Connector {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Encrypted<S>>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(
            async move { Ok(Encrypted(TlsConnector::from(self.config).connect(self.name, stream).await?)) },
        )
    }
}

pub(super) struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    /// sqlx does not bind logins to the channel, either.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
