use super::{UserManager, limited_address};
use crate::{
    AuditAct, Context, Profile, User, UserError,
    audit::Entry,
    jobs::{Notice, Task},
    limit::Act,
    object::Object,
    password::{Compared, PasswordHash, Verdict},
    user::Changes,
};

impl<P: Profile> UserManager<P> {
    /// Gives the hooks a token with which the user can set a new password.
    ///
    /// # Errors
    /// [`UserError::Inactive`], or [`UserError::Busy`].
    pub async fn forgot_password(&self, user: &User<P>, cx: &Context) -> Result<(), UserError> {
        self.0.audit(AuditAct::PasswordResetRequested, cx).user(&user.id).done();
        self.mail_reset(user, cx).await
    }

    /// The same for a job: that it was asked for is recorded.
    pub(super) async fn mail_reset(&self, user: &User<P>, cx: &Context) -> Result<(), UserError> {
        if !user.is_active {
            return Err(UserError::Inactive);
        }
        let shared = match self.0.policy.share_tokens_with_fastapi_users {
            true => Some(self.hash(user.hashed_password.as_str(), cx).await?),
            false => None,
        };
        let token = self.0.reset.for_password(user, shared.as_ref()).map_err(UserError::Internal)?;
        let hooks = &self.0.hooks;
        hooks.in_job("after_forgot_password", cx, |hooks| hooks.after_forgot_password(user, &token, cx)).await
    }

    /// The same for whoever has the address, after the answer: the caller learns nothing (FGT-1). Unless jobs are
    /// [durable](crate::UsersBuilder::durable_jobs) it runs on the current tokio runtime, and panics outside of one.
    ///
    /// An address that has been mailed enough gets nothing, which is not told either (see [`RateLimits`](crate::RateLimits)).
    ///
    /// # Errors
    /// [`UserError::TooManyRequests`] for a client that has asked too often, [`UserError::Busy`] when too many jobs wait, or a
    /// failure of the store of durable ones.
    pub async fn queue_forgot_password(&self, email: String, cx: &Context) -> Result<(), UserError> {
        self.queue_mail(Act::ForgotPassword, &email.clone(), Task::ForgotPassword(email), cx).await
    }

    /// Sets a new password with a token, and marks the address as verified where the policy says so. The token works once, however many try at the same time: the new hash is
    /// written only over the one that the token was made for (RST-1).
    ///
    /// # Errors
    /// [`UserError::InvalidToken`] when it is forged, expired or used, or its user is inactive or has another
    /// address since; [`UserError::InvalidPassword`], which leaves the token usable; [`UserError::TooManyRequests`]; or a failure of a store, which
    /// leaves the token usable too, unless a token store fails at the last moment.
    pub async fn reset_password(
        &self,
        token: &str,
        password: &str,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        let mut entry = self.0.audit(AuditAct::PasswordReset, cx);
        let result = self.use_reset_token(token, password, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    async fn use_reset_token(
        &self,
        token: &str,
        password: &str,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        self.0.limiter.admit(Act::ResetPassword, cx).await?;
        let policy = &self.0.policy;
        let claims = self.0.reset.read(token, policy.share_tokens_with_fastapi_users);
        let claims = claims.ok_or(UserError::InvalidToken)?;
        let id = claims.text("sub").and_then(|sub| self.parse_id(sub)).ok_or(UserError::InvalidToken)?;
        entry.user(&id);
        self.0.limiter.try_confirmation(Act::ResetPassword, &id, cx).await?;
        let user = self.0.store.get(&id).await?.ok_or(UserError::InvalidToken)?;
        if !self.is_for_this_password(&claims, &user, cx).await? || !user.is_active {
            return Err(UserError::InvalidToken);
        }
        self.validate_password(password, &user.email, cx).await?;
        let changes = Changes {
            hashed_password: Some(self.hash(password, cx).await?),
            is_verified: policy.reset_verifies.then_some(true),
            if_password_is: Some(user.hashed_password.clone()),
            if_email_is: Some(user.email.clone()),
            end_sessions: policy.end_sessions_on_password_change,
            ..Changes::default()
        };
        let promise = self.promise()?;
        self.end_sessions_if(changes.end_sessions, &user.id).await?;
        #[cfg(feature = "oauth")]
        if changes.end_sessions && !user.is_verified {
            self.unlink_all(&user, cx).await?;
        }
        let updated = self.0.store.update(&user.id, &changes).await?.ok_or(UserError::InvalidToken)?;
        entry.done();
        self.0.limiter.forget_failures(&limited_address(&user.email), cx).await;
        let ended = self.end_sessions_if(changes.end_sessions, &user.id).await;
        self.0.hooks.after("after_reset_password", |hooks| hooks.after_reset_password(&updated, cx)).await;
        if updated.is_verified && !user.is_verified {
            self.0.hooks.after("after_verify", |hooks| hooks.after_verify(&updated, cx)).await;
        }
        let task = Task::Notice { user: user.id, notice: Notice::PasswordChanged };
        self.queue_after(promise, task, cx).await;
        ended.map(|()| updated)
    }

    async fn is_for_this_password(
        &self,
        claims: &Object,
        user: &User<P>,
        cx: &Context,
    ) -> Result<bool, UserError> {
        let shares = self.0.policy.share_tokens_with_fastapi_users;
        let stated = claims.text("password_fgpt");
        match claims.text("fgp").or(stated.filter(|_| !shares)) {
            Some(fingerprint) => Ok(fingerprint == self.0.reset.fingerprint(user)),
            None => {
                let Some(hash) = stated.map(PasswordHash::new) else { return Ok(false) };
                let compared = Compared { hash: Some(hash), decoy: None };
                let client = self.0.limiter.network(cx);
                let verdict = self.0.hashing.verify(user.hashed_password.as_str(), compared, client).await?;
                Ok(verdict != Verdict::Mismatch)
            }
        }
    }
}
