//! The routes: one file per router. Every router can be mounted alone, at any prefix, into any application.
//!
//! [`Users::routes`] gives them their whole paths instead of nesting them: what axum does for each request to a nested route costs as
//! much as to check a token.

mod auth;
mod body;
mod change_email;
mod error;
#[cfg(feature = "oauth")]
mod oauth;
pub(crate) mod origin;
mod recent_login;
mod register;
mod reset;
mod users;
mod verify;

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
#[cfg(fuzzing)]
pub(crate) use body::fuzzing;
pub use error::ApiError;
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;
use serde_json::Value;
use tower::util::MapResponseLayer;

use self::body::{
    BodyError, BodyRules, Model, ParsedBody,
    fields::{TOKEN, take_text},
};
use crate::{Policy, Profile, UserError, Users};

const JSON_BYTES: usize = 256;
const HEADERS: usize = 12;

impl<P: Profile> Users<P> {
    /// All routers at their customary paths: each backend at `/auth/{name}`; register, reset, verify and change-email at `/auth`;
    /// users at `/users`; providers at `/auth/{name}` and `/auth/associate/{name}`.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let mut routes = self
            .register_routes("/auth")
            .merge(self.reset_routes("/auth"))
            .merge(self.verify_routes("/auth"))
            .merge(self.change_email_routes("/auth"))
            .merge(self.users_routes("/users"));
        for backend in self.backends() {
            routes = routes.merge(self.auth_routes(backend, backend.path()));
        }
        #[cfg(feature = "oauth")]
        let routes = self.add_oauth_routes(routes);
        routes
    }
}

/// What all routers have in common: answers are never cached, and a wrong method is answered in JSON. Where there are routes,
/// jobs are done.
fn finish<P: Profile, S>(router: Router<Users<P>>, users: &Users<P>) -> Router<S> {
    users.start_jobs();
    router
        .method_not_allowed_fallback(|| async {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        // Less for each request than a middleware of axum's.
        .layer(MapResponseLayer::new(no_store))
        .with_state(users.clone())
}

/// RFC 6749 §5.1, ASVS 14.3.2.
fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn rules(policy: &Policy) -> BodyRules {
    if policy.lenient_duplicates { BodyRules::FASTAPI } else { BodyRules::default() }
}

fn content_type(parts: &Parts) -> Option<&str> {
    parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

/// The head of a request and its JSON body, of which only the syntax is checked: malformed JSON is answered before
/// anything else, wrong fields only to who may send them.
async fn split(request: Request, policy: &Policy) -> Result<(Parts, ParsedBody), ApiError> {
    let (parts, body) = request.into_parts();
    let refuse = |error: BodyError| ApiError::body(error, policy);
    let bytes = body::collect(&parts.headers, body, &rules(policy)).await.map_err(refuse)?;
    let parsed = body::parse(&bytes, content_type(&parts), &rules(policy)).map_err(refuse)?;
    Ok((parts, parsed))
}

/// The head of a request whose body is nothing but the token out of a mail, and the token.
async fn split_token(request: Request, policy: &Policy) -> Result<(Parts, String), ApiError> {
    let (parts, body) = split(request, policy).await?;
    let object = body.validate(Model::Embedded, &[TOKEN]);
    let mut object = object.map_err(|error| ApiError::body(error, policy))?;
    Ok((parts, take_text(&mut object, TOKEN.name).unwrap_or_default()))
}

/// 202 with the body `null`, whatever comes of it.
fn accepted() -> Response {
    json(StatusCode::ACCEPTED, &Value::Null)
}

/// A status and JSON. There is room for what most answers hold, and for the headers that are added on their way.
fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut bytes = Vec::with_capacity(JSON_BYTES);
    if let Err(error) = serde_json::to_writer(&mut bytes, value) {
        return ApiError::from(UserError::Internal(error.into())).into_response();
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.headers_mut() = headers;
    response
}

/// An answer without a body, and without the headers of one.
fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
