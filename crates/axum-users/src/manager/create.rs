use super::UserManager;
use crate::{
    Context, CreateUser, Profile, StoreError, User, UserError, UserId, email::normalize,
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
    /// Where the policy hides duplicates, a taken address answers like a new one, with an id that belongs to nobody.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    pub async fn register(&self, user: CreateUser<P>, cx: &Context) -> Result<User<P>, UserError> {
        let user = CreateUser { is_active: true, is_superuser: false, is_verified: false, ..user };
        let new = self.prepare(user, cx).await?;
        let stand_in = match self.0.policy.duplicate_registration {
            DuplicateRegistration::Hide => Some(new.clone()),
            DuplicateRegistration::Reveal => None,
        };
        match (self.0.store.insert(new).await, stand_in) {
            (Ok(created), _) => {
                self.0.hooks.after("after_register", |hooks| hooks.after_register(&created, cx)).await;
                Ok(created)
            }
            (Err(StoreError::Duplicate), Some(stand_in)) => {
                self.queue_duplicate_notice(stand_in.email.clone(), cx.clone())?;
                let id = stand_in.id.or_else(P::Id::generate).ok_or(UserError::AlreadyExists)?;
                Ok(User {
                    id,
                    email: stand_in.email,
                    hashed_password: stand_in.hashed_password,
                    is_active: true,
                    is_superuser: false,
                    is_verified: false,
                    profile: stand_in.profile,
                })
            }
            (Err(error), _) => Err(error.into()),
        }
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

    fn queue_duplicate_notice(&self, email: String, cx: Context) -> Result<(), UserError> {
        let manager = self.clone();
        self.queue(async move {
            let owner = match manager.find_by_email(&email).await {
                Ok(Some(owner)) => owner,
                Ok(None) => return,
                Err(error) => return log_job("duplicate registration", &error),
            };
            let hooks = &manager.0.hooks;
            hooks
                .after("after_duplicate_registration", |hooks| {
                    hooks.after_duplicate_registration(&owner, &cx)
                })
                .await;
        })
    }

    /// Queues work that must not delay or shape the answer.
    pub(super) fn queue(&self, job: impl Future<Output = ()> + Send + 'static) -> Result<(), UserError> {
        let retry_after = std::time::Duration::from_secs(5);
        self.0.jobs.queue(job).map_err(|_| UserError::Busy { retry_after })
    }
}

/// A job has nobody to answer to: its error is logged.
pub(super) fn log_job(job: &'static str, error: &UserError) {
    tracing::error!(job, error = error as &dyn std::error::Error, "a job failed");
}
