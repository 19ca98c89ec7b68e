//! A user's new address: asked there whether it is theirs, and the old one is told.

use time::OffsetDateTime;

use super::{UserManager, limited_address};
use crate::{
    AuditAct, Context, Profile, User, UserError, audit::Entry, jobs::Task, limit::Act, object::Object,
    secret::digest, user::Changes,
};

/// A token of this module that is well-formed and not expired.
pub(super) struct EmailToken<I> {
    pub(super) user: I,
    pub(super) email: String,
    pub(super) claims: Object,
    /// Under which it is remembered as used.
    pub(super) digest: String,
}

impl<P: Profile> UserManager<P> {
    /// Mails a token to the address that a user wants to have. Nothing changes until it comes back, and nobody is told here
    /// whether the address is another's: its owner is (CHG-3). The token dies with the user's password or address.
    ///
    /// An address that has been mailed enough gets nothing, which is not told either (see [`RateLimits`](crate::RateLimits)).
    /// Unless jobs are [durable](crate::UsersBuilder::durable_jobs) this runs on the current tokio runtime, and panics outside
    /// of one.
    ///
    /// # Errors
    /// [`UserError::InvalidEmail`], [`UserError::TooManyRequests`] for a client that has asked too often, [`UserError::Busy`]
    /// when too many jobs wait, or a failure of the store of durable ones.
    pub async fn request_email_change(
        &self,
        user: &User<P>,
        new_email: &str,
        cx: &Context,
    ) -> Result<(), UserError> {
        let email = crate::email::normalize(new_email, &self.0.policy.email)?;
        if email == user.email {
            return Ok(());
        }
        let task = self.email_change(user, email.clone());
        self.queue_mail(Act::RequestEmailChange, &email, task, cx).await
    }

    /// Bound to what the user is now, so that a job which waits does not outlive a reset (CHG-4).
    pub(super) fn email_change(&self, user: &User<P>, email: String) -> Task<P> {
        let fingerprint = self.0.email_change.fingerprint(user);
        Task::ChangeEmail { user: user.id.clone(), email, fingerprint }
    }

