use http::HeaderValue;
use tokio::runtime::Handle;

use super::{UserManager, jobs::log_job, limited_address};
use crate::{
    AuditAct, AuditReason, Context, Profile, User, UserError,
    audit::Entry,
    jobs::{Notice, Task},
    limit::{PasswordTry, TooManyTries},
    password::{Compared, Verdict},
    user::Changes,
};

/// How many stored hashes are looked at to know which classes there are.
const SAMPLE: u32 = 1_000;

impl<P: Profile> UserManager<P> {
    /// The active user with this address and password.
    ///
    /// Unknown users, wrong passwords, users without a password and inactive users are one error and cost the same: one
    /// look-up and one verification, of a hash like those of others if there is none (LOG-1, LOG-2). A right password whose hash is outdated is hashed anew; the new hash is written
    /// only if the old one is still stored, so that a password changed meanwhile stays changed (LOG-12). That it cannot be
    /// written keeps nobody out.
    ///
    /// Whoever asks for a password, on whatever route, comes here: all share one limit for the request's client and one
    /// for its tries at this address (LOG-5). A try is counted before the password is looked at, so that many at the same
    /// time are as many as one after the other (LOG-3). Without a request nothing is limited.
    ///
    /// # Errors
    /// [`UserError::BadCredentials`], [`UserError::TooManyRequests`], [`UserError::Busy`], or a failure of the store.
    pub async fn authenticate(
        &self,
        email: &str,
        password: &str,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        let mut entry = self.0.audit(AuditAct::Login, cx);
        let result = self.check_login(email, password, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    /// The same as a part of a login, whose end the caller records.
    pub(crate) async fn check_login(
        &self,
        email: &str,
        password: &str,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        entry.identifier(email);
        let address = limited_address(email);
        let login = self.0.limiter.try_login(&address, cx).await;
        let login = self.admitted(login, email, cx).await?;
        let result = self.verify_credentials(email, &address, password, cx, entry).await;
        if !matches!(result, Err(UserError::BadCredentials)) {
            self.0.limiter.give_back(login).await;
        }
        result
    }

    /// The cookie by which a browser is known that a user has just logged in with, for the answer of a login route of your own:
    /// whoever guesses that user's password elsewhere does not keep it out
    /// ([`RateLimits::device_tries_per_day`](crate::RateLimits::device_tries_per_day)). `None` where the
    /// [policy](crate::Policy::device_cookie) or the limits know no browsers.
    pub fn device_cookie(&self, user: &User<P>) -> Option<HeaderValue> {
        self.0.limiter.device_cookie(&limited_address(&user.email))
    }

    pub(super) async fn admitted(
        &self,
        login: Result<PasswordTry, TooManyTries>,
        email: &str,
        cx: &Context,
    ) -> Result<PasswordTry, UserError> {
        match login {
            Ok(login) => Ok(login),
            Err(refused) => {
                if refused.tell_owner {
                    self.tell_of_guesses(email.to_owned(), cx).await;
                }
                Err(refused.error)
            }
        }
    }

    /// Has a user told of a login by password from a browser that is not known, where the policy says so. That it cannot be told
    /// changes no answer.
    pub(crate) async fn tell_of_new_device(&self, user: &User<P>, cx: &Context) {
        let address = limited_address(&user.email);
        if !self.0.policy.tell_of_new_devices || self.0.limiter.knows_device(&address, cx) {
            return;
        }
        if self.0.limiter.may_tell_of_device(&address).await {
            let task = Task::Notice { user: user.id.clone(), notice: Notice::NewDevice };
            match self.promise() {
                Ok(promise) => self.queue_after(promise, task, cx).await,
                Err(error) => log_job(task.name(), &error),
            }
        }
    }

    async fn verify_credentials(
        &self,
        email: &str,
        address: &str,
        password: &str,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        self.look_at_hashes().await;
        let user = self.find_by_email(email).await?;
        if let Some(user) = &user {
            entry.user(&user.id);
        }
        let unless_it_matches =
            if user.is_some() { AuditReason::WrongPassword } else { AuditReason::UnknownUser };
        let hash = user.as_ref().map(|user| user.hashed_password.clone());
        let compared = Compared { hash, decoy: self.0.decoys.pick(address) };
        let verdict = self.compare(password, compared, cx).await?;
        let Some(user) = user.filter(|_| verdict != Verdict::Mismatch) else {
            entry.reason(unless_it_matches);
            return Err(UserError::BadCredentials);
        };
        // Whoever is inactive gets no new hash: it would cost as much again.
        if !user.is_active {
            entry.reason(AuditReason::Inactive);
            return Err(UserError::BadCredentials);
        }
        match verdict {
            Verdict::MatchButRehash => self.upgrade_hash(user, password, cx).await,
            _ => Ok(user),
        }
    }

    /// Makes known of which classes the stored hashes are: before the first login, which waits for it whoever it is of, and
    /// beside the logins each hour.
    async fn look_at_hashes(&self) {
        self.0.decoys.first.get_or_init(|| self.sample_hashes()).await;
        if self.0.decoys.is_due() {
            let manager = self.clone();
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn(async move { manager.sample_hashes().await })),
                Err(_) => self.sample_hashes().await,
            }
        }
    }

    async fn sample_hashes(&self) {
        match self.0.store.sample_hashes(SAMPLE).await {
            Ok(hashes) => self.0.decoys.take_up(&hashes),
            Err(error) => {
                self.0.decoys.try_later();
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "of which classes the stored password hashes are is not known for now");
            }
        }
    }

    async fn upgrade_hash(&self, user: User<P>, password: &str, cx: &Context) -> Result<User<P>, UserError> {
        let upgraded = async {
            let changes = Changes {
                hashed_password: Some(self.hash(password, cx).await?),
                if_password_is: Some(user.hashed_password.clone()),
                ..Changes::default()
            };
            Ok::<_, UserError>(self.0.store.update(&user.id, &changes).await?)
        };
        match upgraded.await {
            Ok(Some(upgraded)) => Ok(upgraded),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a password was not hashed anew");
                Ok(user)
            }
            // Somebody else wrote a hash since: another login did the same upgrade, or the password was changed.
            Ok(None) => {
                let current = self.get(&user.id).await.map_err(|_| UserError::BadCredentials)?;
                let compared = Compared { hash: Some(current.hashed_password.clone()), decoy: None };
                let verdict = self.compare(password, compared, cx).await?;
                if verdict == Verdict::Mismatch { Err(UserError::BadCredentials) } else { Ok(current) }
            }
        }
    }
}
