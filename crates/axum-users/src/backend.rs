//! A way to be logged in: a name, a transport and a strategy.

use std::sync::Arc;

use axum::response::Response;
use http::request::Parts;

use crate::{
    NoProfile, Profile, User, UserError,
    http::origin,
    strategy::{Accounts, DynStrategy, Strategy},
    transport::{SecurityScheme, Transport},
};

/// A way to be logged in: how a token travels ([`Transport`]) and what it is ([`Strategy`]).
pub struct Backend<P: Profile = NoProfile> {
    name: Arc<str>,
    prefix: Arc<str>,
    require_verified: bool,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) strategy: Arc<dyn DynStrategy<P>>,
}

impl<P: Profile> Backend<P> {
    /// A backend whose routes [`Users::routes`](crate::Users::routes) nests at `/auth/{name}`.
    pub fn new(name: impl Into<String>, transport: impl Transport, strategy: impl Strategy<P>) -> Self {
        let name = name.into();
        Self {
            prefix: format!("/auth/{name}").into(),
            name: name.into(),
            require_verified: false,
            transport: Arc::new(transport),
            strategy: Arc::new(strategy),
        }
    }

    /// Nests the routes at this path instead. It starts with `/` and does not end with one.
    #[must_use]
    pub fn prefix(mut self, path: impl Into<String>) -> Self {
        self.prefix = path.into().into();
        self
    }

    /// Only users with a verified address can log in and out here.
    #[must_use]
    pub const fn require_verified(mut self) -> Self {
        self.require_verified = true;
        self
    }

    /// The name, unique among the backends.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn path(&self) -> &str {
        &self.prefix
    }

    pub(crate) const fn requires_verified(&self) -> bool {
        self.require_verified
    }

    /// Whether browsers send the token by themselves, on behalf of any page.
    pub(crate) fn is_ambient(&self) -> bool {
        matches!(self.transport.scheme(), SecurityScheme::Cookie { .. })
    }

    /// Whether the request may act with this backend's token: a cookie counts only on behalf of its own site.
    pub(crate) fn accepts_origin(&self, parts: &Parts, trusted: &[String]) -> bool {
        !self.is_ambient() || origin::is_own(&parts.method, &parts.headers, trusted)
    }

    /// A new token, as the answer to a login.
    ///
    /// A password changed since `user` was read has ended the sessions there were. This one must not outlive them,
    /// so the user is read once more when the token is there.
    pub(crate) async fn login(&self, user: &User<P>, accounts: &Accounts<P>) -> Result<Response, UserError> {
        let token = self.strategy.write(user, accounts).await?;
        if accounts.policy().end_sessions_on_password_change {
            let current = accounts.get(&user.id).await?.filter(|current| current.is_active);
            if current.is_none_or(|current| current.hashed_password != user.hashed_password) {
                self.strategy.destroy(&token, accounts).await?;
                return Err(UserError::BadCredentials);
            }
        }
        Ok(self.transport.login(&token))
    }

    pub(crate) async fn remove_expired(&self, limit: u32) -> Result<u64, UserError> {
        Ok(self.strategy.remove_expired(limit).await?)
    }

    /// Destroys the token; the answer makes the client forget it.
    pub(crate) async fn logout(&self, token: &str, accounts: &Accounts<P>) -> Result<Response, UserError> {
        self.strategy.destroy(token, accounts).await?;
        Ok(self.transport.logout())
    }
}

impl<P: Profile> Clone for Backend<P> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            prefix: Arc::clone(&self.prefix),
            require_verified: self.require_verified,
            transport: Arc::clone(&self.transport),
            strategy: Arc::clone(&self.strategy),
        }
    }
}

impl<P: Profile> std::fmt::Debug for Backend<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend")
            .field("name", &self.name)
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}
