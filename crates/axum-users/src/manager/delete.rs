use super::UserManager;
use crate::{AuditAct, Context, Profile, User, UserError};

impl<P: Profile> UserManager<P> {
    /// Deletes a user with all that belongs to them.
    ///
    /// # Errors
    /// [`UserError::NotFound`], what a hook refuses, or a failure of the store.
    pub async fn delete(&self, user: &User<P>, cx: &Context) -> Result<(), UserError> {
        for hooks in self.0.hooks.iter() {
            hooks.before_delete(user, cx).await?;
        }
        if !self.0.store.delete(&user.id).await? {
            return Err(UserError::NotFound);
        }
        self.0.audit(AuditAct::UserDeleted, cx).user(&user.id).done();
        // Tokens without their user are worth nothing: that they cannot be removed takes nothing back.
        if let Err(error) = self.end_sessions(&user.id).await {
            tracing::error!(error = &error as &dyn std::error::Error, "tokens of a deleted user are left");
        }
        self.0.hooks.after("after_delete", |hooks| hooks.after_delete(user, cx)).await;
        Ok(())
    }
}
