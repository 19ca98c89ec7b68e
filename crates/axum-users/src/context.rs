//! The request as hooks see it.

use std::{convert::Infallible, fmt::Display, sync::Arc};

use axum::extract::FromRequestParts;
use http::{Extensions, HeaderMap, HeaderValue, Request, header::ACCEPT_LANGUAGE, request::Parts};
use uuid::Uuid;

/// The request on whose behalf the manager acts, or [`Context::none`] when code acts on its own.
///
/// Also an extractor that never fails, for an application's own handlers.
#[derive(Clone, Default)]
pub struct Context {
    parts: Option<Arc<Parts>>,
    job: Option<Uuid>,
    actor: Option<Actor>,
}

/// Who was found to ask, in the extensions of the request: the id.
#[derive(Clone)]
pub(crate) struct Actor(Arc<str>);

impl Actor {
    pub(crate) fn new(id: &impl Display) -> Self {
        Self(id.to_string().into())
    }
}

impl Context {
    /// No request: a command, a job or a test acts.
    pub const fn none() -> Self {
        Self { parts: None, job: None, actor: None }
    }

    /// The request's head. The user who was found to ask before, by an extractor or a route of this library, is the
    /// [`actor`](Self::actor).
    pub fn from_parts(parts: &Parts) -> Self {
        let actor = parts.extensions.get::<Actor>().cloned();
        Self { parts: Some(Arc::new(parts.clone())), job: None, actor }
    }

    /// The same, in which the user with this id acts: for audit events, which name an administrator who acts on others.
    #[must_use]
    pub fn acting(&self, id: &impl Display) -> Self {
        Self { actor: Some(Actor::new(id)), ..self.clone() }
    }

    /// The id of the user who acts, if it is known.
    pub fn actor(&self) -> Option<&str> {
        self.actor.as_ref().map(|actor| &*actor.0)
    }

    /// A durable job acts: of the request that it is done for only the language was kept.
    pub(crate) fn of_job(id: Uuid, language: Option<&str>) -> Self {
        let (mut parts, ()) = Request::new(()).into_parts();
        if let Some(Ok(language)) = language.map(HeaderValue::from_str) {
            parts.headers.insert(ACCEPT_LANGUAGE, language);
        }
        Self { parts: Some(Arc::new(parts)), job: Some(id), actor: None }
    }

    /// The durable job in which a hook runs. It may run again when it, another hook or the node failed: then the id is the
    /// same.
    pub const fn job_id(&self) -> Option<Uuid> {
        self.job
    }

    /// The request's `Accept-Language`: what a durable job keeps of it.
    pub fn language(&self) -> Option<&str> {
        self.headers().and_then(|headers| headers.get(ACCEPT_LANGUAGE)).and_then(|value| value.to_str().ok())
    }

    /// The request's headers.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.parts.as_deref().map(|parts| &parts.headers)
    }

    /// What a layer of the application put into the request's extensions.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.extensions().and_then(Extensions::get)
    }

    fn extensions(&self) -> Option<&Extensions> {
        self.parts.as_deref().map(|parts| &parts.extensions)
    }
}

// Headers hold credentials: they are not printed.
impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let request = self.parts.as_deref().map(|parts| (&parts.method, parts.uri.path()));
        f.debug_tuple("Context").field(&request).finish()
    }
}

impl<S: Sync> FromRequestParts<S> for Context {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_parts(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Marker(u8);

    fn parts() -> Parts {
        let request = Request::post("/auth/jwt/login?username=king")
            .header("authorization", "Bearer secret-token")
            .extension(Marker(7));
        request.body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn headers_and_extensions_are_those_of_the_request() {
        let mut parts = parts();
        let cx = Context::from_request_parts(&mut parts, &()).await.unwrap();
        assert_eq!(cx.headers().unwrap()["authorization"], "Bearer secret-token");
        assert_eq!(cx.extension::<Marker>(), Some(&Marker(7)));
        assert_eq!(cx.extension::<u8>(), None);
        let none = Context::none();
        assert!(none.headers().is_none() && none.extension::<Marker>().is_none());
    }

    #[test]
    fn lgs_1_debug_shows_neither_headers_nor_query() {
        let shown = format!("{:?}", Context::from_parts(&parts()));
        assert_eq!(shown, r#"Context(Some((POST, "/auth/jwt/login")))"#);
    }
}
