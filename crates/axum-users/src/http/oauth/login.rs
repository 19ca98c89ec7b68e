use axum::{
    Extension, Router,
    extract::{OriginalUri, Request, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use form_urlencoded::parse;

use super::{
    super::{
        body::{
            self, Model,
            fields::{self, take_text},
        },
        finish, rules, split,
    },
    Arrival, Query, Route,
};
use crate::{
    AuditAct, Backend, Context, Profile, User, UserError, Users, audit::Entry, hooks::log_failure,
    http::ApiError, oauth::OAuth,
};

impl<P: Profile> Users<P> {
    /// `GET /authorize` and `GET /callback` of one provider, and `POST /token` for pages that came back with a code.
    ///
    /// To be mounted where [`OAuth::path`] says.
    pub fn oauth_router<S: Clone + Send + Sync + 'static>(&self, oauth: &OAuth) -> Router<S> {
        self.oauth_routes(oauth, "")
    }

    pub(super) fn oauth_routes<S: Clone + Send + Sync + 'static>(
        &self,
        oauth: &OAuth,
        at: &str,
    ) -> Router<S> {
        let router = Router::new()
            .route(&format!("{at}/authorize"), get(authorize::<P>))
            .route(&format!("{at}/callback"), get(callback::<P>).post(posted_callback::<P>))
            .route(&format!("{at}/token"), post(token::<P>))
            .layer(Extension(oauth.clone()));
        finish(router, self)
    }

    /// The backend by which this provider logs in; that there is one is checked when `Users` is built.
    pub(crate) fn backend_of(&self, oauth: &OAuth) -> Option<&Backend<P>> {
        match &oauth.backend {
            Some(name) => self.backends().iter().find(|backend| backend.name() == name),
            None => self.backends().first(),
        }
    }

    fn login_route<'a>(&'a self, oauth: &'a OAuth) -> Route<'a, P> {
        Route { users: self, oauth, path: &oauth.path, redirect_url: oauth.redirect_url.as_deref() }
    }

    /// The answer of a login, after the hooks.
    async fn log_in(
        &self,
        oauth: &OAuth,
        user: &User<P>,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<Response, UserError> {
        entry.user(&user.id);
        let backend = self.usable_backend(oauth, user)?;
        let mut response = backend.login(user, &self.0.accounts).await.map_err(|error| match error {
            UserError::NotFound => UserError::BadCredentials,
            other => other,
        })?;
        entry.done();
        for hooks in self.0.hooks.iter() {
            log_failure("after_login", hooks.after_login(user, &mut response, cx).await);
        }
        Ok(response)
    }

    fn usable_backend(&self, oauth: &OAuth, user: &User<P>) -> Result<&Backend<P>, UserError> {
        let backend = self.backend_of(oauth).ok_or(UserError::NotFound)?;
        if backend.requires_verified() && !user.is_verified {
            return Err(UserError::NotVerified);
        }
        Ok(backend)
    }
}

async fn authorize<P: Profile>(
    State(users): State<Users<P>>,
    Extension(oauth): Extension<OAuth>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    users.login_route(&oauth).authorize(&parts, None).await
}

async fn callback<P: Profile>(
    State(users): State<Users<P>>,
    Extension(oauth): Extension<OAuth>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let (route, query) = (users.login_route(&oauth), Query::read(&parts, users.policy()));
    let cx = Context::from_parts(&parts);
    let mut entry = users.0.audit(AuditAct::Login, &cx);
    entry.via(oauth.name());
    let (returned, code) = match route.returned(&parts, &query).await {
        Ok(returned) => returned,
        refused => {
            entry.once_a_minute().finish(&refused);
            refused?
        }
    };
    let logged_in = async {
        // A state that was made to associate is none to log in with.
        if returned.user.is_some() {
            return Err(ApiError::code(crate::ErrorCode::OauthInvalidState));
        }
        let arrival = route.arrival(&parts, &query, &returned, &code?).await?;
        let Arrival { identity, tokens } = arrival;
        let user = users.manager().oauth_login_as(&oauth, identity, tokens, &cx, &mut entry).await;
        let user = user.map_err(login_error)?;
        let backend = users.usable_backend(&oauth, &user)?;
        if returned.return_to.is_none() || backend.is_ambient() {
            return Ok((None, users.log_in(&oauth, &user, &cx, &mut entry).await?));
        }
        let manager = users.manager();
        let code = manager
            .oauth()?
            .codes
            .write(&user, &oauth.path, &users.0.accounts)
            .map_err(UserError::Internal)?;
        // Who brings the code will have logged in.
        entry.forget();
        Ok((Some(code), ().into_response()))
    };
    let logged_in = logged_in.await;
    entry.finish(&logged_in);
    Ok(Route::<P>::finish(&returned, logged_in))
}

/// Some providers have the browser post (OAuth 2.0 Form Post Response Mode), which brings no `SameSite=lax` cookies along. The
/// redirection makes a navigation of it, which does.
pub(super) async fn posted_callback<P: Profile>(
    State(users): State<Users<P>>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response, ApiError> {
    let policy = users.policy();
    let (parts, body) = request.into_parts();
    let bytes = body::collect(&parts.headers, body, &rules(policy)).await;
    let bytes = bytes.map_err(|error| ApiError::body(error, policy))?;
    let known = |name: &str| matches!(name, "code" | "state" | "error" | "iss");
    let pairs = parse(&bytes).filter(|(name, _)| known(name));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Ok(Redirect::to(&format!("{}?{query}", uri.path())).into_response())
}

/// Exchanges the code with which a browser came back to a page.
async fn token<P: Profile>(
    State(users): State<Users<P>>,
    Extension(oauth): Extension<OAuth>,
    request: Request,
) -> Result<Response, ApiError> {
    let policy = users.policy();
    let (parts, body) = split(request, policy).await?;
    let object = body.validate(Model::Embedded, &[fields::CODE]);
    let mut object = object.map_err(|error| ApiError::body(error, policy))?;
    let text = take_text(&mut object, "code").unwrap_or_default();
    let cx = Context::from_parts(&parts);
    let mut entry = users.0.audit(AuditAct::Login, &cx);
    entry.via(oauth.name()).once_a_minute();
    let logged_in = async {
        let user = user_of_code(&users, &oauth, &text).await?;
        users.log_in(&oauth, &user, &cx, &mut entry).await
    };
    let logged_in = logged_in.await;
    entry.finish(&logged_in);
    Ok(logged_in?)
}

/// Whose code it is; that is told once.
async fn user_of_code<P: Profile>(users: &Users<P>, oauth: &OAuth, text: &str) -> Result<User<P>, UserError> {
    let manager = users.manager();
    let refused = || UserError::BadCredentials;
    let code = manager.oauth()?.codes.read(text, &oauth.path).ok_or_else(refused)?;
    let id = manager.parse_id(code.user()).ok_or_else(refused)?;
    let user = users.0.store.get(&id).await?;
    let user = user.filter(|user| user.is_active && code.is_for(user, &users.0.accounts));
    let user = user.ok_or_else(refused)?;
    let digest = crate::secret::digest(text);
    if users.0.store.revoke(&digest, code.expires_at()).await? { Ok(user) } else { Err(refused()) }
}

fn login_error(error: UserError) -> ApiError {
    match error {
        UserError::AlreadyExists => ApiError::code(crate::ErrorCode::OauthUserAlreadyExists),
        other => other.into(),
    }
}
