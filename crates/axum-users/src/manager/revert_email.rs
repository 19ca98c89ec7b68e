use super::{UserManager, change_email::EmailToken};
use crate::{
    AuditAct, Context, PasswordHash, Profile, User, UserError, audit::Entry, jobs::Task, limit::Act,
    user::Changes,
};

impl<P: Profile> UserManager<P> {
    /// Gives a user the address back that the token was mailed to when it was replaced: whoever replaced it may have taken the
    /// account over. Whatever the address is by now; every session ends, no password fits any more, all accounts at
    /// providers are taken away, and the address is mailed a token to set a new password. Works once.
    ///
    /// # Errors
    /// [`UserError::InvalidToken`] when it is forged, expired or used, or its user is inactive or gone;
    /// [`UserError::AlreadyExists`] when another user has the address by now, which leaves the token usable;
    /// [`UserError::TooManyRequests`], [`UserError::Busy`], or a failure of a store, which leaves it usable too, unless the
    /// store fails at the last moment.
    pub async fn revert_email_change(&self, token: &str, cx: &Context) -> Result<User<P>, UserError> {
        let mut entry = self.0.audit(AuditAct::EmailChangeReverted, cx);
        let result = self.use_revert_token(token, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    async fn use_revert_token(
        &self,
        token: &str,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        self.0.limiter.admit(Act::ChangeEmail, cx).await?;
        let token = self.read_email_token(self.0.email_revert.read(token, false))?;
        entry.user(&token.user);
        let user = self.0.store.get_unless_revoked(&token.user, &token.digest).await?;
        let user = user.filter(|user| user.is_active).ok_or(UserError::InvalidToken)?;
        self.refuse_taken(&user, &token.email).await?;
        let promise = self.promise()?;
        self.end_sessions(&user.id).await?;
        self.take_accounts_away(&user, cx).await?;
        let (updated, changes) = self.give_back(&user, &token).await?;
        entry.done();
        let ended = self.end_sessions(&user.id).await;
        let unlinked = self.take_accounts_away(&user, cx).await;
        self.queue_after(promise, Task::ForgotPassword(token.email), cx).await;
        self.0.hooks.after("after_update", |hooks| hooks.after_update(&updated, &changes, cx)).await;
        ended.and(unlinked).map(|()| updated)
    }

    /// Without a condition: nobody who is in the account now gets in between.
    async fn give_back(
        &self,
        user: &User<P>,
        token: &EmailToken<P::Id>,
    ) -> Result<(User<P>, Changes), UserError> {
        let changes = Changes {
            email: Some(token.email.clone()),
            hashed_password: Some(PasswordHash::unusable()?),
            is_verified: Some(true),
            end_sessions: true,
            ..Changes::default()
        };
        if !self.0.store.revoke(&token.digest, token.expiry()).await? {
            return Err(UserError::InvalidToken);
        }
        let updated = self.0.store.update(&user.id, &changes).await?.ok_or(UserError::InvalidToken)?;
        Ok((updated, changes))
    }

    #[cfg(feature = "oauth")]
    async fn take_accounts_away(&self, user: &User<P>, cx: &Context) -> Result<(), UserError> {
        self.unlink_all(user, cx).await
    }

    #[cfg(not(feature = "oauth"))]
    #[expect(clippy::unused_async, reason = "there are none")]
    async fn take_accounts_away(&self, _: &User<P>, _: &Context) -> Result<(), UserError> {
        Ok(())
    }
}