    /// Gives a user the address that the token was mailed to, and ends the user's sessions where the policy says so. A token
    /// works once, and for no address but its own (CHG-2).
    ///
    /// # Errors
    /// [`UserError::InvalidToken`] when it is forged, expired or used, or its user is inactive or has another password or
    /// address since; [`UserError::AlreadyExists`] when somebody else got the address first; [`UserError::TooManyRequests`],
    /// [`UserError::Busy`], or a failure of a store.
    pub async fn change_email(&self, token: &str, cx: &Context) -> Result<User<P>, UserError> {
        let mut entry = self.0.audit(AuditAct::EmailChanged, cx);
        let result = self.use_email_token(token, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    async fn use_email_token(
        &self,
        token: &str,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        self.0.limiter.admit(Act::ChangeEmail, cx).await?;
        let token = self.read_email_token(self.0.email_change.read(token, false))?;
        entry.user(&token.user);
        self.0.limiter.try_confirmation(Act::ChangeEmail, &token.user, cx).await?;
        let user = self.0.store.get_unless_revoked(&token.user, &token.digest).await?;
        let user = user.filter(|user| user.is_active).ok_or(UserError::InvalidToken)?;
        if token.claims.text("fgp") != Some(&self.0.email_change.fingerprint(&user)) {
            return Err(UserError::InvalidToken);
        }
        self.refuse_taken(&user, &token.email).await?;
        let promise = self.promise()?;
        let until = self.revertible_until(&user, &token.email).await?;
        let changes = Changes {
            email: Some(token.email.clone()),
            is_verified: Some(true),
            if_password_is: Some(user.hashed_password.clone()),
            if_email_is: Some(user.email.clone()),
            end_sessions: self.0.policy.ends_sessions_on_email_change(),
            ..Changes::default()
        };
        self.end_sessions_if(changes.end_sessions, &user.id).await?;
        let updated = self.0.store.update(&user.id, &changes).await?.ok_or(UserError::InvalidToken)?;
        entry.done();
        let ended = self.end_sessions_if(changes.end_sessions, &user.id).await;
        // The address it is bound to is another now; this is for when that comes back.
        if let Err(error) = self.0.store.revoke(&token.digest, token.expiry()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a used token is not remembered");
        }
        let task =
            Task::EmailChanged { user: user.id.clone(), old_email: user.email, revertible_until: until };
        self.queue_after(promise, task, cx).await;
        if !user.is_verified {
            self.0.hooks.after("after_verify", |hooks| hooks.after_verify(&updated, cx)).await;
        }
        self.0.hooks.after("after_update", |hooks| hooks.after_update(&updated, &changes, cx)).await;
        ended.map(|()| updated)
    }

    /// Until when the old address may be taken back if a user gets another one, in seconds since 1970; remembers that the new one is new.
    ///
    /// An address that was new itself such a time ago cannot be taken back: whoever has taken an account over and changes
    /// its address twice would hold a way back to it.
    pub(super) async fn revertible_until(
        &self,
        user: &User<P>,
        new_email: &str,
    ) -> Result<Option<u64>, UserError> {
        let until = OffsetDateTime::now_utc() + time::Duration::seconds(self.revert_seconds());
        let is_old = self.0.store.get_unless_revoked(&user.id, &new_address(&user.id, &user.email)).await?;
        self.0.store.revoke(&new_address(&user.id, new_email), until).await?;
        Ok(is_old.and_then(|_| u64::try_from(until.unix_timestamp()).ok()))
    }

    fn revert_seconds(&self) -> i64 {
        i64::try_from(self.0.email_revert.lifetime()).unwrap_or(i64::MAX)
    }

    /// Refuses an address that another user has, before anything is done.
    pub(super) async fn refuse_taken(&self, user: &User<P>, email: &str) -> Result<(), UserError> {
        let owner = self.0.store.get_by_email(email).await?;
        if owner.is_some_and(|owner| owner.id != user.id) { Err(UserError::AlreadyExists) } else { Ok(()) }
    }

    pub(super) fn read_email_token(&self, claims: Option<Object>) -> Result<EmailToken<P::Id>, UserError> {
        let claims = claims.ok_or(UserError::InvalidToken)?;
        let text = |name| claims.text(name).ok_or(UserError::InvalidToken);
        let (name, email) = (text("jti")?, text("email")?.to_owned());
        let user = text("sub").map(|sub| self.parse_id(sub))?.ok_or(UserError::InvalidToken)?;
        Ok(EmailToken { user, email, digest: digest(name), claims })
    }

    /// The job for [`request_email_change`](Self::request_email_change): asks the new address, or tells its owner.
    pub(super) async fn ask_new_address(
        &self,
        user: &P::Id,
        email: &str,
        fingerprint: &str,
        first_time: bool,
        cx: &Context,
    ) -> Result<(), UserError> {
        let Some(user) = self.0.store.get(user).await?.filter(|user| user.is_active) else { return Ok(()) };
        if self.0.email_change.fingerprint(&user) != fingerprint {
            return Ok(());
        }
        let hooks = &self.0.hooks;
        match self.find_by_email(email).await?.filter(|owner| owner.id != user.id) {
            // Told often enough lately; what is tried again was counted before.
            Some(_) if first_time && !self.0.limiter.may_tell_of_duplicate(&limited_address(email)).await => {
                Ok(())
            }
            Some(owner) => {
                let name = "after_duplicate_email_change";
                hooks.in_job(name, cx, |hooks| hooks.after_duplicate_email_change(&owner, cx)).await
            }
            None => {
                let token = self.0.email_change.for_new_address(&user, email).map_err(UserError::Internal)?;
                let name = "after_request_email_change";
                hooks
                    .in_job(name, cx, |hooks| hooks.after_request_email_change(&user, email, &token, cx))
                    .await
            }
        }
    }

    /// The job for every change of an address.
    pub(super) async fn tell_old_address(
        &self,
        user: &P::Id,
        old_email: &str,
        revertible_until: Option<u64>,
        cx: &Context,
    ) -> Result<(), UserError> {
        let Some(user) = self.0.store.get(user).await? else { return Ok(()) };
        let token =
            revertible_until.map(|until| self.0.email_revert.for_old_address(&user, old_email, until));
        let token = token.transpose().map_err(UserError::Internal)?;
        let name = "after_email_change";
        let token = token.as_deref();
        let hooks = &self.0.hooks;
        hooks.in_job(name, cx, |hooks| hooks.after_email_change(&user, old_email, token, cx)).await
    }
}

impl<I> EmailToken<I> {
    /// When it may be forgotten that it was used.
    pub(super) fn expiry(&self) -> OffsetDateTime {
        let seconds = self.claims.get("exp").and_then(serde_json::Value::as_i64);
        let expiry = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        expiry.unwrap_or(time::macros::datetime!(9999-12-31 23:59:59 UTC))
    }
}

/// Under which it is remembered that a user's address is new.
fn new_address(user: &impl std::fmt::Display, email: &str) -> String {
    digest(&format!("new address {user} {}", limited_address(email)))
}
