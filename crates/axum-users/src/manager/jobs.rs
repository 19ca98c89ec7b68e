//! What is done after the answer.

use super::{UserManager, limited_address};
use crate::{
    AuditAct, AuditReason, BoxError, Context, LeasedJob, Profile, User, UserError, UserId,
    audit::Entry,
    jobs::{Kept, Notice, Place, Task},
    limit::Act,
};

/// That jobs will be taken: a place in the queue, or a store.
pub(super) struct Promise(Option<Place>);

impl<P: Profile> UserManager<P> {
    /// Makes sure that jobs can be taken, before what makes them necessary is done.
    pub(super) fn promise(&self) -> Result<Promise, UserError> {
        match self.0.durable {
            Some(_) => Ok(Promise(None)),
            None => Ok(Promise(Some(self.0.jobs.reserve().map_err(|_| busy())?))),
        }
    }

    /// Has a job done. The store of durable ones is called once, whoever it is for.
    pub(super) async fn queue(&self, promise: Promise, task: Task<P>, cx: &Context) -> Result<(), UserError> {
        if let Some(durable) = &self.0.durable {
            self.start_jobs();
            return Ok(durable.enqueue(task.to_job(cx)).await?);
        }
        let (manager, cx) = (self.clone(), cx.clone());
        let place = match promise.0 {
            Some(place) => place,
            None => self.0.jobs.reserve().map_err(|_| busy())?,
        };
        self.0.jobs.queue_in(place, async move {
            if let Err(error) = manager.run(&task, true, &cx).await {
                log_job(task.name(), &error);
            }
        });
        Ok(())
    }

