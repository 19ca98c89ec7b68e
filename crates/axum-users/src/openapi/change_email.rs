use serde_json::json;
use utoipa::openapi::{OpenApi, schema::ObjectBuilder};

use super::{
    Part,
    operation::{JSON, Route, body},
    response::{Errors, json_body},
    schema::{TOKEN, text, user_example, user_read},
};
use crate::{ErrorCode, Profile, Users};

impl<P: Profile> Users<P> {
    /// The document of [`change_email_router`](Self::change_email_router), mounted at `prefix`, such as `/auth`.
    pub fn change_email_openapi(&self, prefix: &str) -> OpenApi {
        let mut part = Part::new(self);
        part.schema("UserRead", user_read::<P>());
        let routes = [
            (
                Route::post("change-email:confirm", prefix, "/change-email"),
                "Gives a user the address that the token was mailed to.",
            ),
            (
                Route::post("change-email:revert", prefix, "/revert-email-change"),
                "Gives a user the old address back that the token was mailed to. Password, sessions and accounts at providers end.",
            ),
        ];
        let limits = self.0.limiter.limits();
        for (route, description) in routes {
            let fields = ObjectBuilder::new().property("token", text()).required("token");
            part.schema(route.body_name(), fields);
            let operation = route
                .operation(description)
                .request_body(body(JSON, &route.body_name(), json!({ "token": TOKEN })))
                .response("200", json_body("The user.", "UserRead", user_example::<P>()))
                .body_errors(&[ErrorCode::ChangeEmailBadToken, ErrorCode::UpdateUserEmailAlreadyExists])
                .limited(&[limits.tokens_per_minute, limits.confirmations_per_hour])
                .unavailable();
            part.route(&route, operation);
        }
        part.document()
    }
}
