//! Everything the server answers, and what all answers have in common.

use std::{any::Any, time::Duration};

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use axum_users::{UserId, Users};
use serde_json::json;
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};
use utoipa_swagger_ui::SwaggerUi;

use crate::{pages, profile::Configured};

/// A request that takes longer is given up.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The whole application.
pub fn router<I: UserId>(users: &Users<Configured<I>>, product: &str) -> Router {
    let ready = users.clone();
    Router::new()
        .merge(users.routes())
        .merge(pages::router(product))
        .merge(SwaggerUi::new("/docs").url("/openapi.json", users.openapi()))
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(async move || readiness(&ready).await))
        .fallback(async || detail(StatusCode::NOT_FOUND, "Not Found"))
        .layer(middleware::from_fn(limit_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(header_everywhere(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header_everywhere(header::REFERRER_POLICY, "no-referrer"))
        .layer(middleware::from_fn(trace))
}

fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "detail": text }))).into_response()
}

/// Whether the store answers.
async fn readiness<I: UserId>(users: &Users<Configured<I>>) -> Response {
    match users.manager().list(None, 1).await {
        Ok(_) => "ok".into_response(),
        Err(_) => detail(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    }
}

async fn limit_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(TIME_LIMIT, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let mut response = detail(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    })
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

fn header_everywhere(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// The panic itself is logged by the panic hook, and told to nobody.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    detail(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}
