use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    extract::{FromRequestParts, RawPathParams, Request, State},
    response::Response,
    routing::get,
};
use http::{StatusCode, header, request::Parts};

use super::{
    body::{
        Field, Model, ParsedBody,
        fields::{self, CURRENT_PASSWORD, PASSWORD, into_profile, take_bool, take_text},
    },
    error::Codes,
    finish, json, no_content, split,
};
use crate::{
    Authenticated, Backend, Context, ErrorCode, Profile, UpdateUser, User, UserError, Users,
    extract::{self, Guard},
    http::ApiError,
};

const CODES: Codes = Codes {
    exists: ErrorCode::UpdateUserEmailAlreadyExists,
    invalid_password: ErrorCode::UpdateUserInvalidPassword,
    bad_token: ErrorCode::VerifyUserBadToken,
};

impl<P: Profile> Users<P> {
    /// `GET` and `PATCH /me`; for superusers `GET`, `PATCH` and `DELETE /{id}`.
    pub fn users_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.users_routes("")
    }

    pub(super) fn users_routes<S: Clone + Send + Sync + 'static>(&self, at: &str) -> Router<S> {
        let router = Router::new().route(&format!("{at}/me"), get(get_me::<P>).patch(patch_me::<P>)).route(
            &format!("{at}/{{id}}"),
            get(get_user::<P>).patch(patch_user::<P>).delete(delete_user::<P>),
        );
        finish(router, self)
    }

    pub(super) async fn admit(
        &self,
        parts: &mut Parts,
        superuser: bool,
    ) -> Result<Arc<Authenticated<P>>, ApiError> {
        self.guard(superuser).admit(self, parts).await
    }

    fn guard(&self, superuser: bool) -> Guard {
        Guard { verified: self.0.require_verified_users, superuser }
    }

    /// All sessions have ended: a browser that keeps its session in a cookie gets a new one.
    pub(super) async fn renew_cookie(&self, backend: &Backend<P>, user: &User<P>, response: &mut Response) {
        if !backend.is_ambient() {
            return;
        }
        match backend.login(user, &self.0.accounts).await {
            Ok(login) => {
                for cookie in login.headers().get_all(header::SET_COOKIE) {
                    response.headers_mut().append(header::SET_COOKIE, cookie.clone());
                }
            }
            // What was asked is done: the client logs in.
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "no session after all have ended");
            }
        }
    }

    /// Superusers only; who asks is checked before whether there is such a user (ADM-1). Gives both.
    async fn admit_to(
        &self,
        parts: &mut Parts,
        id: PathId,
    ) -> Result<(Arc<Authenticated<P>>, User<P>), ApiError> {
        let superuser = self.admit(parts, true).await?;
        let manager = self.manager();
        let id = id.0.and_then(|id| manager.parse_id(&id)).ok_or_else(ApiError::not_found)?;
        Ok((superuser, manager.get(&id).await?))
    }
}

/// The `{id}` of the path, whatever else an application's prefix captures; `None` when it is no UTF-8. Refuses
/// nothing: who asks is answered first.
struct PathId(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let captured = RawPathParams::from_request_parts(parts, state).await;
        let id = captured.iter().flatten().find(|(name, _)| *name == "id");
        Ok(Self(id.map(|(_, id)| id.to_owned())))
    }
}

async fn get_me<P: Profile>(State(users): State<Users<P>>, request: Request) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    // Nobody asks again who it is.
    let found = extract::look_up(&users, &parts).await?;
    Ok(json(StatusCode::OK, &users.guard(false).check(found, &users, &parts)?.user))
}

async fn patch_me<P: Profile>(State(users): State<Users<P>>, request: Request) -> Result<Response, ApiError> {
    let (mut parts, body) = split(request, users.policy()).await?;
    let found = users.admit(&mut parts, false).await?;
    let (update, current_password) = read_update(&users, &body, true)?;
    let new_password = update.password.is_some();
    let cx = Context::from_parts(&parts);
    if users.manager().changes_credentials(&found.user, &update) {
        users.reauthenticate(&found, current_password.as_deref(), &cx).await?;
    }
    let updated = users.manager().update_safe(&found.user, update, &cx).await;
    let updated = updated.map_err(|error| match error {
        // Deleted since the token was read.
        UserError::NotFound => ApiError::unauthorized(users.policy()),
        other => ApiError::user(other, CODES),
    })?;
    let mut response = json(StatusCode::OK, &updated);
    if new_password && users.policy().end_sessions_on_password_change {
        users.renew_cookie(&found.backend, &updated, &mut response).await;
    }
    Ok(response)
}

async fn get_user<P: Profile>(
    State(users): State<Users<P>>,
    id: PathId,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    Ok(json(StatusCode::OK, &users.admit_to(&mut parts, id).await?.1))
}

async fn patch_user<P: Profile>(
    State(users): State<Users<P>>,
    id: PathId,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, body) = split(request, users.policy()).await?;
    let (superuser, user) = users.admit_to(&mut parts, id).await?;
    let (update, _) = read_update(&users, &body, false)?;
    let cx = Context::from_parts(&parts);
    let updated = users.manager().update_as(&superuser.user, &user, update, &cx).await;
    Ok(json(StatusCode::OK, &updated.map_err(|error| ApiError::user(error, CODES))?))
}

async fn delete_user<P: Profile>(
    State(users): State<Users<P>>,
    id: PathId,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    let (superuser, user) = users.admit_to(&mut parts, id).await?;
    users.manager().delete_as(&superuser.user, &user, &Context::from_parts(&parts)).await?;
    Ok(no_content())
}

/// What to change, and the password that the user has, where it counts. `"password": null` changes nothing, as clients of fastapi-users send it; a `null` address is an
/// error, and a `null` flag where flags count.
fn read_update<P: Profile>(
    users: &Users<P>,
    body: &ParsedBody,
    flags_are_ignored: bool,
) -> Result<(UpdateUser<P>, Option<String>), ApiError> {
    let policy = users.policy();
    let own = flags_are_ignored && policy.recent_login.is_some();
    let schema: Vec<_> = [
        Field { required: false, nullable: true, ..PASSWORD },
        Field { required: false, ..fields::email(policy) },
    ]
    .into_iter()
    .chain(own.then_some(CURRENT_PASSWORD))
    .chain(fields::flags(flags_are_ignored))
    .chain(fields::profile::<P>(true))
    .collect();
    let update = body.validate(Model::Object, &schema).and_then(|mut object| {
        let current_password = take_text(&mut object, CURRENT_PASSWORD.name);
        let update = UpdateUser {
            email: take_text(&mut object, "email"),
            password: take_text(&mut object, "password"),
            is_active: take_bool(&mut object, "is_active"),
            is_superuser: take_bool(&mut object, "is_superuser"),
            is_verified: take_bool(&mut object, "is_verified"),
            profile: into_profile(object)?,
        };
        Ok((update, current_password))
    });
    update.map_err(|error| ApiError::body(error, policy))
}
