//! The pages for people: where the links in mails lead, and what runs here.

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Response, header},
    routing::get,
};

const INDEX: &str = include_str!("pages/index.html");
const RESET_PASSWORD: &str = include_str!("pages/reset_password.html");
const VERIFY_EMAIL: &str = include_str!("pages/verify_email.html");
const CONFIRM_EMAIL: &str = include_str!("pages/confirm_email.html");
const REVERT_EMAIL: &str = include_str!("pages/revert_email.html");
const STYLE: &str = include_str!("pages/assets/page.css");
const SCRIPT: &str = include_str!("pages/assets/page.js");

/// Nothing but the server's own style and script, and requests to the server itself.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                                       base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/`, `/reset-password`, `/verify-email`, `/confirm-email` and `/revert-email`, for a product of this name.
pub fn router(product: &str) -> Router {
    let page = |template: &'static str, action: &str| {
        let html = template.replace("{{ product }}", &escape(product)).replace("{{ action }}", action);
        get(async move || answer("text/html; charset=utf-8", html.clone()))
    };
    Router::new()
        .route("/", page(INDEX, ""))
        .route("/reset-password", page(RESET_PASSWORD, "auth/reset-password"))
        .route("/verify-email", page(VERIFY_EMAIL, "auth/verify"))
        .route("/confirm-email", page(CONFIRM_EMAIL, "auth/change-email"))
        .route("/revert-email", page(REVERT_EMAIL, "auth/revert-email-change"))
        .route("/assets/page.css", get(async || answer("text/css; charset=utf-8", STYLE)))
        .route("/assets/page.js", get(async || answer("text/javascript; charset=utf-8", SCRIPT)))
}

fn answer(content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ui_1_names_are_escaped() {
        assert_eq!(escape("<b onclick=\"x\">'&"), "&lt;b onclick=&quot;x&quot;&gt;&#39;&amp;");
    }

    #[test]
    fn every_placeholder_is_one_that_is_filled_in() {
        for template in [INDEX, RESET_PASSWORD, VERIFY_EMAIL, CONFIRM_EMAIL, REVERT_EMAIL] {
            let filled = template.replace("{{ product }}", "").replace("{{ action }}", "");
            assert!(!filled.contains("{{"));
        }
    }
}
