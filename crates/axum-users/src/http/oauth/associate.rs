use axum::{
    Extension, Router,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use http::{Method, StatusCode};

use super::{
    super::{finish, json},
    Arrival, Query, Route,
};
use crate::{
    AuditAct, AuditReason, Context, ErrorCode, Profile, Users,
    http::{ApiError, origin},
    oauth::OAuth,
};

impl<P: Profile> Users<P> {
    /// `GET /authorize` and `GET /callback` for users who are logged in and want to log in by another account, too.
    ///
    /// To be mounted where [`OAuth::associate_path`] says.
    pub fn oauth_associate_router<S: Clone + Send + Sync + 'static>(&self, oauth: &OAuth) -> Router<S> {
        self.oauth_associate_routes(oauth, "")
    }

    pub(super) fn oauth_associate_routes<S: Clone + Send + Sync + 'static>(
        &self,
        oauth: &OAuth,
        at: &str,
    ) -> Router<S> {
        let router = Router::new()
            .route(&format!("{at}/authorize"), get(authorize::<P>))
            .route(&format!("{at}/callback"), get(callback::<P>).post(super::login::posted_callback::<P>))
            .layer(Extension(oauth.clone()));
        finish(router, self)
    }

    fn associate_route<'a>(&'a self, oauth: &'a OAuth) -> Route<'a, P> {
        let redirect_url = oauth.associate_redirect_url.as_deref();
        Route { users: self, oauth, path: &oauth.associate_path, redirect_url }
    }
}

async fn authorize<P: Profile>(
    State(users): State<Users<P>>,
    Extension(oauth): Extension<OAuth>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    let found = users.admit(&mut parts, false).await?;
    // A GET that changes something in the end: another site must not begin it with the user's cookie (OAK-1).
    let own = origin::is_own(&Method::POST, &parts.headers, &users.0.trusted_origins);
    if found.backend.is_ambient() && !own {
        let cx = Context::from_parts(&parts);
        users.0.audit_denied(Some(&found.user.id), AuditReason::CrossSite, &cx);
        return Err(ApiError::forbidden());
    }
    users.associate_route(&oauth).authorize(&parts, Some(&found.user.id.to_string())).await
}

async fn callback<P: Profile>(
    State(users): State<Users<P>>,
    Extension(oauth): Extension<OAuth>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    let user = &users.admit(&mut parts, false).await?.user;
    let (route, query) = (users.associate_route(&oauth), Query::read(&parts, users.policy()));
    let cx = Context::from_parts(&parts);
    let mut entry = users.0.audit(AuditAct::AccountLinked, &cx);
    entry.user(&user.id).via(oauth.name());
    let (returned, code) = match route.returned(&parts, &query).await {
        Ok(returned) => returned,
        refused => {
            entry.once_a_minute().finish(&refused);
            refused?
        }
    };
    let associated = async {
        match &returned.user {
            None => return Err(ApiError::code(ErrorCode::OauthInvalidState)),
            Some(id) if *id != user.id.to_string() => {
                entry.refused(AuditReason::InvalidState);
                return Err(ApiError::bad_request());
            }
            Some(_) => {}
        }
        let arrival = route.arrival(&parts, &query, &returned, &code?).await?;
        let (manager, Arrival { identity, tokens }) = (users.manager(), arrival);
        manager.oauth_associate_as(&oauth, user, &identity, tokens, &cx, &mut entry).await?;
        Ok((None, json(StatusCode::OK, user)))
    };
    let associated = associated.await;
    entry.finish(&associated);
    Ok(Route::<P>::finish(&returned, associated))
}
