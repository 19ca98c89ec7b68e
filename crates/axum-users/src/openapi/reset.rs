use serde_json::json;
use utoipa::openapi::{OpenApi, schema::ObjectBuilder};

use super::{
    Part,
    operation::{JSON, Route, body},
    response::{Errors, null},
    schema::{EMAIL, PASSWORD, TOKEN, email, password, text},
};
use crate::{ErrorCode, Profile, Users};

impl<P: Profile> Users<P> {
    /// The document of [`reset_router`](Self::reset_router), mounted at `prefix`, such as `/auth`.
    pub fn reset_openapi(&self, prefix: &str) -> OpenApi {
        let mut part = Part::new(self);
        let limits = self.0.limiter.limits();

        let forgot = Route::post("reset:forgot_password", prefix, "/forgot-password");
        let fields = ObjectBuilder::new().property("email", email()).required("email");
        part.schema(forgot.body_name(), fields);
        let operation = forgot
            .operation("Sends a token to reset the password, if an active user has the address.")
            .request_body(body(JSON, &forgot.body_name(), json!({ "email": EMAIL })))
            .response("202", null("Accepted, whoever has the address."))
            .body_errors(&[])
            .limited(&[limits.mail_requests_per_minute])
            .unavailable();
        part.route(&forgot, operation);

        let reset = Route::post("reset:reset_password", prefix, "/reset-password");
        let fields = ObjectBuilder::new()
            .property("token", text())
            .required("token")
            .property("password", password(self.policy()))
            .required("password");
        part.schema(reset.body_name(), fields);
        let operation = reset
            .operation("Sets a new password.")
            .request_body(body(JSON, &reset.body_name(), json!({ "token": TOKEN, "password": PASSWORD })))
            .response("200", null("The password is set."))
            .body_errors(&[ErrorCode::ResetPasswordBadToken, ErrorCode::ResetPasswordInvalidPassword])
            .limited(&[limits.tokens_per_minute, limits.confirmations_per_hour])
            .unavailable();
        part.route(&reset, operation);
        part.document()
    }
}
