use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::post,
};
use http::StatusCode;

use super::{
    body::{
        Model,
        fields::{self, PASSWORD, into_profile, take_text},
    },
    error::Codes,
    finish, json, split,
};
use crate::{Context, CreateUser, ErrorCode, Profile, Users, http::ApiError};

const CODES: Codes = Codes {
    exists: ErrorCode::RegisterUserAlreadyExists,
    invalid_password: ErrorCode::RegisterInvalidPassword,
    bad_token: ErrorCode::VerifyUserBadToken,
};

impl<P: Profile> Users<P> {
    /// `POST /register`.
    pub fn register_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.register_routes("")
    }

    pub(super) fn register_routes<S: Clone + Send + Sync + 'static>(&self, at: &str) -> Router<S> {
        finish(Router::new().route(&format!("{at}/register"), post(register::<P>)), self)
    }
}

/// Flags are checked for their type and ignored: nobody makes themselves a superuser (REG-3).
async fn register<P: Profile>(State(users): State<Users<P>>, request: Request) -> Result<Response, ApiError> {
    let policy = users.policy();
    let (parts, body) = split(request, policy).await?;
    let schema: Vec<_> = [fields::email(policy), PASSWORD]
        .into_iter()
        .chain(fields::flags(true))
        .chain(fields::profile::<P>(false))
        .collect();
    let create = body.validate(Model::Object, &schema).and_then(|mut object| {
        for flag in fields::flags(true) {
            object.remove(flag.name);
        }
        let email = take_text(&mut object, "email").unwrap_or_default();
        let password = take_text(&mut object, "password").unwrap_or_default();
        Ok(CreateUser::new(email, password, into_profile::<P>(object)?))
    });
    let create = create.map_err(|error| ApiError::body(error, policy))?;
    let user = users.manager().register(create, &Context::from_parts(&parts)).await;
    let user = user.map_err(|error| ApiError::user(error, CODES))?;
    Ok(json(StatusCode::CREATED, &user))
}
