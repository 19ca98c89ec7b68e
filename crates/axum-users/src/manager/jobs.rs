//! What is done after the answer.

use super::{UserManager, limited_address};
use crate::{
    AuditAct, AuditReason, BoxError, Context, LeasedJob, Profile, UserError, UserId,
    audit::Entry,
    jobs::{Kept, Place, Task},
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
            durable.store.enqueue(task.to_job(cx)).await?;
            self.start_jobs();
            durable.wake();
            return Ok(());
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
        let Some(taken) = self.0.limiter.may_mail(kind, &limited_address(email)).await else {
            entry.reason(AuditReason::MailedEnough);
            return Ok(());
        };
        let queued = self.queue(promise, task, cx).await;
        if queued.is_err() {
            self.0.limiter.give_back(taken).await;
        }
        queued
    }

    /// Has the owner of an address told that too many guess at the password; whether it has one shows to nobody. That it cannot
    /// be told changes no answer.
    pub(super) async fn tell_of_guesses(&self, address: String, cx: &Context) {
        tracing::warn!(
            "too many wrong passwords for one address: only known browsers log in with it for now"
        );
        let task = Task::LoginLimited(address);
        let name = task.name();
        let queued = match self.promise() {
            Ok(promise) => self.queue(promise, task, cx).await,
            Err(error) => Err(error),
        };
        if let Err(error) = queued {
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
            Task::AfterRegister(user) => {
                hooks.in_job("after_register", cx, |hooks| hooks.after_register(user, cx)).await
            }
            Task::AfterSignUp(user) => {
                hooks.in_job("after_register", cx, |hooks| hooks.after_register(user, cx)).await?;
                match &self.0.durable {
                    // A job of its own: should it fail, the hooks above are not run again.
                    Some(durable) => {
                        let task = Task::<P>::RequestVerify(user.email.clone());
                        durable.store.enqueue(task.to_job(cx)).await?;
                        durable.wake();
                        Ok(())
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

const fn busy() -> UserError {
    UserError::Busy { retry_after: std::time::Duration::from_secs(5) }
}

/// A job has nobody to answer to: its error is logged.
pub(super) fn log_job(job: &'static str, error: &UserError) {
    tracing::error!(job, error = error as &dyn std::error::Error, "a job failed");
}
