use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::post,
};
use http::StatusCode;
use serde_json::Value;

use super::{
    accepted,
    body::{
        Model,
        fields::{self, PASSWORD, TOKEN, take_text},
    },
    error::Codes,
    finish, json, split,
};
use crate::{Context, ErrorCode, Profile, Users, http::ApiError};

const CODES: Codes = Codes {
    exists: ErrorCode::RegisterUserAlreadyExists,
    invalid_password: ErrorCode::ResetPasswordInvalidPassword,
    bad_token: ErrorCode::ResetPasswordBadToken,
};

impl<P: Profile> Users<P> {
    /// `POST /forgot-password` and `POST /reset-password`.
    pub fn reset_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.reset_routes("")
    }

    pub(super) fn reset_routes<S: Clone + Send + Sync + 'static>(&self, at: &str) -> Router<S> {
        let router = Router::new()
            .route(&format!("{at}/forgot-password"), post(forgot_password::<P>))
            .route(&format!("{at}/reset-password"), post(reset_password::<P>));
        finish(router, self)
    }
}

async fn forgot_password<P: Profile>(
    State(users): State<Users<P>>,
    request: Request,
) -> Result<Response, ApiError> {
    let policy = users.policy();
    let (parts, body) = split(request, policy).await?;
    let object = body.validate(Model::Embedded, &[fields::email(policy)]);
    let mut object = object.map_err(|error| ApiError::body(error, policy))?;
    let email = take_text(&mut object, "email").unwrap_or_default();
    users.manager().queue_forgot_password(email, &Context::from_parts(&parts)).await?;
    Ok(accepted())
}

async fn reset_password<P: Profile>(
    State(users): State<Users<P>>,
    request: Request,
) -> Result<Response, ApiError> {
    let policy = users.policy();
    let (parts, body) = split(request, policy).await?;
    let object = body.validate(Model::Embedded, &[TOKEN, PASSWORD]);
    let mut object = object.map_err(|error| ApiError::body(error, policy))?;
    let token = take_text(&mut object, "token").unwrap_or_default();
    let password = take_text(&mut object, "password").unwrap_or_default();
    let cx = Context::from_parts(&parts);
    let reset = users.manager().reset_password(&token, &password, &cx).await;
    reset.map_err(|error| ApiError::user(error, CODES))?;
    Ok(json(StatusCode::OK, &Value::Null))
}
