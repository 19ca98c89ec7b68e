use utoipa::openapi::OpenApi;

use super::{
    Part,
    operation::{JSON, Route, body},
    response::{Errors, json_body},
    schema::{create_example, user_create, user_example, user_read},
};
use crate::{DuplicateRegistration, ErrorCode, Profile, Users};

impl<P: Profile> Users<P> {
    /// The document of [`register_router`](Self::register_router), mounted at `prefix`, such as `/auth`.
    pub fn register_openapi(&self, prefix: &str) -> OpenApi {
        let mut part = Part::new(self);
        part.schema("UserRead", user_read::<P>());
        part.schema("UserCreate", user_create::<P>(self.policy()));
        let codes = match self.policy().duplicate_registration {
            DuplicateRegistration::Reveal => {
                &[ErrorCode::RegisterUserAlreadyExists, ErrorCode::RegisterInvalidPassword][..]
            }
            DuplicateRegistration::Hide => &[ErrorCode::RegisterInvalidPassword],
        };
        let register = Route::post("register:register", prefix, "/register");
        let operation = register
            .operation("Creates a user.")
            .request_body(body(JSON, "UserCreate", create_example::<P>()))
            .response("201", json_body("The new user.", "UserRead", user_example::<P>()))
            .body_errors(codes)
            .limited(&[self.0.limiter.limits().register_per_minute])
            .unavailable();
        part.route(&register, operation);
        part.document()
    }
}
