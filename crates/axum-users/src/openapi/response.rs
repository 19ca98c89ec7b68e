//! Answers: successes, and errors in the shape `{"detail": …}`.

use serde_json::{Value, json};
use utoipa::openapi::{
    content::ContentBuilder,
    example::ExampleBuilder,
    header::{Header, HeaderBuilder},
    path::OperationBuilder,
    response::{Response, ResponseBuilder},
    schema::{ObjectBuilder, Type},
};

use super::operation::{JSON, reference};
use crate::{ErrorCode, Policy};

pub(super) const NOT_VERIFIED: &str = "The e-mail address is not verified.";
pub(super) const OTHER_SITE: &str = "A cookie counts only for requests of its own site.";

/// An answer with a JSON body of the schema of this name.
pub(super) fn json_body(description: &str, schema: &str, example: Value) -> Response {
    let content = ContentBuilder::new().schema(Some(reference(schema))).example(Some(example)).build();
    ResponseBuilder::new().description(description).content(JSON, content).build()
}

/// An answer whose JSON body is `null`.
pub(super) fn null(description: &str) -> Response {
    let schema = ObjectBuilder::new().schema_type(Type::Null).build();
    let content = ContentBuilder::new().schema(Some(schema)).example(Some(Value::Null)).build();
    ResponseBuilder::new().description(description).content(JSON, content).build()
}

/// An answer without a body.
pub(super) fn empty(description: &str) -> ResponseBuilder {
    ResponseBuilder::new().description(description)
}

pub(super) fn text_header(description: &str) -> Header {
    header(Type::String, description)
}

fn header(schema_type: Type, description: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(schema_type).build();
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

/// The errors of a route. The methods add those that its handler gives.
pub(super) trait Errors: Sized {
    /// 400 with one of these codes, or for a body that cannot be read; 413; 422.
    fn body_errors(self, codes: &[ErrorCode]) -> Self;
    /// 400 with one of these codes.
    fn refused(self, codes: &[ErrorCode]) -> Self;
    /// 401.
    fn unauthorized(self, policy: &Policy) -> Self;
    /// 403, for any of these reasons; nothing when there are none.
    fn forbidden<'a>(self, reasons: impl IntoIterator<Item = &'a str>) -> Self;
    /// Another error whose detail is the name of its status.
    fn error(self, status: &str, description: &str, detail: &str) -> Self;
    /// 429, if one of these limits is set.
    fn limited(self, limits: &[u32]) -> Self;
    /// 503.
    fn unavailable(self) -> Self;
}

impl Errors for OperationBuilder {
    fn body_errors(self, codes: &[ErrorCode]) -> Self {
        let unreadable = json!({ "detail": "There was an error parsing the body" });
        let unreadable = ("UNREADABLE_BODY", "The body cannot be read.", unreadable);
        let missing =
            json!({ "detail": [{ "type": "missing", "loc": ["body", "email"], "msg": "Field required" }] });
        self.response("400", bad_request(codes, Some(unreadable)))
            .error("413", "The body is larger than 65536 bytes.", "Content Too Large")
            .response("422", json_body("Validation Error", "HTTPValidationError", missing))
    }

    fn refused(self, codes: &[ErrorCode]) -> Self {
        self.response("400", bad_request(codes, None))
    }

    fn unauthorized(self, policy: &Policy) -> Self {
        let mut response = error("No valid token, or the user is inactive.", "Unauthorized");
        if policy.www_authenticate {
            let challenge = text_header("`Bearer` (RFC 6750 §3)");
            response.headers.insert("WWW-Authenticate".to_owned(), challenge.into());
        }
        self.response("401", response)
    }

