use serde_json::json;
use utoipa::openapi::{
    OpenApi,
    path::OperationBuilder,
    response::{Response, ResponseBuilder},
    schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat},
};

use super::{
    Part,
    operation::{FORM, Route, body},
    response::{Errors, NOT_VERIFIED, OTHER_SITE, empty, json_body, text_header},
    schema::{EMAIL, PASSWORD, TOKEN, text},
    security,
};
use crate::{Backend, ErrorCode, Profile, Users, transport::SecurityScheme};

impl<P: Profile> Users<P> {
    /// The document of [`auth_router`](Self::auth_router), mounted at the backend's [`prefix`](Backend::prefix).
    pub fn auth_openapi(&self, backend: &Backend<P>) -> OpenApi {
        let mut part = Part::new(self);
        security::add_schemes(&mut part.components, self);
        let (name, prefix) = (backend.name(), backend.path());

        let login_name = format!("auth:{name}.login");
        let login = Route::post(&login_name, prefix, "/login");
        part.schema(login.body_name(), login_form());
        add_bearer_response(&mut part, backend);
        let codes = match backend.requires_verified() {
            true => &[ErrorCode::LoginBadCredentials, ErrorCode::LoginUserNotVerified][..],
            false => &[ErrorCode::LoginBadCredentials],
        };
        let operation = login
            .operation("The OAuth 2.0 password form (RFC 6749 §4.3.2): `username` is the e-mail address.")
            .request_body(body(FORM, &login.body_name(), json!({ "username": EMAIL, "password": PASSWORD })));
        let limits = self.0.limiter.limits();
        let operation = logged_in(operation, &backend.transport.scheme())
            .body_errors(codes)
            .forbidden(backend.is_ambient().then_some(OTHER_SITE))
            .limited(&[
                limits.login_per_minute,
                limits.login_failures_per_minute,
                limits.login_tries,
                limits.login_client_failures_per_day,
                limits.login_failures_per_day,
            ])
            .unavailable();
        part.route(&login, operation);

        let logout_name = format!("auth:{name}.logout");
        let logout = Route::post(&logout_name, prefix, "/logout");
        let operation = security::protect(logout.operation("Ends the session."), self)
            .response("204", logged_out(&backend.transport.scheme()))
            .unauthorized(self.policy())
            .forbidden(
                (backend.requires_verified() && !self.policy().logout_for_everybody)
                    .then_some(NOT_VERIFIED)
                    .into_iter()
                    .chain(self.other_site()),
            )
            .unavailable();
        part.route(&logout, operation);
        part.document()
    }

    /// Why a request that changes something is forbidden, if a backend works by cookie.
    pub(super) fn other_site(&self) -> Option<&'static str> {
        self.backends().iter().any(Backend::is_ambient).then_some(OTHER_SITE)
    }
}

/// The schema to which [`logged_in`] refers.
pub(super) fn add_bearer_response<P: Profile>(part: &mut Part, backend: &Backend<P>) {
    if backend.transport.scheme() == SecurityScheme::Bearer {
        part.schema("BearerResponse", bearer_response());
    }
}

pub(super) fn logged_in(operation: OperationBuilder, scheme: &SecurityScheme) -> OperationBuilder {
    match scheme {
        SecurityScheme::Bearer => {
            let example = json!({ "access_token": TOKEN, "token_type": "bearer" });
            operation.response("200", json_body("The token.", "BearerResponse", example))
        }
        SecurityScheme::Cookie { name } => {
            operation.response("204", set_cookie("Logged in.", &format!("`{name}` with the token.")))
        }
        SecurityScheme::Header { .. } => {
            operation.response("200", ResponseBuilder::new().description("Logged in."))
        }
    }
}

fn logged_out(scheme: &SecurityScheme) -> Response {
    match scheme {
        SecurityScheme::Cookie { name } => set_cookie("Logged out.", &format!("Removes `{name}`.")),
        _ => empty("Logged out.").build(),
    }
}

fn set_cookie(description: &str, cookie: &str) -> Response {
    empty(description).header("Set-Cookie", text_header(cookie)).build()
}

fn login_form() -> Object {
    let secret = SchemaFormat::KnownFormat(KnownFormat::Password);
    ObjectBuilder::new()
        .property("grant_type", text().pattern(Some("^(password)?$")))
        .property("username", text().min_length(Some(1)).description(Some("The e-mail address.")))
        .required("username")
        .property("password", text().min_length(Some(1)).format(Some(secret.clone())).write_only(true))
        .required("password")
        .property("scope", text().default(Some("".into())).description(Some("Ignored.")))
        .property("client_id", text().description(Some("Ignored.")))
        .property("client_secret", text().format(Some(secret)).description(Some("Ignored.")))
        .build()
}

fn bearer_response() -> Object {
    ObjectBuilder::new()
        .property("access_token", text())
        .required("access_token")
        .property("token_type", text())
        .required("token_type")
        .build()
}
