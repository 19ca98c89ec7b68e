use super::UserManager;
use crate::{
    AuditAct, AuditReason, Context, Profile, UpdateUser, User, UserError,
    audit::Entry,
    email::normalize,
    jobs::{Notice, Task},
    limit::Act,
    policy::EmailChange,
    user::Changes,
};

impl<P: Profile> UserManager<P> {
    /// Changes a user as its administrator: the flags are honoured.
    ///
    /// A new address counts at once, and is unverified unless the same update says otherwise; the old one is told in a job. The
    /// address the user already has changes nothing. A new password ends the user's sessions where the policy says so, and so
    /// does deactivating or demoting, and a new address where the policy has users confirm theirs.
    ///
    /// # Errors
    /// [`UserError::InvalidPassword`], [`UserError::InvalidEmail`], [`UserError::AlreadyExists`] when the new address
    /// is taken, [`UserError::NotFound`], [`UserError::Conflict`] when somebody else changed the password
    /// meanwhile, [`UserError::Busy`], or a failure of a store: then nothing is changed, unless a token store fails at the last
    /// moment.
    pub async fn update(
        &self,
        user: &User<P>,
        update: UpdateUser<P>,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        self.update_by(user, update, false, cx).await
    }

    /// Changes a user as that user: the flags are ignored. The twin of `/users/me`: whether the user logged in recently, or
    /// [gave the password](Self::confirm_password), is for the caller to know.
    ///
    /// Where the policy has new addresses confirmed, this one is
    /// [asked](Self::request_email_change) after everything else is changed, and the user keeps the old one until then.
    ///
    /// # Errors
    /// As for [`update`](Self::update) and, where the address is asked, for `request_email_change`.
    pub async fn update_safe(
        &self,
        user: &User<P>,
        update: UpdateUser<P>,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        let cx = &cx.acting(&user.id);
        let mut update = UpdateUser { is_active: None, is_superuser: None, is_verified: None, ..update };
        let email = match self.0.policy.email_change {
            EmailChange::Immediate => None,
            EmailChange::Confirm => update.email.take(),
        };
        let email = email.map(|email| normalize(&email, &self.0.policy.email)).transpose()?;
        let Some(email) = email.filter(|email| *email != user.email) else {
            return self.update_by(user, update, true, cx).await;
        };
        // It is checked against the address that the user has, too, where it is set.
        let refusal = update
            .password
            .as_deref()
            .and_then(|password| self.0.policy.password.refusal(password, &email, &self.0.password_words));
        if let Some(reason) = refusal {
            return Err(UserError::InvalidPassword(reason));
        }
        let mut entry = self.0.audit(AuditAct::EmailChangeRequested, cx);
        entry.user(&user.id).identifier(&email);
        let result = self.update_and_ask(user, update, &email, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    async fn update_and_ask(
        &self,
        user: &User<P>,
        update: UpdateUser<P>,
        email: &str,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        self.0.limiter.admit(Act::RequestEmailChange, cx).await?;
        let promise = self.promise()?;
        let updated = self.update_by(user, update, true, cx).await?;
        let task = self.email_change(&updated, email.to_owned());
        if !self.queue_promised_mail(promise, Act::RequestEmailChange, email, task, cx).await? {
            entry.reason(AuditReason::MailedEnough);
        }
        Ok(updated)
    }

    async fn update_by(
        &self,
        user: &User<P>,
        update: UpdateUser<P>,
        by_user: bool,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        let changes = self.changes(user, update, cx).await?;
        let new_email = changes.email.as_deref();
        // A change that will be refused ends nothing.
        if let Some(email) = new_email.filter(|_| changes.end_sessions) {
            self.refuse_taken(user, email).await?;
        }
        let promised = |tells: bool| tells.then(|| self.promise()).transpose();
        let tells_address = promised(new_email.is_some())?;
        let tells_password = promised(changes.hashed_password.is_some())?;
        let revertible_until = match new_email.filter(|_| by_user) {
            Some(email) => self.revertible_until(user, email).await?,
            None => None,
        };
        self.end_sessions_if(changes.end_sessions, &user.id).await?;
        let updated = if changes.is_empty() {
            user.clone()
        } else {
            match self.0.store.update(&user.id, &changes).await? {
                Some(updated) => updated,
                None => {
                    return Err(self.get(&user.id).await.map_or_else(|error| error, |_| UserError::Conflict));
                }
            }
        };
        self.0.audit_update(&updated, &changes, cx);
        let ended = self.end_sessions_if(changes.end_sessions, &user.id).await;
        self.0.hooks.after("after_update", |hooks| hooks.after_update(&updated, &changes, cx)).await;
        let id = || user.id.clone();
        if let Some(promise) = tells_address {
            let old_email = user.email.clone();
            let task = Task::EmailChanged { user: id(), old_email, revertible_until };
            self.queue_after(promise, task, cx).await;
        }
        if let Some(promise) = tells_password {
            let task = Task::Notice { user: id(), notice: Notice::PasswordChanged };
            self.queue_after(promise, task, cx).await;
        }
        ended.map(|()| updated)
    }

    /// What is to be written.
    async fn changes(
        &self,
        user: &User<P>,
        update: UpdateUser<P>,
        cx: &Context,
    ) -> Result<Changes, UserError> {
        let mut changes = Changes::default();
        let UpdateUser { email, password, is_active, is_superuser, is_verified, profile } = update;
        if let Some(email) = email {
            let email = normalize(&email, &self.0.policy.email)?;
            if email != user.email {
                changes.email = Some(email);
                changes.is_verified = Some(false);
            }
        }
        if let Some(password) = password {
            self.validate_password(&password, changes.email.as_ref().unwrap_or(&user.email), cx).await?;
            changes.hashed_password = Some(self.hash(&password, cx).await?);
            changes.if_password_is = Some(user.hashed_password.clone());
        }
        changes.is_active = is_active;
        changes.is_superuser = is_superuser;
        changes.is_verified = is_verified.or(changes.is_verified);
        changes.profile = profile.into();
        let policy = &self.0.policy;
        let loses_rights = is_active == Some(false) || is_superuser == Some(false) && user.is_superuser;
        changes.end_sessions = policy.end_sessions_on_password_change
            && (changes.hashed_password.is_some() || loses_rights)
            || policy.ends_sessions_on_email_change() && changes.email.is_some();
        Ok(changes)
    }
}
