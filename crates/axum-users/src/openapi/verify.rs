use serde_json::json;
use utoipa::openapi::{OpenApi, schema::ObjectBuilder};

use super::{
    Part,
    operation::{JSON, Route, body},
    response::{Errors, empty, json_body, null},
    schema::{EMAIL, TOKEN, email, text, user_example, user_read},
};
use crate::{ErrorCode, Profile, Users};

impl<P: Profile> Users<P> {
    /// The document of [`verify_router`](Self::verify_router), mounted at `prefix`, such as `/auth`.
    pub fn verify_openapi(&self, prefix: &str) -> OpenApi {
        let mut part = Part::new(self);
        let limits = self.0.limiter.limits();
        part.schema("UserRead", user_read::<P>());

        let request = Route::post("verify:request-token", prefix, "/request-verify-token");
        let fields = ObjectBuilder::new().property("email", email()).required("email");
        part.schema(request.body_name(), fields);
        let operation = request
            .operation("Sends a token to verify the address, if an active user has it unverified.")
            .request_body(body(JSON, &request.body_name(), json!({ "email": EMAIL })))
            .response("202", null("Accepted, whoever has the address."))
            .body_errors(&[])
            .limited(&[limits.mail_requests_per_minute])
            .unavailable();
        part.route(&request, operation);

        let verify = Route::post("verify:verify", prefix, "/verify");
        let fields = ObjectBuilder::new().property("token", text()).required("token");
        part.schema(verify.body_name(), fields);
        let operation = verify
            .operation("Marks the address as verified.")
            .request_body(body(JSON, &verify.body_name(), json!({ "token": TOKEN })))
            .response("200", json_body("The user.", "UserRead", user_example::<P>()))
            .body_errors(&[ErrorCode::VerifyUserBadToken, ErrorCode::VerifyUserAlreadyVerified])
            .limited(&[limits.tokens_per_minute, limits.confirmations_per_hour])
            .unavailable();
        part.route(&verify, operation);

        let decline = Route::post("verify:decline", prefix, "/decline-verification");
        let fields = ObjectBuilder::new().property("token", text()).required("token");
        part.schema(decline.body_name(), fields);
        let operation = decline
            .operation("Closes the account of whoever has registered an address that is not theirs.")
            .request_body(body(JSON, &decline.body_name(), json!({ "token": TOKEN })))
            .response("204", empty("Closed."))
            .body_errors(&[ErrorCode::VerifyUserBadToken, ErrorCode::VerifyUserAlreadyVerified])
            .limited(&[limits.tokens_per_minute, limits.confirmations_per_hour])
            .unavailable();
        part.route(&decline, operation);
        part.document()
    }
}
