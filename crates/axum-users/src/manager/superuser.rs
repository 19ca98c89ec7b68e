use super::UserManager;
use crate::{Context, Profile, UpdateUser, User, UserError, user::Changes};

/// Acts of superusers on users, after which there is still a superuser: nobody takes their own rights away, and whoever takes
/// those of another must have theirs when it is done. Of two who demote each other at the same time one stays.
impl<P: Profile> UserManager<P> {
    /// [`update`](Self::update), as this superuser does it.
    ///
    /// # Errors
    /// [`UserError::OwnRights`] for the superuser's own rights where
    /// [`Policy::keep_superusers`](crate::Policy::keep_superusers) says so, [`UserError::Conflict`] when the superuser has lost
    /// them meanwhile, and those of [`update`](Self::update).
    pub async fn update_as(
        &self,
        superuser: &User<P>,
        user: &User<P>,
        update: UpdateUser<P>,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        let takes_rights = update.is_active == Some(false) || update.is_superuser == Some(false);
        if !takes_rights || !self.keeps_rights_of(user) {
            return self.update(user, update, cx).await;
        }
        refuse_own(superuser, user)?;
        let updated = self.update(user, update, cx).await?;
        self.check_rights(superuser, user).await?;
        Ok(updated)
    }

    /// [`delete`](Self::delete), as this superuser does it.
    ///
    /// # Errors
    /// Those of [`update_as`](Self::update_as) and [`delete`](Self::delete).
    pub async fn delete_as(
        &self,
        superuser: &User<P>,
        user: &User<P>,
        cx: &Context,
    ) -> Result<(), UserError> {
        if !self.keeps_rights_of(user) {
            return self.delete(user, cx).await;
        }
        refuse_own(superuser, user)?;
        // What is deleted cannot be given back: the rights go first.
        let demotion = Changes { is_superuser: Some(false), ..Changes::default() };
        if self.0.store.update(&user.id, &demotion).await?.is_none() {
            return Err(UserError::NotFound);
        }
        self.check_rights(superuser, user).await?;
        let deleted = self.delete(user, cx).await;
        if deleted.is_err() {
            self.give_rights_back(user).await?;
        }
        deleted
    }

    fn keeps_rights_of(&self, user: &User<P>) -> bool {
        self.0.policy.keep_superusers && user.is_superuser && user.is_active
    }

    /// Gives the rights back if the superuser who took them has none any more.
    async fn check_rights(&self, superuser: &User<P>, user: &User<P>) -> Result<(), UserError> {
        let found = self.0.store.get(&superuser.id).await?;
        if found.is_some_and(|found| found.is_active && found.is_superuser) {
            return Ok(());
        }
        self.give_rights_back(user).await?;
        Err(UserError::Conflict)
    }

    async fn give_rights_back(&self, user: &User<P>) -> Result<(), UserError> {
        let rights = Changes { is_active: Some(true), is_superuser: Some(true), ..Changes::default() };
        self.0.store.update(&user.id, &rights).await?;
        Ok(())
    }
}

fn refuse_own<P: Profile>(superuser: &User<P>, user: &User<P>) -> Result<(), UserError> {
    if superuser.id == user.id { Err(UserError::OwnRights) } else { Ok(()) }
}