    /// Queues a job that may end in a mail to an address; or does nothing, and says nothing of it, if that was mailed enough. A
    /// mail that cannot be promised does not count.
    pub(super) async fn queue_mail(
        &self,
        kind: Act,
        email: &str,
        task: Task<P>,
        cx: &Context,
    ) -> Result<(), UserError> {
        let act = match kind {
            Act::ForgotPassword => AuditAct::PasswordResetRequested,
            Act::RequestEmailChange => AuditAct::EmailChangeRequested,
            _ => AuditAct::VerificationRequested,
        };
        let mut entry = self.0.audit(act, cx);
        let result = self.promise_mail(kind, email, task, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    async fn promise_mail(
        &self,
        kind: Act,
        email: &str,
        task: Task<P>,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<(), UserError> {
        entry.identifier(email);
        self.0.limiter.admit(kind, cx).await?;
        let promise = self.promise()?;
        if !self.queue_promised_mail(promise, kind, email, task, cx).await? {
            entry.reason(AuditReason::MailedEnough);
        }
        Ok(())
    }

    /// The same for a request that was counted and promised before; `false` if the address was mailed enough.
    pub(super) async fn queue_promised_mail(
        &self,
        promise: Promise,
        kind: Act,
        email: &str,
        task: Task<P>,
        cx: &Context,
    ) -> Result<bool, UserError> {
        let taken = self.0.limiter.may_mail(kind, &limited_address(email)).await;
        let Some(taken) = taken else { return Ok(false) };
        let queued = self.queue(promise, task, cx).await;
        if queued.is_err() {
            self.0.limiter.give_back(taken).await;
        }
        queued.map(|()| true)
    }

    /// Has the owner of an address told that too many guess at the password; whether it has one shows to nobody. That it cannot
    /// be told changes no answer.
    pub(super) async fn tell_of_guesses(&self, address: String, cx: &Context) {
        tracing::warn!(
            "too many wrong passwords for one address: only known browsers log in with it for now"
        );
        let task = Task::LoginLimited(address);
        match self.promise() {
            Ok(promise) => self.queue_after(promise, task, cx).await,
            Err(error) => log_job(task.name(), &error),
        }
    }

    /// Has a job done that tells of what is done: that it cannot be promised any more takes nothing back.
    pub(super) async fn queue_after(&self, promise: Promise, task: Task<P>, cx: &Context) {
        let name = task.name();
        if let Err(error) = self.queue(promise, task, cx).await {
            log_job(name, &error);
        }
    }

    /// Does a job that was taken from a store.
    pub(crate) async fn do_job(&self, job: &LeasedJob, cx: &Context) -> Result<(), UserError> {
        let unknown = || UserError::Internal(BoxError::from("this version knows no such job"));
        let task = match Kept::of(job).ok_or_else(unknown)? {
            Kept::ForgotPassword(email) => Task::ForgotPassword(email),
            Kept::RequestVerify(email) => Task::RequestVerify(email),
            Kept::DuplicateRegistration(email) => Task::DuplicateRegistration(email),
            Kept::LoginLimited(email) => Task::LoginLimited(email),
            Kept::ChangeEmail { id, email, fingerprint } => {
                Task::ChangeEmail { user: P::Id::parse(&id).ok_or_else(unknown)?, email, fingerprint }
            }
            Kept::EmailChanged { id, old_email, revertible_until } => {
                let user = P::Id::parse(&id).ok_or_else(unknown)?;
                Task::EmailChanged { user, old_email, revertible_until }
            }
            Kept::Notice { id, notice } => {
                Task::Notice { user: P::Id::parse(&id).ok_or_else(unknown)?, notice }
            }
            Kept::AfterRegister { id, signed_up } => {
                let id = P::Id::parse(&id).ok_or_else(unknown)?;
                match self.0.store.get(&id).await?.map(Box::new) {
                    Some(user) if signed_up => Task::AfterSignUp(user),
                    Some(user) => Task::AfterRegister(user),
                    None => return Ok(()),
                }
            }
        };
        self.run(&task, job.attempts <= 1, cx).await
    }

    /// Does a job. That there is no such user, or none that it is for, is no failure.
    async fn run(&self, task: &Task<P>, first_time: bool, cx: &Context) -> Result<(), UserError> {
        let hooks = &self.0.hooks;
        let done = match task {
            Task::ForgotPassword(email) => match self.find_by_email(email).await? {
                Some(user) => self.mail_reset(&user, cx).await,
                None => Ok(()),
            },
            Task::RequestVerify(email) => match self.find_by_email(email).await? {
                Some(user) => self.mail_verification(&user, cx).await,
                None => Ok(()),
            },
            // Told often enough lately (REG-10); what is tried again was counted before.
            Task::DuplicateRegistration(email)
                if first_time && !self.0.limiter.may_tell_of_duplicate(&limited_address(email)).await =>
            {
                Ok(())
            }
            Task::DuplicateRegistration(email) => match self.find_by_email(email).await? {
                Some(owner) => {
                    let name = "after_duplicate_registration";
                    hooks.in_job(name, cx, |hooks| hooks.after_duplicate_registration(&owner, cx)).await
                }
                None => Ok(()),
            },
            Task::LoginLimited(email) => match self.find_by_email(email).await? {
                Some(owner) => {
                    let name = "after_login_limited";
                    hooks.in_job(name, cx, |hooks| hooks.after_login_limited(&owner, cx)).await
                }
                None => Ok(()),
            },
            Task::ChangeEmail { user, email, fingerprint } => {
                self.ask_new_address(user, email, fingerprint, first_time, cx).await
            }
            Task::EmailChanged { user, old_email, revertible_until } => {
                self.tell_old_address(user, old_email, *revertible_until, cx).await
            }
            Task::Notice { user, notice } => match self.0.store.get(user).await? {
                Some(user) => self.tell(&user, notice, cx).await,
                None => Ok(()),
            },
            Task::AfterRegister(user) => {
                hooks.in_job("after_register", cx, |hooks| hooks.after_register(user, cx)).await
            }
            Task::AfterSignUp(user) => {
                hooks.in_job("after_register", cx, |hooks| hooks.after_register(user, cx)).await?;
                match &self.0.durable {
                    // A job of its own: should it fail, the hooks above are not run again.
                    Some(durable) => {
                        let task = Task::<P>::RequestVerify(user.email.clone());
                        Ok(durable.enqueue(task.to_job(cx)).await?)
                    }
                    None => self.mail_verification(user, cx).await,
                }
            }
        };
        match done {
            Err(UserError::Inactive | UserError::AlreadyVerified) => Ok(()),
            other => other,
        }
    }
}

impl<P: Profile> UserManager<P> {
    async fn tell(&self, user: &User<P>, notice: &Notice, cx: &Context) -> Result<(), UserError> {
        let hooks = &self.0.hooks;
        match notice {
            Notice::PasswordChanged => {
                let name = "after_password_change";
                hooks.in_job(name, cx, |hooks| hooks.after_password_change(user, cx)).await
            }
            Notice::NewDevice => {
                let name = "after_login_from_new_device";
                hooks.in_job(name, cx, |hooks| hooks.after_login_from_new_device(user, cx)).await
            }
            Notice::AccountLinked(at) => {
                hooks.in_job("after_account_link", cx, |hooks| hooks.after_account_link(user, at, cx)).await
            }
            Notice::AccountUnlinked(at) => {
                let name = "after_account_unlink";
                hooks.in_job(name, cx, |hooks| hooks.after_account_unlink(user, at, cx)).await
            }
        }
    }
}

const fn busy() -> UserError {
    UserError::Busy { retry_after: std::time::Duration::from_secs(5) }
}

/// A job has nobody to answer to: its error is logged.
pub(super) fn log_job(job: &'static str, error: &UserError) {
    tracing::error!(job, error = error as &dyn std::error::Error, "a job failed");
}
