use super::UserManager;
use crate::{
    AuditAct, Context, Profile, User, UserError, audit::Entry, jobs::Task, limit::Act, user::Changes,
};

impl<P: Profile> UserManager<P> {
    /// Gives the hooks a token with which the user can verify the address.
    ///
    /// # Errors
    /// [`UserError::Inactive`] or [`UserError::AlreadyVerified`].
    pub async fn request_verify(&self, user: &User<P>, cx: &Context) -> Result<(), UserError> {
        self.0.audit(AuditAct::VerificationRequested, cx).user(&user.id).done();
        self.mail_verification(user, cx).await
    }

    /// The same for a job: that it was asked for is recorded.
    pub(super) async fn mail_verification(&self, user: &User<P>, cx: &Context) -> Result<(), UserError> {
        if !user.is_active {
            return Err(UserError::Inactive);
        }
        if user.is_verified {
            return Err(UserError::AlreadyVerified);
        }
        let token = self.0.verification.for_address(user).map_err(UserError::Internal)?;
        let hooks = &self.0.hooks;
        hooks.in_job("after_request_verify", cx, |hooks| hooks.after_request_verify(user, &token, cx)).await
    }

    /// The same for whoever has the address, after the answer: the caller learns nothing (VER-1). Unless jobs are
    /// [durable](crate::UsersBuilder::durable_jobs) it runs on the current tokio runtime, and panics outside of one.
    ///
    /// An address that has been mailed enough gets nothing, which is not told either (see [`RateLimits`](crate::RateLimits)).
    ///
    /// # Errors
    /// [`UserError::TooManyRequests`] for a client that has asked too often, [`UserError::Busy`] when too many jobs wait, or a
    /// failure of the store of durable ones.
    pub async fn queue_request_verify(&self, email: String, cx: &Context) -> Result<(), UserError> {
        self.queue_mail(Act::RequestVerify, &email.clone(), Task::RequestVerify(email), cx).await
    }

    /// Marks the address as verified, if the token was made for the address the user still has.
    ///
    /// # Errors
    /// [`UserError::InvalidToken`], [`UserError::AlreadyVerified`], [`UserError::TooManyRequests`], or a failure of the store.
    pub async fn verify(&self, token: &str, cx: &Context) -> Result<User<P>, UserError> {
        let mut entry = self.0.audit(AuditAct::Verified, cx);
        let result = self.use_verification_token(token, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    /// Closes an account whose address belongs to somebody else, who says so with the token that was mailed there: whoever registered it
    /// is out, and cannot log in (VER-4). Nothing happens to users who have verified their address, and to superusers.
    ///
    /// # Errors
    /// As for [`verify`](Self::verify).
    pub async fn decline_verification(&self, token: &str, cx: &Context) -> Result<(), UserError> {
        let mut entry = self.0.audit(AuditAct::VerificationDeclined, cx);
        let result = self.close_unverified(token, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    async fn use_verification_token(
        &self,
        token: &str,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        let user = self.user_to_verify(token, cx, entry).await?;
        let changes =
            Changes { is_verified: Some(true), if_email_is: Some(user.email.clone()), ..Changes::default() };
        let verified = self.0.store.update(&user.id, &changes).await?.ok_or(UserError::InvalidToken)?;
        entry.done();
        self.0.hooks.after("after_verify", |hooks| hooks.after_verify(&verified, cx)).await;
        Ok(verified)
    }

    async fn close_unverified(
        &self,
        token: &str,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<(), UserError> {
        let user = self.user_to_verify(token, cx, entry).await?;
        if user.is_superuser {
            return Err(UserError::InvalidToken);
        }
        let changes = Changes {
            is_active: Some(false),
            if_email_is: Some(user.email.clone()),
            end_sessions: true,
            ..Changes::default()
        };
        self.end_sessions(&user.id).await?;
        let closed = self.0.store.update(&user.id, &changes).await?.ok_or(UserError::InvalidToken)?;
        entry.done();
        let ended = self.end_sessions(&user.id).await;
        self.0.hooks.after("after_update", |hooks| hooks.after_update(&closed, &changes, cx)).await;
        ended
    }

    async fn user_to_verify(
        &self,
        token: &str,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        self.0.limiter.admit(Act::Verify, cx).await?;
        let lenient = self.0.policy.share_tokens_with_fastapi_users;
        let claims = self.0.verification.read(token, lenient).ok_or(UserError::InvalidToken)?;
        let id = claims.text("sub").and_then(|sub| self.parse_id(sub)).ok_or(UserError::InvalidToken)?;
        entry.user(&id);
        self.0.limiter.try_confirmation(Act::Verify, &id, cx).await?;
        let email = claims.text("email").ok_or(UserError::InvalidToken)?;
        let user = self.0.store.get_by_email(email).await?.filter(|user| user.id == id);
        let user = user.ok_or(UserError::InvalidToken)?;
        if user.is_verified { Err(UserError::AlreadyVerified) } else { Ok(user) }
    }
}