    fn forbidden<'a>(self, reasons: impl IntoIterator<Item = &'a str>) -> Self {
        let reasons: Vec<_> = reasons.into_iter().collect();
        if reasons.is_empty() { self } else { self.error("403", &reasons.join(" "), "Forbidden") }
    }

    fn error(self, status: &str, description: &str, detail: &str) -> Self {
        self.response(status, error(description, detail))
    }

    fn unavailable(self) -> Self {
        self.response(
            "503",
            later("Too much to do, or a store failed: try again later.", "Service Unavailable"),
        )
    }

    fn limited(self, limits: &[u32]) -> Self {
        if limits.iter().all(|limit| *limit == 0) {
            return self;
        }
        let code = ErrorCode::TooManyRequests;
        self.response("429", later(describe(code), code.as_str()))
    }
}

/// An error that says when to try again.
fn later(description: &str, detail: &str) -> Response {
    let mut response = error(description, detail);
    let seconds = header(Type::Integer, "Seconds to wait.");
    response.headers.insert("Retry-After".to_owned(), seconds.into());
    response
}

/// 400, with an example for each reason.
fn bad_request(codes: &[ErrorCode], other: Option<(&'static str, &'static str, Value)>) -> Response {
    let examples =
        codes.iter().map(|code| (code.as_str(), describe(*code), example(*code))).chain(other).map(
            |(name, summary, value)| {
                (name, ExampleBuilder::new().summary(summary).value(Some(value)).build())
            },
        );
    let content =
        ContentBuilder::new().schema(Some(reference("ErrorModel"))).examples_from_iter(examples).build();
    ResponseBuilder::new().description("Bad Request").content(JSON, content).build()
}

fn error(description: &str, detail: &str) -> Response {
    json_body(description, "ErrorModel", json!({ "detail": detail }))
}

fn example(code: ErrorCode) -> Value {
    match code {
        ErrorCode::RegisterInvalidPassword
        | ErrorCode::ResetPasswordInvalidPassword
        | ErrorCode::UpdateUserInvalidPassword => {
            json!({ "detail": { "code": code, "reason": "The password is too common." } })
        }
        _ => json!({ "detail": code }),
    }
}

const fn describe(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::RegisterInvalidPassword
        | ErrorCode::ResetPasswordInvalidPassword
        | ErrorCode::UpdateUserInvalidPassword => "The password is refused.",
        ErrorCode::RegisterUserAlreadyExists | ErrorCode::UpdateUserEmailAlreadyExists => {
            "A user with this e-mail address exists."
        }
        ErrorCode::LoginBadCredentials => "Unknown user, wrong password, or the user is inactive.",
        ErrorCode::LoginUserNotVerified => "The e-mail address is not verified.",
        ErrorCode::ResetPasswordBadToken => "The token is invalid, used or expired.",
        ErrorCode::VerifyUserBadToken => "The token is invalid or expired, or the address has changed.",
        ErrorCode::VerifyUserAlreadyVerified => "The user is verified already.",
        ErrorCode::ChangeEmailBadToken => "The token is invalid, used or expired.",
        ErrorCode::UpdateUserBadCurrentPassword => "The current password is wrong.",
        ErrorCode::ReauthenticationRequired => "The login is too long ago.",
        ErrorCode::OauthNotAvailableEmail => "The provider gives no e-mail address, or none that is valid.",
        ErrorCode::OauthUserAlreadyExists => "A user with the address of the account exists.",
        ErrorCode::OauthInvalidState => "The state is of another browser, provider or flow, or was used.",
        ErrorCode::AccessTokenDecodeError => "The state is missing or forged.",
        ErrorCode::AccessTokenAlreadyExpired => "The state has expired.",
        ErrorCode::OauthAccountAlreadyLinked => "Another user has the account.",
        ErrorCode::OwnSuperuserRights => "A superuser takes their own rights away.",
        ErrorCode::OauthLastLoginMethod => "The account is the user's only way to log in.",
        ErrorCode::OauthProviderRefused => {
            "The provider refuses the code, or what it says cannot be believed."
        }
        ErrorCode::OauthProviderUnavailable => "The provider does not answer, or not as it should.",
        ErrorCode::TooManyRequests => "Tried too often: try again later.",
    }
}
