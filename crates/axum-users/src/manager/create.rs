use super::UserManager;
use crate::{
    AuditAct, AuditReason, Context, CreateUser, Profile, StoreError, User, UserError, UserId, audit::Entry,
    email::normalize, jobs::Task, limit::Act, policy::DuplicateRegistration, user::NewUser,
};

impl<P: Profile> UserManager<P> {
    /// Creates a user as its administrator: the flags are honoured.
    ///
    /// # Errors
    /// [`UserError::InvalidEmail`], [`UserError::InvalidPassword`], [`UserError::AlreadyExists`], what a hook
    /// refuses, or a failure of the store.
    pub async fn create(&self, user: CreateUser<P>, cx: &Context) -> Result<User<P>, UserError> {
        let mut entry = self.0.audit(AuditAct::UserCreated, cx);
        let result = self.insert(user, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    async fn insert(
        &self,
        user: CreateUser<P>,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        let new = self.prepare(user, cx).await?;
        let created = self.0.store.insert(new).await?;
        entry.user(&created.id).done();
        self.0.hooks.after("after_register", |hooks| hooks.after_register(&created, cx)).await;
        Ok(created)
    }

    /// Creates a user as the person registering: the flags are ignored. The twin of the register route.
    ///
    /// Where the policy hides duplicates, a taken address answers like a new one, with an id that belongs to nobody; the
    /// hooks that tell them apart run in a job, unless jobs are [durable](crate::UsersBuilder::durable_jobs) on the current tokio
    /// runtime.
    ///
    /// # Errors
    /// As for [`create`](Self::create), [`UserError::TooManyRequests`], and [`UserError::Busy`] when too many jobs wait, or a
    /// failure of the store of durable ones.
    pub async fn register(&self, user: CreateUser<P>, cx: &Context) -> Result<User<P>, UserError> {
        let mut entry = self.0.audit(AuditAct::Registered, cx);
        let result = self.register_as(user, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    async fn register_as(
        &self,
        user: CreateUser<P>,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        entry.identifier(&user.email);
        self.0.limiter.admit(Act::Register, cx).await?;
        let user = CreateUser { is_active: true, is_superuser: false, is_verified: false, ..user };
        if self.0.policy.duplicate_registration == DuplicateRegistration::Hide {
            return self.register_hidden(user, cx, entry).await;
        }
        self.insert(user, cx, entry).await
    }

    /// Does the same work whether or not the address is taken, and what differs after the answer.
    async fn register_hidden(
        &self,
        user: CreateUser<P>,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        let promise = self.promise()?;
        let new = self.prepare(user, cx).await?;
        let stand_in = new.clone();
        match self.0.store.insert_hidden(new).await {
            Ok(created) => {
                entry.user(&created.id).done();
                let told = Task::AfterRegister(Box::new(created.clone()));
                self.queue(promise, told, cx).await?;
                Ok(created)
            }
            Err(StoreError::Duplicate) => {
                entry.refused(AuditReason::AddressTaken);
                let id = stand_in.id.or_else(P::Id::generate).ok_or(UserError::AlreadyExists)?;
                let told = Task::DuplicateRegistration(stand_in.email.clone());
                self.queue(promise, told, cx).await?;
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
            hashed_password: self.hash(&user.password, cx).await?,
            is_active: user.is_active,
            is_superuser: user.is_superuser,
            is_verified: user.is_verified,
            profile: user.profile,
        })
    }
}
