//! From domain errors to answers: the only place that knows status codes.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use super::{
    body::{BodyError, Echo},
    json,
};
#[cfg(feature = "oauth")]
use crate::{AuditReason, audit::Refusal, oauth::ProviderError};
use crate::{ErrorCode, Policy, UserError};

/// An answer that is not a success: a status and `{"detail": …}`.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    detail: Value,
    challenge: bool,
    retry_after: Option<Duration>,
}

/// The error codes of one route for errors that have several.
#[derive(Clone, Copy)]
pub(super) struct Codes {
    pub(super) exists: ErrorCode,
    pub(super) invalid_password: ErrorCode,
    pub(super) bad_token: ErrorCode,
}

impl ApiError {
    /// A status with a text or a structure.
    pub(super) fn new(status: StatusCode, detail: impl Into<Value>) -> Self {
        Self { status, detail: detail.into(), challenge: false, retry_after: None }
    }

    /// 400 with an error code.
    pub(super) fn code(code: ErrorCode) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code.as_str())
    }

    /// 400 that says no more.
    #[cfg(feature = "oauth")]
    pub(super) fn bad_request() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Bad Request")
    }

    /// 401.
    pub(crate) fn unauthorized(policy: &Policy) -> Self {
        Self { challenge: policy.www_authenticate, ..Self::new(StatusCode::UNAUTHORIZED, "Unauthorized") }
    }

    /// 403.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }

    /// 403 for who is known, but not recently enough.
    pub(super) fn reauthenticate() -> Self {
        Self::new(StatusCode::FORBIDDEN, ErrorCode::ReauthenticationRequired.as_str())
    }

    /// 404.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// A body that cannot be read or is wrong.
    pub(super) fn body(error: BodyError, policy: &Policy) -> Self {
        let echo = if policy.echo_input { Echo::Redacted } else { Echo::No };
        Self::new(error.status(), error.into_detail(echo))
    }

    /// What the manager refused, with the codes of the route.
    pub(super) fn user(error: UserError, codes: Codes) -> Self {
        match error {
            UserError::AlreadyExists => Self::code(codes.exists),
            UserError::InvalidPassword(reason) => Self::new(
                StatusCode::BAD_REQUEST,
                serde_json::json!({ "code": codes.invalid_password.as_str(), "reason": reason }),
            ),
            UserError::InvalidToken => Self::code(codes.bad_token),
            other => other.into(),
        }
    }

    /// The detail, if it is a text.
    #[cfg(feature = "oauth")]
    pub(super) fn text(&self) -> &str {
        self.detail.as_str().unwrap_or_default()
    }

    /// Whether this refuses the caller, rather than telling that something failed.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    /// A provider that refuses is the client's affair, one that fails is not. Neither's words are told.
    #[cfg(feature = "oauth")]
    fn provider(error: &ProviderError) -> Self {
        match error {
            ProviderError::Refused(_) | ProviderError::Untrusted(_) => {
                tracing::info!(error = error as &dyn std::error::Error, "a login at a provider was refused");
                Self::code(ErrorCode::OauthProviderRefused)
            }
            _ => {
                tracing::warn!(error = error as &dyn std::error::Error, "a provider failed");
                Self::new(StatusCode::BAD_GATEWAY, ErrorCode::OauthProviderUnavailable.as_str())
            }
        }
    }

    fn unavailable(retry_after: Duration) -> Self {
        let detail = "Service Unavailable";
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }
}

/// The errors whose answer is the same on every route. What failed is logged, not told.
impl From<UserError> for ApiError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::NotFound => Self::not_found(),
            UserError::BadCredentials | UserError::Inactive => Self::code(ErrorCode::LoginBadCredentials),
            UserError::NotVerified => Self::code(ErrorCode::LoginUserNotVerified),
            UserError::AccountTaken => Self::code(ErrorCode::OauthAccountAlreadyLinked),
            UserError::NoEmail => Self::code(ErrorCode::OauthNotAvailableEmail),
            UserError::LastLoginMethod => Self::code(ErrorCode::OauthLastLoginMethod),
            #[cfg(feature = "oauth")]
            UserError::Provider(error) => Self::provider(&error),
            UserError::AlreadyVerified => Self::code(ErrorCode::VerifyUserAlreadyVerified),
            UserError::AlreadyExists => Self::code(ErrorCode::RegisterUserAlreadyExists),
            UserError::InvalidToken => Self::code(ErrorCode::VerifyUserBadToken),
            UserError::InvalidPassword(reason) => Self::new(StatusCode::BAD_REQUEST, reason),
            UserError::InvalidEmail(reason) => Self::new(StatusCode::BAD_REQUEST, reason.to_string()),
            UserError::OwnRights => Self::new(StatusCode::CONFLICT, ErrorCode::OwnSuperuserRights.as_str()),
            UserError::Conflict => Self::new(StatusCode::CONFLICT, "Conflict"),
            UserError::Refused { status, code } => Self::new(status, code),
            UserError::Busy { retry_after } => Self::unavailable(retry_after),
            UserError::TooManyRequests { retry_after } => Self {
                retry_after: Some(retry_after),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests.as_str())
            },
            UserError::Store(_) | UserError::Strategy(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a store failed");
                Self::unavailable(Duration::from_secs(1))
            }
            UserError::Hook(_) | UserError::Internal(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }
}

/// As far as what happens at a provider, and on the way there and back, is refused.
#[cfg(feature = "oauth")]
impl Refusal for ApiError {
    fn reason(&self) -> Option<AuditReason> {
        let reasons = [
            (ErrorCode::LoginBadCredentials, AuditReason::BadCredentials),
            (ErrorCode::LoginUserNotVerified, AuditReason::NotVerified),
            (ErrorCode::OauthNotAvailableEmail, AuditReason::NoAddress),
            (ErrorCode::OauthUserAlreadyExists, AuditReason::AddressTaken),
            (ErrorCode::OauthAccountAlreadyLinked, AuditReason::AccountTaken),
            (ErrorCode::OauthInvalidState, AuditReason::InvalidState),
            (ErrorCode::AccessTokenDecodeError, AuditReason::InvalidState),
            (ErrorCode::AccessTokenAlreadyExpired, AuditReason::InvalidState),
            (ErrorCode::OauthProviderRefused, AuditReason::ProviderRefused),
        ];
        reasons.into_iter().find(|(code, _)| code.as_str() == self.text()).map(|(_, reason)| reason)
    }

    fn is_limit(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS
    }
}

/// What an error answers.
#[derive(Serialize)]
struct Body<'a> {
    detail: &'a Value,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &Body { detail: &self.detail });
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}
