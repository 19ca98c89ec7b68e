//! The private object-safe mirror of [`Hooks`], and the stack of all hooks of an application.

use std::sync::Arc;

use axum::response::Response;

use super::{HookError, HookResult, Hooks};
use crate::{
    BoxFuture, Context, Profile, UserError,
    user::{Changes, CreateUser, User},
};

/// All hooks of an application, in the order they were given.
pub(crate) struct HookStack<P: Profile>(Vec<Arc<dyn DynHooks<P>>>);

impl<P: Profile> HookStack<P> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, hooks: impl Hooks<P>) {
        self.0.push(Arc::new(hooks));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn DynHooks<P>> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Runs every hook on something that is done: errors are logged, because the act cannot be taken back and an
    /// error answer would invite the client to repeat it.
    pub(crate) async fn after<'a>(
        &'a self,
        name: &'static str,
        run: impl Fn(&'a dyn DynHooks<P>) -> BoxFuture<'a, HookResult>,
    ) {
        for hooks in &self.0 {
            log_failure(name, run(hooks.as_ref()).await);
        }
    }

    /// Runs every hook in a job. One that failed makes a durable job fail, which is done again as a whole; without one that is
    /// [`after`](Self::after).
    pub(crate) async fn in_job<'a>(
        &'a self,
        name: &'static str,
        cx: &Context,
        run: impl Fn(&'a dyn DynHooks<P>) -> BoxFuture<'a, HookResult>,
    ) -> Result<(), UserError> {
        if cx.job_id().is_none() {
            self.after(name, run).await;
            return Ok(());
        }
        let mut failure = None;
        for hooks in &self.0 {
            match run(hooks.as_ref()).await {
                Err(HookError::Failed(error)) if failure.is_none() => failure = Some(error),
                other => log_failure(name, other),
            }
        }
        failure.map_or(Ok(()), |error| Err(UserError::Hook(error)))
    }
}

/// Logs that a hook failed after its act was done.
pub(crate) fn log_failure(name: &'static str, result: HookResult) {
    match result {
        Ok(()) => {}
        Err(HookError::Failed(error)) => tracing::error!(hook = name, error = &*error, "a hook failed"),
        Err(HookError::Refuse { status, code }) => {
            tracing::error!(hook = name, %status, code, "a hook refused what is already done");
        }
    }
}

pub(crate) trait DynHooks<P: Profile>: Send + Sync {
    fn validate_password<'a>(
        &'a self,
        password: &'a str,
        email: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<(), String>>;
    fn before_register<'a>(
        &'a self,
        user: &'a mut CreateUser<P>,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_register<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult>;
    fn after_duplicate_registration<'a>(
        &'a self,
        user: &'a User<P>,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_login_limited<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult>;
    fn after_login_from_new_device<'a>(
        &'a self,
        user: &'a User<P>,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_update<'a>(
        &'a self,
        user: &'a User<P>,
        changes: &'a Changes,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_login<'a>(
        &'a self,
        user: &'a User<P>,
        response: &'a mut Response,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_request_verify<'a>(
        &'a self,
        user: &'a User<P>,
        token: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_request_email_change<'a>(
        &'a self,
        user: &'a User<P>,
        new_email: &'a str,
        token: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_duplicate_email_change<'a>(
        &'a self,
        user: &'a User<P>,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_email_change<'a>(
        &'a self,
        user: &'a User<P>,
        old_email: &'a str,
        revert_token: Option<&'a str>,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_password_change<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult>;
    fn after_account_link<'a>(
        &'a self,
        user: &'a User<P>,
        oauth_name: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_account_unlink<'a>(
        &'a self,
        user: &'a User<P>,
        oauth_name: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_verify<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult>;
    fn after_forgot_password<'a>(
        &'a self,
        user: &'a User<P>,
        token: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult>;
    fn after_reset_password<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult>;
    fn before_delete<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult>;
    fn after_delete<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult>;
}

impl<P: Profile, H: Hooks<P>> DynHooks<P> for H {
    fn validate_password<'a>(
        &'a self,
        password: &'a str,
        email: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(Hooks::validate_password(self, password, email, cx))
    }
    fn before_register<'a>(
        &'a self,
        user: &'a mut CreateUser<P>,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::before_register(self, user, cx))
    }
    fn after_register<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_register(self, user, cx))
    }
    fn after_duplicate_registration<'a>(
        &'a self,
        user: &'a User<P>,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_duplicate_registration(self, user, cx))
    }
    fn after_login_from_new_device<'a>(
        &'a self,
        user: &'a User<P>,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_login_from_new_device(self, user, cx))
    }
    fn after_login_limited<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_login_limited(self, user, cx))
    }
    fn after_update<'a>(
        &'a self,
        user: &'a User<P>,
        changes: &'a Changes,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_update(self, user, changes, cx))
    }
    fn after_login<'a>(
        &'a self,
        user: &'a User<P>,
        response: &'a mut Response,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_login(self, user, response, cx))
    }
    fn after_request_verify<'a>(
        &'a self,
        user: &'a User<P>,
        token: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_request_verify(self, user, token, cx))
    }
    fn after_request_email_change<'a>(
        &'a self,
        user: &'a User<P>,
        new_email: &'a str,
        token: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_request_email_change(self, user, new_email, token, cx))
    }
    fn after_duplicate_email_change<'a>(
        &'a self,
        user: &'a User<P>,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_duplicate_email_change(self, user, cx))
    }
    fn after_email_change<'a>(
        &'a self,
        user: &'a User<P>,
        old_email: &'a str,
        revert_token: Option<&'a str>,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_email_change(self, user, old_email, revert_token, cx))
    }
    fn after_password_change<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_password_change(self, user, cx))
    }
    fn after_account_link<'a>(
        &'a self,
        user: &'a User<P>,
        oauth_name: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_account_link(self, user, oauth_name, cx))
    }
    fn after_account_unlink<'a>(
        &'a self,
        user: &'a User<P>,
        oauth_name: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_account_unlink(self, user, oauth_name, cx))
    }
    fn after_verify<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_verify(self, user, cx))
    }
    fn after_forgot_password<'a>(
        &'a self,
        user: &'a User<P>,
        token: &'a str,
        cx: &'a Context,
    ) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_forgot_password(self, user, token, cx))
    }
    fn after_reset_password<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_reset_password(self, user, cx))
    }
    fn before_delete<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::before_delete(self, user, cx))
    }
    fn after_delete<'a>(&'a self, user: &'a User<P>, cx: &'a Context) -> BoxFuture<'a, HookResult> {
        Box::pin(Hooks::after_delete(self, user, cx))
    }
}
