//! Domain errors and the error codes of the wire contract. Which status an error has is known only to the HTTP layer.

use std::time::Duration;

use serde::Serialize;

use crate::{email::EmailError, hooks::HookError, store::StoreError};

/// Any error of an application's or a library's own.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the manager did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// There is no such user.
    #[error("there is no such user")]
    NotFound,
    /// Another user has the address.
    #[error("a user with this e-mail address exists")]
    AlreadyExists,
    /// The address is not valid.
    #[error("not a valid e-mail address: {0}")]
    InvalidEmail(#[from] EmailError),
    /// The password is refused, for this reason.
    #[error("the password is refused: {0}")]
    InvalidPassword(String),
    /// Unknown user, wrong password or inactive user: on purpose one and the same.
    #[error("the credentials are wrong")]
    BadCredentials,
    /// The user's address is not verified, and has to be.
    #[error("the user's address is not verified")]
    NotVerified,
    /// The account at the provider belongs to another user.
    #[error("another user has this account at the provider")]
    AccountTaken,
    /// The provider gives no address, or none that is valid.
    #[error("the provider gives no e-mail address")]
    NoEmail,
    /// Superusers cannot take their own rights away.
    #[error("superusers cannot take their own rights away")]
    OwnRights,
    /// Without this account the user could not log in any more.
    #[error("this account is the user's only way to log in")]
    LastLoginMethod,
    /// The provider does not tell who somebody is.
    #[cfg(feature = "oauth")]
    #[error(transparent)]
    Provider(#[from] crate::oauth::ProviderError),
    /// A reset or verification token that is forged, expired, used, or of somebody else.
    #[error("the token is invalid or has expired")]
    InvalidToken,
    /// The user is verified already.
    #[error("the user is verified already")]
    AlreadyVerified,
    /// The user is inactive.
    #[error("the user is inactive")]
    Inactive,
    /// Somebody else changed the same thing at the same time.
    #[error("somebody else changed the user at the same time")]
    Conflict,
    /// A hook refused.
    #[error("a hook refused with {status} {code}")]
    Refused {
        /// The status to answer with.
        status: http::StatusCode,
        /// The code to answer with.
        code: String,
    },
    /// More passwords wait to be hashed than this process will take.
    #[error("too many requests are waiting, try again in {} s", retry_after.as_secs())]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The client, or somebody for this address, has tried it too often.
    #[error("tried too often, try again in {} s", retry_after.as_secs())]
    TooManyRequests {
        /// When to try again.
        retry_after: Duration,
    },
    /// The store failed.
    #[error("the user store failed")]
    Store(#[source] StoreError),
    /// A strategy failed to write, read or destroy a token.
    #[error("the token strategy failed")]
    Strategy(#[source] BoxError),
    /// A hook failed.
    #[error("a hook failed")]
    Hook(#[source] BoxError),
    /// The operating system gave no random bytes, or a worker died.
    #[error("an internal error")]
    Internal(#[source] BoxError),
}

impl From<StoreError> for UserError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate => Self::AlreadyExists,
            StoreError::AccountTaken => Self::AccountTaken,
            StoreError::NoSuchUser => Self::NotFound,
            other => Self::Store(other),
        }
    }
}

impl From<HookError> for UserError {
    fn from(error: HookError) -> Self {
        match error {
            HookError::Refuse { status, code } => Self::Refused { status, code },
            HookError::Failed(source) => Self::Hook(source),
        }
    }
}

impl From<getrandom::Error> for UserError {
    fn from(error: getrandom::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// The error codes of the wire contract, as they stand in `{"detail": …}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum ErrorCode {
    /// The password is refused.
    RegisterInvalidPassword,
    /// A user with this address exists.
    RegisterUserAlreadyExists,
    /// Unknown user, wrong password, or inactive.
    LoginBadCredentials,
    /// The password is right, but the address is not verified.
    LoginUserNotVerified,
    /// The reset token is invalid, used or expired.
    ResetPasswordBadToken,
    /// The new password is refused.
    ResetPasswordInvalidPassword,
    /// The verification token is invalid or expired.
    VerifyUserBadToken,
    /// The user is verified already.
    VerifyUserAlreadyVerified,
    /// The token that confirms a new address, or takes a change back, is invalid, used or expired.
    ChangeEmailBadToken,
    /// Another user has the new address.
    UpdateUserEmailAlreadyExists,
    /// The new password is refused.
    UpdateUserInvalidPassword,
    /// The password given beside the changes is not the user's.
    UpdateUserBadCurrentPassword,
    /// The login is too long ago, see [`Policy::recent_login`](crate::Policy::recent_login).
    ReauthenticationRequired,
    /// The provider gives no address, or none that is valid.
    OauthNotAvailableEmail,
    /// A user with the address of the account exists.
    OauthUserAlreadyExists,
    /// The state is of another browser, provider or flow, or was used.
    OauthInvalidState,
    /// The state is forged.
    AccessTokenDecodeError,
    /// The state has expired.
    AccessTokenAlreadyExpired,
    /// The account belongs to another user.
    OauthAccountAlreadyLinked,
    /// Without the account the user could not log in any more.
    OauthLastLoginMethod,
    /// The provider does not accept the code, or what it says cannot be believed.
    OauthProviderRefused,
    /// The provider does not answer, or not as it should.
    OauthProviderUnavailable,
    /// A superuser takes their own rights away.
    OwnSuperuserRights,
    /// Tried too often, see [`RateLimits`](crate::RateLimits).
    TooManyRequests,
}

impl ErrorCode {
    /// The code as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RegisterInvalidPassword => "REGISTER_INVALID_PASSWORD",
            Self::RegisterUserAlreadyExists => "REGISTER_USER_ALREADY_EXISTS",
            Self::LoginBadCredentials => "LOGIN_BAD_CREDENTIALS",
            Self::LoginUserNotVerified => "LOGIN_USER_NOT_VERIFIED",
            Self::ResetPasswordBadToken => "RESET_PASSWORD_BAD_TOKEN",
            Self::ResetPasswordInvalidPassword => "RESET_PASSWORD_INVALID_PASSWORD",
            Self::VerifyUserBadToken => "VERIFY_USER_BAD_TOKEN",
            Self::VerifyUserAlreadyVerified => "VERIFY_USER_ALREADY_VERIFIED",
            Self::ChangeEmailBadToken => "CHANGE_EMAIL_BAD_TOKEN",
            Self::UpdateUserEmailAlreadyExists => "UPDATE_USER_EMAIL_ALREADY_EXISTS",
            Self::UpdateUserInvalidPassword => "UPDATE_USER_INVALID_PASSWORD",
            Self::UpdateUserBadCurrentPassword => "UPDATE_USER_BAD_CURRENT_PASSWORD",
            Self::ReauthenticationRequired => "REAUTHENTICATION_REQUIRED",
            Self::OauthNotAvailableEmail => "OAUTH_NOT_AVAILABLE_EMAIL",
            Self::OauthUserAlreadyExists => "OAUTH_USER_ALREADY_EXISTS",
            Self::OauthInvalidState => "OAUTH_INVALID_STATE",
            Self::AccessTokenDecodeError => "ACCESS_TOKEN_DECODE_ERROR",
            Self::AccessTokenAlreadyExpired => "ACCESS_TOKEN_ALREADY_EXPIRED",
            Self::OauthAccountAlreadyLinked => "OAUTH_ACCOUNT_ALREADY_LINKED",
            Self::OauthLastLoginMethod => "OAUTH_LAST_LOGIN_METHOD",
            Self::OauthProviderRefused => "OAUTH_PROVIDER_REFUSED",
            Self::OauthProviderUnavailable => "OAUTH_PROVIDER_UNAVAILABLE",
            Self::OwnSuperuserRights => "OWN_SUPERUSER_RIGHTS",
            Self::TooManyRequests => "TOO_MANY_REQUESTS",
        }
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialised_codes_are_their_names() {
        for code in [ErrorCode::RegisterInvalidPassword, ErrorCode::UpdateUserEmailAlreadyExists] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
