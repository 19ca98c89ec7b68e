use super::{UserManager, limited_address};
use crate::{
    AuditAct, AuditReason, Context, Profile, UpdateUser, User, UserError,
    email::normalize,
    password::{Compared, Verdict},
};

impl<P: Profile> UserManager<P> {
    /// Whether a user who is logged in knows the password: asked again before something that a session alone must not do (CHG-7).
    ///
    /// It is limited for each user, and a wrong one counts like that of a login
    /// ([`RateLimits::reauthentications_per_minute`](crate::RateLimits::reauthentications_per_minute)).
    ///
    /// # Errors
    /// [`UserError::BadCredentials`], [`UserError::TooManyRequests`], or [`UserError::Busy`].
    pub async fn confirm_password(
        &self,
        user: &User<P>,
        password: &str,
        cx: &Context,
    ) -> Result<(), UserError> {
        let address = limited_address(&user.email);
        let compared =
            Compared { hash: Some(user.hashed_password.clone()), decoy: self.0.decoys.pick(&address) };
        let login = self.0.limiter.try_reauthentication(&user.id, &address, cx).await;
        let login = self.admitted(login, &user.email, cx).await?;
        let verdict = self.compare(password, compared, cx).await;
        if !matches!(verdict, Ok(Verdict::Mismatch)) {
            self.0.limiter.give_back(login).await;
        }
        if verdict? != Verdict::Mismatch {
            return Ok(());
        }
        let mut entry = self.0.audit(AuditAct::ReauthenticationFailed, cx);
        entry.user(&user.id).reason(AuditReason::WrongPassword).done();
        Err(UserError::BadCredentials)
    }

    /// Whether a change would let somebody else have the account: a new password, or another address.
    pub(crate) fn changes_credentials(&self, user: &User<P>, update: &UpdateUser<P>) -> bool {
        let is_another =
            |email: &String| normalize(email, &self.0.policy.email).map_or(true, |email| email != user.email);
        update.password.is_some() || update.email.as_ref().is_some_and(is_another)
    }
}
