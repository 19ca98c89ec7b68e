//! Who is asking: extractors for an application's handlers.
//!
//! Refusals are the contract's: 401 without a valid token or for an inactive user, 403 for one who is not verified
//! or no superuser. A store that fails is 503, never "anonymous". `Option<CurrentUser>` and its like turn refusals,
//! and only those, into `None`.

use std::{ops::Deref, sync::Arc};

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::{AuditReason, Backend, Context, NoProfile, Profile, User, Users, context::Actor, http::ApiError};

/// Which backends a request may use, by name; all of them when this is absent. Put it into the request's extensions,
/// for some routes by a layer:
///
/// ```
/// use axum::{Extension, Router, routing::get};
/// use axum_users::{EnabledBackends, Superuser, Users};
///
/// async fn report(_: Superuser) -> &'static str { "all is well" }
///
/// let app: Router<Users> =
///     Router::new().route("/report", get(report)).layer(Extension(EnabledBackends::only(["jwt"])));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnabledBackends(Arc<[String]>);

impl EnabledBackends {
    /// Only the backends of these names.
    pub fn only<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    fn allows(&self, name: &str) -> bool {
        self.0.iter().any(|allowed| allowed == name)
    }
}

/// A user with a valid token, whether active or not, and how they came.
#[derive(Clone, Debug)]
pub struct Authenticated<P: Profile = NoProfile> {
    /// The user.
    pub user: User<P>,
    /// The token.
    pub token: Token,
    /// The backend that accepted it.
    pub backend: Backend<P>,
}

/// A session token. `Debug` prints `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token itself. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token([redacted])")
    }
}

/// The active user who is asking.
#[derive(Clone, Debug)]
pub struct CurrentUser<P: Profile = NoProfile>(pub User<P>);

/// The active user who is asking, whose address is verified.
#[derive(Clone, Debug)]
pub struct VerifiedUser<P: Profile = NoProfile>(pub User<P>);

/// The active superuser who is asking.
#[derive(Clone, Debug)]
pub struct Superuser<P: Profile = NoProfile>(pub User<P>);

/// What was found for a request, kept in its extensions so that several extractors ask the store once. Only for the
/// same `Users`, since an application may have two, and for the backends that were enabled when it was looked up: a
/// guard outside must not widen a restriction inside.
#[derive(Clone)]
struct LookedUp<P: Profile> {
    users: Users<P>,
    enabled: Option<EnabledBackends>,
    found: Option<Arc<Authenticated<P>>>,
}

/// Who is asking; remembered for whatever else is made of these parts.
pub(crate) async fn authenticate<P: Profile>(
    users: &Users<P>,
    parts: &mut Parts,
) -> Result<Option<Arc<Authenticated<P>>>, ApiError> {
    if let Some(known) = remembered(users, parts) {
        return Ok(known.found.clone());
    }
    let found = look_up(users, parts).await?;
    if let Some(found) = &found {
        parts.extensions.insert(Actor::new(&found.user.id));
    }
    let enabled = parts.extensions.get::<EnabledBackends>().cloned();
    parts.extensions.insert(LookedUp { users: users.clone(), enabled, found: found.clone() });
    Ok(found)
}

fn remembered<'a, P: Profile>(users: &Users<P>, parts: &'a Parts) -> Option<&'a LookedUp<P>> {
    let known = parts.extensions.get::<LookedUp<P>>()?;
    let enabled = parts.extensions.get::<EnabledBackends>();
    (Arc::ptr_eq(&known.users.0, &users.0) && known.enabled.as_ref() == enabled).then_some(known)
}

