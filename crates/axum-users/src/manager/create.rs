use super::{UserManager, limited_address};
use crate::{
    Context, CreateUser, Profile, StoreError, User, UserError, UserId, email::normalize, limit::Act,
    policy::DuplicateRegistration, user::NewUser,
};

impl<P: Profile> UserManager<P> {
    /// Creates a user as its administrator: the flags are honoured.
    ///
    /// # Errors
    /// [`UserError::InvalidEmail`], [`UserError::InvalidPassword`], [`UserError::AlreadyExists`], what a hook
    /// refuses, or a failure of the store.
    pub async fn create(&self, user: CreateUser<P>, cx: &Context) -> Result<User<P>, UserError> {
        let new = self.prepare(user, cx).await?;
        let created = self.0.store.insert(new).await?;
        self.0.hooks.after("after_register", |hooks| hooks.after_register(&created, cx)).await;
        Ok(created)
    }

    /// Creates a user as the person registering: the flags are ignored. The twin of the register route.
    ///
    /// Where the policy hides duplicates, a taken address answers like a new one, with an id that belongs to nobody; the
    /// hooks that tell them apart run in a job on the current tokio runtime.
    ///
    /// # Errors
    /// As for [`create`](Self::create), [`UserError::TooManyRequests`], and [`UserError::Busy`] when too many jobs wait.
    pub async fn register(&self, user: CreateUser<P>, cx: &Context) -> Result<User<P>, UserError> {
        self.0.limiter.admit(Act::Register, cx)?;
        let user = CreateUser { is_active: true, is_superuser: false, is_verified: false, ..user };
        if self.0.policy.duplicate_registration == DuplicateRegistration::Hide {
            return self.register_hidden(user, cx).await;
        }
        self.create(user, cx).await
    }

    /// Does the same work whether or not the address is taken, and what differs after the answer.
    async fn register_hidden(&self, user: CreateUser<P>, cx: &Context) -> Result<User<P>, UserError> {
        let place = self.0.jobs.reserve().map_err(|_| busy())?;
        let new = self.prepare(user, cx).await?;
        let stand_in = new.clone();
        let (manager, cx) = (self.clone(), cx.clone());
        match self.0.store.insert(new).await {
            Ok(created) => {
                let user = created.clone();
                self.0.jobs.queue_in(place, async move {
                    let hooks = &manager.0.hooks;
                    hooks.after("after_register", |hooks| hooks.after_register(&user, &cx)).await;
                });
                Ok(created)
            }
            Err(StoreError::Duplicate) => {
                let id = stand_in.id.or_else(P::Id::generate).ok_or(UserError::AlreadyExists)?;
                let email = stand_in.email.clone();
                self.0.jobs.queue_in(place, async move { manager.tell_owner(&email, &cx).await });
                Ok(User {
                    id,
                    email: stand_in.email,
                    hashed_password: stand_in.hashed_password,
                    is_active: stand_in.is_active,
                    is_superuser: stand_in.is_superuser,
                    is_verified: stand_in.is_verified,
                    profile: stand_in.profile,
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tells whoever has the address that somebody registered it, unless that was told often lately (REG-10).
    pub(super) async fn tell_owner(&self, email: &str, cx: &Context) {
        if !self.0.limiter.may_tell_of_duplicate(&limited_address(email)) {
            return;
        }
        let owner = match self.find_by_email(email).await {
            Ok(Some(owner)) => owner,
            Ok(None) => return,
            Err(error) => return log_job("duplicate registration", &error),
        };
        let hooks = &self.0.hooks;
        hooks
            .after("after_duplicate_registration", |hooks| hooks.after_duplicate_registration(&owner, cx))
            .await;
    }

    /// Everything that comes before the insert. The password is hashed whether or not the address is taken: only the
    /// unique index knows that, and the time tells nothing (REG-2).
    async fn prepare(&self, mut user: CreateUser<P>, cx: &Context) -> Result<NewUser<P>, UserError> {
        for hooks in self.0.hooks.iter() {
            hooks.before_register(&mut user, cx).await?;
        }
        let email = normalize(&user.email, &self.0.policy.email)?;
        self.validate_password(&user.password, &email, cx).await?;
        Ok(NewUser {
            id: P::Id::generate(),
            email,
            hashed_password: self.hash(&user.password).await?,
            is_active: user.is_active,
            is_superuser: user.is_superuser,
            is_verified: user.is_verified,
            profile: user.profile,
        })
    }

    /// Queues work that must not delay or shape the answer.
    #[cfg(feature = "oauth")]
    pub(super) fn queue(&self, job: impl Future<Output = ()> + Send + 'static) -> Result<(), UserError> {
        self.0.jobs.queue(job).map_err(|_| busy())
    }

    /// Queues work that must not delay or shape the answer and may end in a mail to an address; or does nothing if that was
    /// mailed enough. A mail that there is no place for does not count.
    pub(super) fn queue_mail(
        &self,
        kind: Act,
        address: &str,
        cx: &Context,
        job: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), UserError> {
        self.0.limiter.admit(kind, cx)?;
        let place = self.0.jobs.reserve().map_err(|_| busy())?;
        if self.0.limiter.may_mail(kind, address) {
            self.0.jobs.queue_in(place, job);
        }
        Ok(())
    }
}

const fn busy() -> UserError {
    UserError::Busy { retry_after: std::time::Duration::from_secs(5) }
}

/// A job has nobody to answer to: its error is logged.
pub(super) fn log_job(job: &'static str, error: &UserError) {
    tracing::error!(job, error = error as &dyn std::error::Error, "a job failed");
}
