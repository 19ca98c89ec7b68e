use super::UserManager;
use crate::{Context, Profile, UpdateUser, User, UserError, email::normalize, user::Changes};

impl<P: Profile> UserManager<P> {
    /// Changes a user as its administrator: the flags are honoured.
    ///
    /// A new address is unverified unless the same update says otherwise; the address the user already has changes
    /// nothing. A new password ends the user's sessions where the policy says so, and so does deactivating or
    /// demoting.
    ///
    /// # Errors
    /// [`UserError::InvalidPassword`], [`UserError::InvalidEmail`], [`UserError::AlreadyExists`] when the new address
    /// is taken, [`UserError::NotFound`], [`UserError::Conflict`] when somebody else changed the password
    /// meanwhile, or a failure of a store: then nothing is changed, unless a token store fails at the last moment.
    pub async fn update(
        &self,
        user: &User<P>,
        update: UpdateUser<P>,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
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
            changes.hashed_password = Some(self.hash(&password).await?);
            changes.if_password_is = Some(user.hashed_password.clone());
        }
        changes.is_active = is_active;
        changes.is_superuser = is_superuser;
        changes.is_verified = is_verified.or(changes.is_verified);
        changes.profile = profile.into();
        let loses_rights = is_active == Some(false) || is_superuser == Some(false) && user.is_superuser;
        changes.end_sessions = self.0.policy.end_sessions_on_password_change
            && (changes.hashed_password.is_some() || loses_rights);

        if changes.end_sessions {
            // A change that will be refused ends nothing.
            if let Some(email) = &changes.email
                && self.0.store.get_by_email(email).await?.is_some_and(|other| other.id != user.id)
            {
                return Err(UserError::AlreadyExists);
            }
            self.end_sessions(&user.id).await?;
        }
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
        ended.map(|()| updated)
    }

    /// Changes a user as that user: the flags are ignored.
    ///
    /// # Errors
    /// As for [`update`](Self::update).
    pub async fn update_safe(
        &self,
        user: &User<P>,
        update: UpdateUser<P>,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        let update = UpdateUser { is_active: None, is_superuser: None, is_verified: None, ..update };
        self.update(user, update, &cx.acting(&user.id)).await
    }
}
