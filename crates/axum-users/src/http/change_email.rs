use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::post,
};
use http::StatusCode;

use super::{error::Codes, finish, json, split_token};
use crate::{Context, ErrorCode, Profile, Users, extract, http::ApiError};

const CODES: Codes = Codes {
    exists: ErrorCode::UpdateUserEmailAlreadyExists,
    invalid_password: ErrorCode::UpdateUserInvalidPassword,
    bad_token: ErrorCode::ChangeEmailBadToken,
};

impl<P: Profile> Users<P> {
    /// `POST /change-email`, which takes the token that was mailed to a new address, and `POST /revert-email-change`, which takes
    /// the one that was mailed to the old one.
    pub fn change_email_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.change_email_routes("")
    }

    pub(super) fn change_email_routes<S: Clone + Send + Sync + 'static>(&self, at: &str) -> Router<S> {
        let router = Router::new()
            .route(&format!("{at}/change-email"), post(change_email::<P>))
            .route(&format!("{at}/revert-email-change"), post(revert_email_change::<P>));
        finish(router, self)
    }
}

async fn change_email<P: Profile>(
    State(users): State<Users<P>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, token) = split_token(request, users.policy()).await?;
    // Whose session it is that goes on, if any: refusals are for other routes.
    let found = extract::authenticate(&users, &mut parts).await.ok().flatten();
    let user = users.manager().change_email(&token, &Context::from_parts(&parts)).await;
    let user = user.map_err(|error| ApiError::user(error, CODES))?;
    let mut response = json(StatusCode::OK, &user);
    if let Some(found) = found.filter(|found| found.user.id == user.id)
        && users.policy().ends_sessions_on_email_change()
    {
        users.renew_cookie(&found.backend, &user, &mut response).await;
    }
    Ok(response)
}

async fn revert_email_change<P: Profile>(
    State(users): State<Users<P>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, token) = split_token(request, users.policy()).await?;
    let user = users.manager().revert_email_change(&token, &Context::from_parts(&parts)).await;
    Ok(json(StatusCode::OK, &user.map_err(|error| ApiError::user(error, CODES))?))
}
