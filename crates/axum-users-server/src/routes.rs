//! Everything the server answers, and what all answers have in common.

mod time;

use std::{any::Any, sync::Arc};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use axum_users::{UserId, Users};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_swagger_ui::SwaggerUi;

use crate::{pages, profile::Configured, serve};

/// The whole application.
pub fn router<I: UserId>(users: &Users<Configured<I>>, product: &str, over_https: bool) -> Router {
    let headers = headers_everywhere(over_https);
    let ready = users.clone();
    Router::new()
        .merge(users.routes())
        .merge(pages::router(product))
        .merge(
            Router::from(SwaggerUi::new("/docs").url("/openapi.json", users.openapi()))
                .layer(middleware::map_response(docs_policy)),
        )
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(async move || readiness(&ready).await))
        .fallback(async || detail(StatusCode::NOT_FOUND, "Not Found"))
        .layer(middleware::from_fn(time::limit))
        .layer(middleware::from_fn(serve::check))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::map_response_with_state(headers, add_headers))
        .layer(middleware::from_fn(trace))
}

/// An answer that is nothing but a status and its words.
pub fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "detail": text }))).into_response()
}

/// Whether the store answers.
async fn readiness<I: UserId>(users: &Users<Configured<I>>) -> Response {
    match users.manager().list(None, 1).await {
        Ok(_) => "ok".into_response(),
        Err(_) => detail(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    }
}

/// Method, path, status and time; neither query nor headers, which hold credentials.
async fn trace(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let start = std::time::Instant::now();
    let response = next.run(request).await;
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(%method, path, status = response.status().as_u16(), micros, "request");
    response
}

type Headers = Arc<[(HeaderName, HeaderValue)]>;

/// What every answer has, unless it has its own (ASVS 3.4.1 to 3.4.8): pages and docs bring their own rules.
fn headers_everywhere(over_https: bool) -> Headers {
    let same_origin = "same-origin";
    let always = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-opener-policy"), same_origin),
        (HeaderName::from_static("cross-origin-resource-policy"), same_origin),
    ];
    // A year: browsers that have been here come by https only.
    let https = over_https.then_some((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"));
    always.into_iter().chain(https).map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

async fn add_headers(State(headers): State<Headers>, mut response: Response) -> Response {
    response.headers_mut().reserve(headers.len());
    for (name, value) in headers.iter() {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    response
}

/// The docs show themselves by script, which writes styles.
async fn docs_policy(mut response: Response) -> Response {
    let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; \
                  form-action 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

/// The panic itself is logged by the panic hook, and told to nobody.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    detail(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}
