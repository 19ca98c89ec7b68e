use time::{Duration, OffsetDateTime};

use crate::{Authenticated, Context, ErrorCode, Profile, UserError, Users, http::ApiError};

impl<P: Profile> Users<P> {
    /// Whether somebody logged in as recently as [`Policy::recent_login`](crate::Policy::recent_login) says: for handlers of acts
    /// that a session which was left open, or stolen, is not enough for.
    ///
    /// ```
    /// use axum::extract::State;
    /// use axum_users::{Authenticated, Users};
    /// use http::StatusCode;
    ///
    /// async fn close_account(State(users): State<Users>, found: Authenticated) -> StatusCode {
    ///     match users.logged_in_recently(&found).await {
    ///         Ok(true) => StatusCode::NO_CONTENT,
    ///         Ok(false) => StatusCode::FORBIDDEN,
    ///         Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    ///     }
    /// }
    /// # let _: axum::Router<Users> = axum::Router::new().route("/close", axum::routing::post(close_account));
    /// ```
    ///
    /// # Errors
    /// A failure of the store of the token.
    pub async fn logged_in_recently(&self, found: &Authenticated<P>) -> Result<bool, UserError> {
        let Some(seconds) = self.policy().recent_login else { return Ok(true) };
        let strategy = &found.backend.strategy;
        let since = strategy.authenticated_at(found.token.expose(), &self.0.accounts).await?;
        let longest = Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
        Ok(since.is_some_and(|since| OffsetDateTime::now_utc() - since <= longest))
    }

    /// Lets in who knows the password, or, if none is given, logged in recently.
    pub(super) async fn reauthenticate(
        &self,
        found: &Authenticated<P>,
        password: Option<&str>,
        cx: &Context,
    ) -> Result<(), ApiError> {
        let Some(password) = password else {
            return if self.logged_in_recently(found).await? {
                Ok(())
            } else {
                Err(ApiError::reauthenticate())
            };
        };
        match self.manager().confirm_password(&found.user, password, cx).await {
            Err(UserError::BadCredentials) => Err(ApiError::code(ErrorCode::UpdateUserBadCurrentPassword)),
            other => Ok(other?),
        }
    }
}
