use utoipa::openapi::{
    OpenApi, Required,
    path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn},
};

use super::{
    Part,
    operation::{JSON, Route, body},
    response::{Errors, NOT_VERIFIED, empty, json_body},
    schema::{text, update_example, user_example, user_read, user_update},
    security,
};
use crate::{EmailChange, ErrorCode, Profile, Users};

const UPDATE_CODES: [ErrorCode; 2] =
    [ErrorCode::UpdateUserEmailAlreadyExists, ErrorCode::UpdateUserInvalidPassword];

impl<P: Profile> Users<P> {
    /// The document of [`users_router`](Self::users_router), mounted at `prefix`, such as `/users`.
    pub fn users_openapi(&self, prefix: &str) -> OpenApi {
        let mut part = Part::new(self);
        security::add_schemes(&mut part.components, self);
        part.schema("UserRead", user_read::<P>());
        part.schema("UserUpdate", user_update::<P>(self.policy()));
        let route =
            |method, path: &str, name| Route { method, path: format!("{prefix}{path}"), name, tag: "users" };

        let get_me = route(HttpMethod::Get, "/me", "users:current_user");
        part.route(&get_me, self.own(&get_me, "The user who is asking.").user::<P>());
        let patch_me = route(HttpMethod::Patch, "/me", "users:patch_current_user");
        let description = "Changes the user who is asking.";
        let operation = self.protected(&patch_me, description, self.old_login().as_deref());
        let (mut codes, mut limits) = (UPDATE_CODES.to_vec(), Vec::new());
        let rates = self.0.limiter.limits();
        if self.policy().email_change == EmailChange::Confirm {
            codes.retain(|code| *code != ErrorCode::UpdateUserEmailAlreadyExists);
            limits.push(rates.mail_requests_per_minute);
        }
        if self.policy().recent_login.is_some() {
            codes.push(ErrorCode::UpdateUserBadCurrentPassword);
            limits.extend([rates.reauthentications_per_minute, rates.login_tries]);
        }
        part.route(&patch_me, operation.user::<P>().update::<P>(&codes).limited(&limits));

        let get_user = route(HttpMethod::Get, "/{id}", "users:user");
        part.route(&get_user, self.any(&get_user, "A user.").user::<P>());
        let patch_user = route(HttpMethod::Patch, "/{id}", "users:patch_user");
        let operation = self.any(&patch_user, "Changes a user.").user::<P>().update::<P>(&UPDATE_CODES);
        part.route(&patch_user, self.own_rights(operation));
        let delete_user = route(HttpMethod::Delete, "/{id}", "users:delete_user");
        let operation = self.any(&delete_user, "Deletes a user with all that belongs to them.");
        part.route(&delete_user, self.own_rights(operation.response("204", empty("Deleted."))));
        part.document()
    }

    /// An operation that can take the rights of a superuser.
    fn own_rights(&self, operation: OperationBuilder) -> OperationBuilder {
        if !self.policy().keep_superusers {
            return operation;
        }
        let when =
            "A superuser takes their own rights away, or somebody else changed the user at the same time.";
        operation.error("409", when, ErrorCode::OwnSuperuserRights.as_str())
    }

    /// An operation on the user who is asking.
    fn own(&self, route: &Route<'_>, description: &str) -> OperationBuilder {
        self.protected(route, description, None)
    }

    /// An operation of superusers on any user.
    fn any(&self, route: &Route<'_>, description: &str) -> OperationBuilder {
        let id = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(text()))
            .build();
        self.protected(route, description, Some("Not a superuser.")).parameter(id).error(
            "404",
            "There is no such user.",
            "Not Found",
        )
    }

    /// Why somebody who is logged in may have to log in again, if that is so.
    pub(super) fn old_login(&self) -> Option<String> {
        let seconds = self.policy().recent_login?;
        let code = ErrorCode::ReauthenticationRequired;
        Some(format!("`{code}`: the login is more than {seconds} seconds ago."))
    }

    pub(super) fn protected(
        &self,
        route: &Route<'_>,
        description: &str,
        reason: Option<&str>,
    ) -> OperationBuilder {
        let not_verified = self.0.require_verified_users.then_some(NOT_VERIFIED);
        let other_site = self.other_site().filter(|_| route.method != HttpMethod::Get);
        security::protect(route.operation(description), self)
            .unauthorized(self.policy())
            .forbidden([reason, not_verified, other_site].into_iter().flatten())
            .unavailable()
    }
}

trait UserOperation {
    /// Answers with a user.
    fn user<P: Profile>(self) -> Self;
    /// Takes changes to a user.
    fn update<P: Profile>(self, codes: &[ErrorCode]) -> Self;
}

impl UserOperation for OperationBuilder {
    fn user<P: Profile>(self) -> Self {
        self.response("200", json_body("The user.", "UserRead", user_example::<P>()))
    }

    fn update<P: Profile>(self, codes: &[ErrorCode]) -> Self {
        self.request_body(body(JSON, "UserUpdate", update_example::<P>())).body_errors(codes).error(
            "409",
            "Somebody else changed the user at the same time.",
            "Conflict",
        )
    }
}
