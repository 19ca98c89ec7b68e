//! The request as hooks see it.

use std::{convert::Infallible, sync::Arc};

use axum::extract::FromRequestParts;
use http::{Extensions, HeaderMap, request::Parts};

/// The request on whose behalf the manager acts, or [`Context::none`] when code acts on its own.
///
/// Also an extractor that never fails, for an application's own handlers.
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Parts>>);

impl Context {
    /// No request: a command, a job or a test acts.
    pub const fn none() -> Self {
        Self(None)
    }

    /// The request's head.
    pub fn from_parts(parts: &Parts) -> Self {
        Self(Some(Arc::new(parts.clone())))
    }

    /// The request's headers.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.0.as_deref().map(|parts| &parts.headers)
    }

    /// What a layer of the application put into the request's extensions.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.extensions().and_then(Extensions::get)
    }

    fn extensions(&self) -> Option<&Extensions> {
        self.0.as_deref().map(|parts| &parts.extensions)
    }
}

// Headers hold credentials: they are not printed.
impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let request = self.0.as_deref().map(|parts| (&parts.method, parts.uri.path()));
        f.debug_tuple("Context").field(&request).finish()
    }
}

impl<S: Sync> FromRequestParts<S> for Context {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_parts(parts))
    }
}
