use axum::{
    Json, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};

use super::{
    accepted,
    body::{
        Model,
        fields::{self, TOKEN, take_text},
    },
    finish, no_content, split,
};
use crate::{Context, Profile, Users, http::ApiError};

impl<P: Profile> Users<P> {
    /// `POST /request-verify-token`, `POST /verify` and `POST /decline-verification`.
    pub fn verify_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let router = Router::new()
            .route("/request-verify-token", post(request_verify_token::<P>))
            .route("/verify", post(verify::<P>))
            .route("/decline-verification", post(decline_verification::<P>));
        finish(router, self)
    }
}

async fn request_verify_token<P: Profile>(
    State(users): State<Users<P>>,
    request: Request,
) -> Result<Response, ApiError> {
    let policy = users.policy();
    let (parts, body) = split(request, policy).await?;
    let object = body.validate(Model::Embedded, &[fields::email(policy)]);
    let mut object = object.map_err(|error| ApiError::body(error, policy))?;
    let email = take_text(&mut object, "email").unwrap_or_default();
    users.manager().queue_request_verify(email, &Context::from_parts(&parts)).await?;
    Ok(accepted())
}

async fn verify<P: Profile>(State(users): State<Users<P>>, request: Request) -> Result<Response, ApiError> {
    let (token, cx) = read_token(&users, request).await?;
    let user = users.manager().verify(&token, &cx).await?;
    Ok(Json(user).into_response())
}

async fn decline_verification<P: Profile>(
    State(users): State<Users<P>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (token, cx) = read_token(&users, request).await?;
    users.manager().decline_verification(&token, &cx).await?;
    Ok(no_content())
}

async fn read_token<P: Profile>(users: &Users<P>, request: Request) -> Result<(String, Context), ApiError> {
    let policy = users.policy();
    let (parts, body) = split(request, policy).await?;
    let object = body.validate(Model::Embedded, &[TOKEN]);
    let mut object = object.map_err(|error| ApiError::body(error, policy))?;
    Ok((take_text(&mut object, "token").unwrap_or_default(), Context::from_parts(&parts)))
}
