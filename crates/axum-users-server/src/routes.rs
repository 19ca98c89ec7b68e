//! Everything the server answers, and what all answers have in common.

mod common;
mod time;

use axum::{
    Json, Router,
    http::{HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use axum_users::Users;
use serde_json::json;
use utoipa_swagger_ui::SwaggerUi;

use self::common::Common;
use crate::{pages, profile::Configured};

/// The whole application.
pub fn router(users: &Users<Configured>, product: &str, over_https: bool) -> Router {
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
        .layer(middleware::from_fn_with_state(Common::new(over_https), common::answer))
}

/// An answer that is nothing but a status and its words.
pub fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "detail": text }))).into_response()
}

/// Whether the store answers.
async fn readiness(users: &Users<Configured>) -> Response {
    match users.manager().list(None, 1).await {
        Ok(_) => "ok".into_response(),
        Err(_) => detail(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    }
}

/// The docs show themselves by script, which writes styles.
async fn docs_policy(mut response: Response) -> Response {
    let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; \
                  form-action 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
