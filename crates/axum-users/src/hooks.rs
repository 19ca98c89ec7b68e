//! What an application adds to each act: rules before it, reactions after it.

mod erased;

use axum::response::Response;
pub(crate) use erased::{HookStack, log_failure};

use crate::{
    BoxError, Context, NoProfile, Profile,
    user::{Changes, CreateUser, User},
};

/// What a hook answers.
pub type HookResult = Result<(), HookError>;

/// Why a hook did not succeed. Any error becomes [`HookError::Failed`] by `?`.
#[derive(Debug)]
#[non_exhaustive]
pub enum HookError {
    /// The act is refused; answered as `{"detail": code}` with this status. For the `before_…` hooks.
    Refuse {
        /// The status to answer with.
        status: http::StatusCode,
        /// The code to answer with.
        code: String,
    },
    /// The hook failed. Before an act that is a 500 answer and the act is not done; after it the error is logged,
    /// because the act is done and an error would invite the client to repeat it. In a durable job it makes the job fail, which is
    /// tried again later, all its hooks included: [`Context::job_id`] tells a hook what it has done already.
    Failed(BoxError),
}

impl HookError {
    /// Refuses the act.
    pub fn refuse(status: http::StatusCode, code: impl Into<String>) -> Self {
        Self::Refuse { status, code: code.into() }
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for HookError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Rules and reactions of an application. Every method has an empty default; several hooks stack in the order they
/// were given. Implement them with plain `async fn`:
///
/// ```
/// use axum_users::{Context, CreateUser, HookError, HookResult, Hooks, User};
///
/// struct Rules;
///
/// impl Hooks for Rules {
///     async fn validate_password(&self, password: &str, _email: &str, _: &Context) -> Result<(), String> {
///         if password == "correct horse battery staple" { return Err("everybody knows this one".into()) }
///         Ok(())
///     }
///     async fn before_register(&self, user: &mut CreateUser, _: &Context) -> HookResult {
///         if !user.email.ends_with("@example.com") {
///             return Err(HookError::refuse(http::StatusCode::FORBIDDEN, "REGISTER_FOREIGN_DOMAIN"));
///         }
///         Ok(())
///     }
///     async fn after_register(&self, user: &User, cx: &Context) -> HookResult {
///         println!("{} registered with {:?}", user.id, cx.headers().and_then(|headers| headers.get("user-agent")));
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no hooks for users with the profile `{P}`",
    note = "hooks belong to a profile: `impl Hooks<{P}> for {Self}`"
)]
#[expect(unused_variables, reason = "the names are documentation")]
pub trait Hooks<P: Profile = NoProfile>: Send + Sync + 'static {
    /// Refuses a new password with a reason for the person who chose it. Runs after the rules of the policy, before
    /// anything is stored.
    fn validate_password(
        &self,
        password: &str,
        email: &str,
        cx: &Context,
    ) -> impl Future<Output = Result<(), String>> + Send {
        async { Ok(()) }
    }

    /// May change or refuse a registration.
    fn before_register(
        &self,
        user: &mut CreateUser<P>,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user was created. Runs in a job after the answer where
    /// [`DuplicateRegistration::Hide`](crate::DuplicateRegistration::Hide) keeps the time it takes from telling.
    fn after_register(&self, user: &User<P>, cx: &Context) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// Somebody registered the address of this user, and was told nothing:
    /// see [`DuplicateRegistration::Hide`](crate::DuplicateRegistration::Hide). Runs in a job, after the answer.
    fn after_duplicate_registration(
        &self,
        user: &User<P>,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user logged in by password with a browser that is not known, where the
    /// [policy](crate::Policy::tell_of_new_devices) has them told: say so. Runs in a job.
    fn after_login_from_new_device(
        &self,
        user: &User<P>,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// So many wrong passwords came for the address of this user that only browsers that are known log in with it for now, see
    /// [`RateLimits::login_failures_per_day`](crate::RateLimits::login_failures_per_day). At most once a day for one address.
    /// Runs in a job, after the answer.
    fn after_login_limited(&self, user: &User<P>, cx: &Context) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user was changed; `changes` are the written columns, without any clear-text password.
    fn after_update(
        &self,
        user: &User<P>,
        changes: &Changes,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user logged in; the response may be changed.
    fn after_login(
        &self,
        user: &User<P>,
        response: &mut Response,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user asked to verify the address: send them the token. Runs in a job, after the answer.
    fn after_request_verify(
        &self,
        user: &User<P>,
        token: &str,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user wants to have another address: send the token there, see
    /// [`EmailChange::Confirm`](crate::EmailChange::Confirm). Runs in a job, after the answer.
    fn after_request_email_change(
        &self,
        user: &User<P>,
        new_email: &str,
        token: &str,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// Somebody else wants to have the address of this user, and was told nothing. Runs in a job, after the answer.
    fn after_duplicate_email_change(
        &self,
        user: &User<P>,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user has another address: tell the old one. With the token, if there is one, whoever has it can take the change
    /// back; there is none when an administrator changed the address, and for an address that was itself a new one within the
    /// life of such a token. Runs in a job, after the answer.
    fn after_email_change(
        &self,
        user: &User<P>,
        old_email: &str,
        revert_token: Option<&str>,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user has another password: by themselves, by a reset, or by an administrator. Tell them (ASVS 6.3.7). Runs in a job,
    /// after the answer.
    fn after_password_change(&self, user: &User<P>, cx: &Context) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// From now on a user can log in by an account at a provider, too: tell them. Runs in a job, after the answer.
    fn after_account_link(
        &self,
        user: &User<P>,
        oauth_name: &str,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user can log in by an account at a provider no longer: tell them. Runs in a job, after the answer.
    fn after_account_unlink(
        &self,
        user: &User<P>,
        oauth_name: &str,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user verified the address.
    fn after_verify(&self, user: &User<P>, cx: &Context) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user forgot the password: send them the token. Runs in a job, after the answer.
    fn after_forgot_password(
        &self,
        user: &User<P>,
        token: &str,
        cx: &Context,
    ) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user has reset the password.
    fn after_reset_password(&self, user: &User<P>, cx: &Context) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// May refuse to delete a user.
    fn before_delete(&self, user: &User<P>, cx: &Context) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }

    /// A user was deleted.
    fn after_delete(&self, user: &User<P>, cx: &Context) -> impl Future<Output = HookResult> + Send {
        async { Ok(()) }
    }
}
