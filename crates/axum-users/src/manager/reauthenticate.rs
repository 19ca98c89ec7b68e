use super::{UserManager, limited_address};
use crate::{Context, Profile, UpdateUser, User, UserError, email::normalize, password::Verdict};

impl<P: Profile> UserManager<P> {
    /// Whether this is the password that a user has: for acts that need more than a session.
    ///
    /// Tries count as logins do, by the same limits, and there are few of them for each user whoever asks (LOG-5).
    ///
    /// # Errors
    /// [`UserError::BadCredentials`], [`UserError::TooManyRequests`] or [`UserError::Busy`].
    pub async fn confirm_password(
        &self,
        user: &User<P>,
        password: &str,
        cx: &Context,
    ) -> Result<(), UserError> {
        let login = self.0.limiter.try_again(&limited_address(&user.email), cx)?;
        let verdict = self.0.hashing.verify(password, Some(user.hashed_password.clone())).await;
        if matches!(verdict, Ok(Verdict::Mismatch)) {
            return Err(UserError::BadCredentials);
        }
        self.0.limiter.give_back(login);
        verdict.map(drop).map_err(UserError::from)
    }

    /// Whether a change would let somebody else have the account: a new password, or another address.
    pub(crate) fn changes_credentials(&self, user: &User<P>, update: &UpdateUser<P>) -> bool {
        let is_another =
            |email: &String| normalize(email, &self.0.policy.email).map_or(true, |email| email != user.email);
        update.password.is_some() || update.email.as_ref().is_some_and(is_another)
    }
}
