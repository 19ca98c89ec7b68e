use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::post,
};
use http::StatusCode;

use super::{
    accepted,
    body::{
        Model,
        fields::{self, take_text},
    },
    finish, json, no_content, split, split_token,
};
use crate::{Context, Profile, Users, http::ApiError};

impl<P: Profile> Users<P> {
    /// `POST /request-verify-token`, `POST /verify` and `POST /decline-verification`.
    pub fn verify_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.verify_routes("")
    }

    pub(super) fn verify_routes<S: Clone + Send + Sync + 'static>(&self, at: &str) -> Router<S> {
        let router = Router::new()
            .route(&format!("{at}/request-verify-token"), post(request_verify_token::<P>))
            .route(&format!("{at}/verify"), post(verify::<P>))
            .route(&format!("{at}/decline-verification"), post(decline_verification::<P>));
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
    let (parts, token) = split_token(request, users.policy()).await?;
    let user = users.manager().verify(&token, &Context::from_parts(&parts)).await?;
    Ok(json(StatusCode::OK, &user))
}

async fn decline_verification<P: Profile>(
    State(users): State<Users<P>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, token) = split_token(request, users.policy()).await?;
    users.manager().decline_verification(&token, &Context::from_parts(&parts)).await?;
    Ok(no_content())
}
