use std::{net::IpAddr, sync::Arc, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    header::{self, HeaderValue},
};
use serde_json::Value;
use url::{Host, Url};

use super::{
    ProviderError,
    network::{PublicAddresses, is_public},
};
use crate::{BoxError, Secret};

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Asks providers: over TLS, at public addresses, without following redirects, 5 seconds and 1 MiB at most for each
/// request. Whoever can make a provider's answers misbehave gets nothing else by it (OWASP "Server side request forgery").
#[derive(Clone, Debug)]
pub struct ProviderClient {
    http: Client,
    reach: Reach,
}

#[derive(Clone, Debug)]
enum Reach {
    Public,
    Private,
    Gateway(Url),
}

impl ProviderClient {
    /// For providers in the Internet. Proxies of the environment (`HTTPS_PROXY`) are used, and then resolve the names.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, BoxError> {
        let http = builder().dns_resolver(Arc::new(PublicAddresses)).https_only(true).build()?;
        Ok(Self { http, reach: Reach::Public })
    }

    /// For providers in the own network too, which may be without TLS.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn private() -> Result<Self, BoxError> {
        Ok(Self { http: builder().build()?, reach: Reach::Private })
    }

    /// Sends every request to `gateway`, with the provider's host as the first part of the path:
    /// `https://api.github.com/user` becomes `{gateway}/api.github.com/user`. For networks whose only way out is a gateway,
    /// and for tests that play the provider.
    ///
    /// # Errors
    /// When the gateway is no `http` or `https` URL, or TLS cannot be set up.
    pub fn through(gateway: &str) -> Result<Self, BoxError> {
        let url = Url::parse(gateway)?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err("the gateway needs a URL like https://gateway.example".into());
        }
        Ok(Self { http: builder().build()?, reach: Reach::Gateway(url) })
    }

    /// A GET request.
    pub fn get(&self, url: &str) -> ProviderRequest {
        self.request(Method::GET, url)
    }

    /// A POST request.
    pub fn post(&self, url: &str) -> ProviderRequest {
        self.request(Method::POST, url)
    }

    /// A DELETE request.
    pub fn delete(&self, url: &str) -> ProviderRequest {
        self.request(Method::DELETE, url)
    }

    /// Whether a request for `url` would be sent.
    ///
    /// # Errors
    /// [`ProviderError::Settings`] with the reason why not.
    pub(super) fn check(&self, url: &str) -> Result<(), ProviderError> {
        self.target(url).map(drop)
    }

    fn request(&self, method: Method, url: &str) -> ProviderRequest {
        let request = self.target(url).map(|url| {
            self.http.request(method, url).header(header::ACCEPT, "application/json").timeout(REQUEST_TIMEOUT)
        });
        ProviderRequest { request }
    }

    /// Where a request for `url` goes, or why it does not.
    fn target(&self, url: &str) -> Result<Url, ProviderError> {
        let refuse = |reason| Err(ProviderError::Settings(reason));
        let Ok(url) = Url::parse(url) else { return refuse("one of its addresses is no URL") };
        let Some(host) = url.host() else { return refuse("one of its addresses has no host") };
        let literal = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        match &self.reach {
            Reach::Public if url.scheme() != "https" => refuse("one of its addresses is not https"),
            // Names are checked when they are resolved; a literal address never is.
            Reach::Public if literal.is_some_and(|address| !is_public(address)) => {
                refuse("one of its addresses is private")
            }
            Reach::Private | Reach::Gateway(_) if !matches!(url.scheme(), "http" | "https") => {
                refuse("one of its addresses is neither https nor http")
            }
            Reach::Public | Reach::Private => Ok(url),
            Reach::Gateway(gateway) => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                let mut target = gateway.clone();
                target.set_path(&format!(
                    "{}/{host}{port}{}",
                    gateway.path().trim_end_matches('/'),
                    url.path()
                ));
                target.set_query(url.query());
                Ok(target)
            }
        }
    }
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("axum-users/", env!("CARGO_PKG_VERSION")))
}

/// A request to a provider.
#[derive(Debug)]
#[must_use]
pub struct ProviderRequest {
    request: Result<RequestBuilder, ProviderError>,
}

impl ProviderRequest {
    /// `Authorization: Bearer` (RFC 6750 §2.1).
    pub fn bearer(self, token: &str) -> Self {
        self.map(|request| request.bearer_auth(token))
    }

    /// `Authorization: Basic` with the client's name and secret as they are.
    pub fn basic(self, client_id: &str, secret: &Secret) -> Self {
        let secret = String::from_utf8_lossy(secret.expose()).into_owned();
        self.map(|request| request.basic_auth(client_id, Some(secret)))
    }

    /// A header. Its value may be a secret, and is in no log.
    pub fn header(self, name: &'static str, value: &str) -> Self {
        let Ok(mut value) = HeaderValue::from_str(value) else {
            return Self { request: Err(ProviderError::Answer("its token cannot be sent")) };
        };
        value.set_sensitive(true);
        self.map(|request| request.header(name, value))
    }

    /// Parameters of the URL, percent-encoded.
    pub fn query(self, parameters: &[(&str, &str)]) -> Self {
        self.map(|request| request.query(parameters))
    }

