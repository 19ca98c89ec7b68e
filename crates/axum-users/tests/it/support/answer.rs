//! One request and its answer.

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Request, header, request};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// A request on its way.
#[must_use]
pub(crate) struct Ask {
    router: Router,
    request: request::Builder,
    body: Body,
}

impl Ask {
    pub(crate) fn new(router: Router, method: &str, path: &str) -> Self {
        Self { router, request: Request::builder().method(method).uri(path), body: Body::empty() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.request = self.request.extension(value);
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn cookie(self, token: &str) -> Self {
        self.header("cookie", &format!("__Host-fastapiusersauth={token}"))
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    pub(crate) async fn send(self) -> Answer {
        let request = self.request.body(self.body).unwrap();
        let (head, body) = self.router.oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    /// The value of the session cookie that the answer sets.
    #[track_caller]
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.header(header::SET_COOKIE.as_str()).expect("the answer sets a cookie");
        cookie.strip_prefix("__Host-fastapiusersauth=").unwrap().split(';').next().unwrap().to_owned()
    }

    /// Status and body are exactly these; the body as text, so that the order of its members counts.
    #[track_caller]
    pub(crate) fn assert(&self, status: u16, body: &Value) {
        assert_eq!((self.status, self.text()), (status, body.to_string().as_str()));
        assert_eq!(self.header("content-type"), Some("application/json"));
    }

    /// `{"detail": …}` with this status.
    #[track_caller]
    pub(crate) fn assert_detail(&self, status: u16, detail: impl Into<Value>) {
        self.assert(status, &serde_json::json!({ "detail": detail.into() }));
    }
}
