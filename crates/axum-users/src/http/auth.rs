use axum::{
    Extension, Router,
    extract::{Request, State},
    response::Response,
    routing::post,
};
use http::header;

use super::{
    body::{self, LoginForm, read_login_form},
    content_type, finish, rules,
};
use crate::{
    AuditAct, AuditReason, Backend, Context, Profile, User, UserError, Users,
    audit::Entry,
    extract::{Guard, authenticate},
    hooks::log_failure,
    http::ApiError,
};

impl<P: Profile> Users<P> {
    /// `POST /login` and `POST /logout` of one backend.
    pub fn auth_router<S: Clone + Send + Sync + 'static>(&self, backend: &Backend<P>) -> Router<S> {
        self.auth_routes(backend, "")
    }

    pub(super) fn auth_routes<S: Clone + Send + Sync + 'static>(
        &self,
        backend: &Backend<P>,
        at: &str,
    ) -> Router<S> {
        let router = Router::new()
            .route(&format!("{at}/login"), post(login::<P>))
            .route(&format!("{at}/logout"), post(logout::<P>))
            .layer(Extension(backend.clone()));
        finish(router, self)
    }
}

/// The OAuth 2.0 password form (RFC 6749 §4.3.2): `username` is the e-mail address.
async fn login<P: Profile>(
    State(users): State<Users<P>>,
    Extension(backend): Extension<Backend<P>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let policy = users.policy();
    // Another site must not log its visitors into an account of its choice.
    if !backend.accepts_origin(&parts, &users.0.trusted_origins) {
        users.0.audit_denied(None, AuditReason::CrossSite, &Context::from_parts(&parts));
        return Err(ApiError::forbidden());
    }
    let bytes = body::collect(&parts.headers, body, &rules(policy)).await;
    let bytes = bytes.map_err(|error| ApiError::body(error, policy))?;
    let form = read_login_form(bytes, content_type(&parts), &rules(policy)).await;
    let form = form.map_err(|error| ApiError::body(error, policy))?;

    let cx = Context::from_parts(&parts);
    let mut entry = users.0.audit(AuditAct::Login, &cx);
    let logged_in = log_in(&users, &backend, &form, &cx, &mut entry).await;
    entry.finish(&logged_in);
    let (user, mut response) = logged_in?;
    for hooks in users.0.hooks.iter() {
        log_failure("after_login", hooks.after_login(&user, &mut response, &cx).await);
    }
    Ok(response)
}

async fn log_in<P: Profile>(
    users: &Users<P>,
    backend: &Backend<P>,
    form: &LoginForm,
    cx: &Context,
    entry: &mut Entry<'_>,
) -> Result<(User<P>, Response), UserError> {
    entry.via(backend.name());
    let user = users.manager().check_login(&form.username, &form.password, cx, entry).await?;
    if backend.requires_verified() && !user.is_verified {
        return Err(UserError::NotVerified);
    }
    let mut response = backend.login(&user, &users.0.accounts).await.map_err(|error| match error {
        // Deleted since the password was verified.
        UserError::NotFound => UserError::BadCredentials,
        other => other,
    })?;
    users.manager().tell_of_new_device(&user, cx).await;
    if let Some(device) = users.manager().device_cookie(&user) {
        response.headers_mut().append(header::SET_COOKIE, device);
    }
    Ok((user, response))
}

/// Ends the session of this backend. Any backend may tell who is asking; what is destroyed is the token that this
/// backend's transport carries.
async fn logout<P: Profile>(
    State(users): State<Users<P>>,
    Extension(backend): Extension<Backend<P>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    let found = if users.policy().logout_for_everybody {
        // Whoever has a session can end it.
        authenticate(&users, &mut parts).await?.ok_or_else(|| ApiError::unauthorized(users.policy()))?
    } else {
        let guard = Guard { verified: backend.requires_verified(), superuser: false };
        guard.admit(&users, &mut parts).await?
    };
    let response = match backend.transport.read(&parts.headers, users.policy()) {
        Some(token) => backend.logout(&token, &users.0.accounts).await?,
        None => backend.transport.logout(),
    };
    let cx = Context::from_parts(&parts);
    users.0.audit(AuditAct::Logout, &cx).user(&found.user.id).via(backend.name()).done();
    Ok(response)
}