    /// A form as the body.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        self.map(|request| request.form(fields))
    }

    /// JSON as the body.
    pub fn json_body(self, json: &Value) -> Self {
        self.map(|request| request.json(json))
    }

    /// The JSON of an answer that is a success.
    ///
    /// # Errors
    /// [`ProviderError::Refused`] for 400, 401 and 403, [`ProviderError::Unavailable`] when there is no answer in time or
    /// the provider is overloaded or fails, [`ProviderError::Answer`] for any other status, and for what is too long or no JSON.
    pub async fn json(self) -> Result<Value, ProviderError> {
        json(self.success().await?).await
    }

    /// The text of an answer that is a success, such as a signed token.
    ///
    /// # Errors
    /// As [`json`](Self::json), but for what is no UTF-8.
    pub(crate) async fn text(self) -> Result<String, ProviderError> {
        let bytes = body(self.success().await?).await?;
        String::from_utf8(bytes).map_err(|_| ProviderError::Answer("it is no text"))
    }

    /// That the answer is a success, whatever its body.
    ///
    /// # Errors
    /// As [`json`](Self::json), but for the body.
    pub async fn done(self) -> Result<(), ProviderError> {
        self.success().await.map(drop)
    }

    /// Whether the answer is a success, and its JSON; that of an error need not be any, and is `null` then.
    pub(super) async fn json_or_error(self) -> Result<(StatusCode, Value), ProviderError> {
        let response = self.response().await?;
        let status = response.status();
        if status.is_success() {
            return Ok((status, json(response).await?));
        }
        Ok((status, refusal(response).await?))
    }

    /// What the provider has against it: nothing if the answer is a success, whatever its body; otherwise its JSON,
    /// `null` if it is none.
    pub(super) async fn refusal(self) -> Result<Option<Value>, ProviderError> {
        let response = self.response().await?;
        if response.status().is_success() {
            return Ok(None);
        }
        refusal(response).await.map(Some)
    }

    async fn success(self) -> Result<Response, ProviderError> {
        let response = self.response().await?;
        let status = response.status();
        match status.as_u16() {
            _ if status.is_success() => Ok(response),
            400 | 401 | 403 => Err(ProviderError::Refused("it does not accept the token")),
            _ => Err(unusable(status)),
        }
    }

    async fn response(self) -> Result<Response, ProviderError> {
        Ok(self.request?.send().await?)
    }

    fn map(self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        Self { request: self.request.map(change) }
    }
}

/// 429 and 5xx.
fn is_overloaded(status: StatusCode) -> bool {
    status.is_server_error() || status.as_u16() == 429
}

fn unusable(status: StatusCode) -> ProviderError {
    if is_overloaded(status) {
        return ProviderError::Unavailable(format!("it answers {}", status.as_u16()).into());
    }
    ProviderError::Answer(if status.is_redirection() {
        "it redirects"
    } else {
        "its status is none of success"
    })
}

async fn refusal(response: Response) -> Result<Value, ProviderError> {
    let status = response.status();
    if !status.is_client_error() || is_overloaded(status) {
        return Err(unusable(status));
    }
    Ok(json(response).await.unwrap_or_default())
}

/// What is nested too deep is refused by the parser.
async fn json(response: Response) -> Result<Value, ProviderError> {
    serde_json::from_slice(&body(response).await?).map_err(|_| ProviderError::Answer("it is no JSON"))
}

/// Compressed answers are not asked for and not unpacked.
async fn body(mut response: Response) -> Result<Vec<u8>, ProviderError> {
    const TOO_LONG: ProviderError = ProviderError::Answer("it is too long");
    if response.content_length().is_some_and(|length| length > MAX_ANSWER_BYTES as u64) {
        return Err(TOO_LONG);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(TOO_LONG);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oal_10_private_addresses_and_plain_http_are_not_asked() {
        let public = ProviderClient::new().unwrap();
        for refused in [
            "http://provider.example/token",
            "https://127.0.0.1/token",
            "https://2130706433/token",
            "https://0x7f.1/token",
            "https://[::1]/token",
            "https://[::ffff:169.254.169.254]/latest",
            "file:///etc/passwd",
            "no url",
            "data:text/plain,x",
        ] {
            assert!(matches!(public.target(refused), Err(ProviderError::Settings(_))), "{refused}");
        }
        assert!(public.target("https://provider.example/token").is_ok());
        let private = ProviderClient::private().unwrap();
        assert!(private.target("http://127.0.0.1:8080/token").is_ok());
        assert!(private.target("file:///etc/passwd").is_err());
    }

    #[test]
    fn a_gateway_gets_the_host_in_the_path() {
        let client = ProviderClient::through("http://gateway.example/out/").unwrap();
        let target = |url| client.target(url).unwrap().to_string();
        assert_eq!(
            target("https://api.github.com/user?a=b"),
            "http://gateway.example/out/api.github.com/user?a=b"
        );
        assert_eq!(target("https://login.example:8443/t"), "http://gateway.example/out/login.example:8443/t");
        assert!(ProviderClient::through("ftp://gateway.example").is_err());
        assert!(ProviderClient::through("gateway").is_err());
    }
}