/// Tries the enabled backends in their order; the first whose token yields a user wins.
pub(crate) async fn look_up<P: Profile>(
    users: &Users<P>,
    parts: &Parts,
) -> Result<Option<Arc<Authenticated<P>>>, ApiError> {
    if let Some(known) = remembered(users, parts) {
        return Ok(known.found.clone());
    }
    let enabled = parts.extensions.get::<EnabledBackends>();
    for backend in users.backends() {
        if enabled.is_some_and(|enabled| !enabled.allows(backend.name())) {
            continue;
        }
        let Some(token) = backend.transport.read(&parts.headers, users.policy()) else { continue };
        let user = backend.strategy.read(&token, &users.0.accounts).await.map_err(crate::UserError::from)?;
        if let Some(user) = user {
            if !backend.accepts_origin(parts, &users.0.trusted_origins) {
                let cx = Context::from_parts(parts);
                users.0.audit_denied(Some(&user.id), AuditReason::CrossSite, &cx);
                return Err(ApiError::forbidden());
            }
            return Ok(Some(Arc::new(Authenticated { user, token: Token(token), backend: backend.clone() })));
        }
    }
    Ok(None)
}

/// What a user must be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Guard {
    pub(crate) verified: bool,
    pub(crate) superuser: bool,
}

impl Guard {
    /// The active user who is asking, if they are what they must be: first 401, then 403.
    pub(crate) async fn admit<P: Profile>(
        self,
        users: &Users<P>,
        parts: &mut Parts,
    ) -> Result<Arc<Authenticated<P>>, ApiError> {
        self.check(authenticate(users, parts).await?, users, parts)
    }

    /// The same of whom was [looked up](look_up).
    pub(crate) fn check<P: Profile>(
        self,
        found: Option<Arc<Authenticated<P>>>,
        users: &Users<P>,
        parts: &Parts,
    ) -> Result<Arc<Authenticated<P>>, ApiError> {
        let found = found.filter(|found| found.user.is_active);
        let found = found.ok_or_else(|| ApiError::unauthorized(users.policy()))?;
        let missing = [
            (self.verified && !found.user.is_verified, AuditReason::NotVerified),
            (self.superuser && !found.user.is_superuser, AuditReason::NotSuperuser),
        ];
        let Some((_, reason)) = missing.into_iter().find(|(is_missing, _)| *is_missing) else {
            return Ok(found);
        };
        let cx = Context::from_parts(parts).acting(&found.user.id);
        users.0.audit_denied(Some(&found.user.id), reason, &cx);
        Err(ApiError::forbidden())
    }
}

/// Refusals become `None`, failures stay failures.
fn optional<T>(extracted: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match extracted {
        Ok(extracted) => Ok(Some(extracted)),
        Err(refusal) if refusal.is_refusal() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Implements an extractor, and the optional one.
macro_rules! extractor {
    ($name:ident, $guard:expr) => {
        impl<P: Profile, S: Send + Sync> FromRequestParts<S> for $name<P>
        where
            Users<P>: FromRef<S>,
        {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
                let admitted = $guard.admit(&Users::from_ref(state), parts).await?;
                Ok(Self(admitted.user.clone()))
            }
        }

        impl<P: Profile, S: Send + Sync> OptionalFromRequestParts<S> for $name<P>
        where
            Users<P>: FromRef<S>,
        {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, ApiError> {
                optional(<Self as FromRequestParts<S>>::from_request_parts(parts, state).await)
            }
        }

        impl<P: Profile> Deref for $name<P> {
            type Target = User<P>;

            fn deref(&self) -> &User<P> {
                &self.0
            }
        }
    };
}

extractor!(CurrentUser, Guard::default());
extractor!(VerifiedUser, Guard { verified: true, superuser: false });
extractor!(Superuser, Guard { verified: false, superuser: true });

impl<P: Profile, S: Send + Sync> FromRequestParts<S> for Authenticated<P>
where
    Users<P>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let users = Users::from_ref(state);
        let found = authenticate(&users, parts).await?;
        found.map(|found| (*found).clone()).ok_or_else(|| ApiError::unauthorized(users.policy()))
    }
}

impl<P: Profile, S: Send + Sync> OptionalFromRequestParts<S> for Authenticated<P>
where
    Users<P>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, ApiError> {
        optional(<Self as FromRequestParts<S>>::from_request_parts(parts, state).await)
    }
}
