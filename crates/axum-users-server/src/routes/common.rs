//! What all answers have in common.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Instant,
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use futures_util::FutureExt;

use super::{detail, time};
use crate::serve::{self, Alarm, Framing};

/// Routes, and what is done to whatever they answer. No layer of axum's: each costs every request several allocations.
#[derive(Clone)]
pub struct App {
    router: Router,
    headers: Arc<[(HeaderName, HeaderValue)]>,
}

impl App {
    /// Answers have the headers of ASVS 3.4.1 to 3.4.8, unless they have their own: pages and docs bring their own rules. Over
    /// HTTPS they have one more.
    pub fn new(router: Router, over_https: bool) -> Self {
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
        let headers = always.into_iter().chain(https);
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
        Self { router, headers }
    }

    /// Answers what can be understood, in time and whatever happens; with the headers, and with a line in the log.
    ///
    /// `alarm` is that of the connection, on which requests follow each other.
    pub async fn answer(&self, request: Request, framing: Framing, alarm: &Mutex<Alarm>) -> Response {
        let start = Instant::now();
        let logged = tracing::enabled!(tracing::Level::DEBUG)
            .then(|| (request.method().clone(), request.uri().path().to_owned()));
        let mut response = match serve::refusal(&request, framing) {
            Some(refusal) => refusal,
            None => {
                let answer =
                    AssertUnwindSafe(time::limit(request, self.router.clone(), alarm)).catch_unwind();
                answer.await.unwrap_or_else(panicked)
            }
        };
        let headers = response.headers_mut();
        headers.reserve(self.headers.len());
        for (name, value) in self.headers.iter() {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        if let Some((method, path)) = logged {
            // Neither query nor headers, which hold credentials.
            let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            tracing::debug!(%method, path, status = response.status().as_u16(), micros, "request");
        }
        response
    }
}

/// The panic itself is logged by the panic hook, and told to nobody.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    detail(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};

    use super::*;

    async fn ask(path: &str, over_https: bool) -> Response {
        let broken = async || -> &'static str { panic!("as asked") };
        let own = async || ([(header::REFERRER_POLICY, "origin")], "");
        let app = App::new(Router::new().route("/broken", get(broken)).route("/own", get(own)), over_https);
        let request = Request::get(path).header(header::HOST, "camelot.bt").body(Body::empty());
        app.answer(request.unwrap(), Framing::Clear, &Mutex::default()).await
    }

    #[tokio::test]
    async fn a_panic_costs_one_answer_with_the_headers_of_all() {
        let response = ask("/broken", true).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["strict-transport-security"], "max-age=31536000");
    }

    #[tokio::test]
    async fn what_an_answer_has_of_its_own_stays() {
        let response = ask("/own", false).await;
        assert_eq!(response.headers()["referrer-policy"], "origin");
        assert!(!response.headers().contains_key("strict-transport-security"));
    }
}
