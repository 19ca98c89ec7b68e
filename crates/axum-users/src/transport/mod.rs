//! How a token travels between client and server.

mod bearer;
mod cookie;

pub use bearer::Bearer;
pub use cookie::{Cookie, SameSite};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use crate::Policy;

/// How a token travels between client and server.
///
/// ```
/// use axum::response::{IntoResponse, Response};
/// use axum_users::{Policy, SecurityScheme, Transport};
/// use http::HeaderMap;
///
/// /// The token in a header of its own.
/// #[derive(Debug)]
/// struct ApiHeader;
///
/// impl Transport for ApiHeader {
///     fn read(&self, headers: &HeaderMap, _: &Policy) -> Option<String> {
///         Some(headers.get("x-token")?.to_str().ok()?.to_owned())
///     }
///     fn login(&self, token: &str) -> Response {
///         ([("x-token", token.to_owned())], "welcome").into_response()
///     }
///     fn scheme(&self) -> SecurityScheme {
///         SecurityScheme::Header { name: "x-token".to_owned() }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no transport",
    note = "a backend is a name, a transport such as `Bearer` or `Cookie`, and a strategy such as `Jwt` or `Opaque`"
)]
pub trait Transport: std::fmt::Debug + Send + Sync + 'static {
    /// The token of a request.
    fn read(&self, headers: &HeaderMap, policy: &Policy) -> Option<String>;

    /// The answer to a login.
    fn login(&self, token: &str) -> Response;

    /// The answer to a logout: 204, and whatever makes the client forget the token.
    fn logout(&self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }

    /// How the OpenAPI document describes it.
    fn scheme(&self) -> SecurityScheme;

    /// What is wrong with the settings, if anything; asked once, when `Users` is built.
    ///
    /// # Errors
    /// A sentence that names the setting.
    #[expect(unused_variables, reason = "the names are documentation")]
    fn check(&self, policy: &Policy) -> Result<(), String> {
        Ok(())
    }
}

/// How the OpenAPI document describes a transport.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecurityScheme {
    /// `Authorization: Bearer`, obtained by the OAuth 2.0 password form of the login route.
    Bearer,
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
    },
    /// A header.
    Header {
        /// Its name.
        name: String,
    },
}
