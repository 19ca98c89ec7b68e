use http::HeaderValue;

use super::{UserManager, limited_address};
use crate::{
    Context, Profile, User, UserError,
    limit::{PasswordTry, TooManyTries},
    password::Verdict,
    user::Changes,
};

impl<P: Profile> UserManager<P> {
    /// The active user with this address and password.
    ///
    /// Unknown users, wrong passwords and inactive users are one error and cost the same: one look-up and one
    /// verification (LOG-1, LOG-2). A right password whose hash is outdated is hashed anew; the new hash is written
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
        let login = self.0.limiter.try_login(&limited_address(email), cx).await;
        let login = self.admitted(login, email, cx).await?;
        let result = self.verify_credentials(email, password).await;
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

    /// Whether a user who is logged in knows the password: asked again before something that a session alone must not do (CHG-7).
    ///
    /// It is limited for each user, and a wrong one counts like that of a login
    /// ([`RateLimits::reauthentications_per_minute`](crate::RateLimits::reauthentications_per_minute)).
    ///
    /// # Errors
    /// [`UserError::BadCredentials`], [`UserError::TooManyRequests`], or [`UserError::Busy`].
    pub async fn confirm_password(
        &self,
        user: &User<P>,
        password: &str,
        cx: &Context,
    ) -> Result<(), UserError> {
        let address = limited_address(&user.email);
        let login = self.0.limiter.try_reauthentication(&user.id, &address, cx).await;
        let login = self.admitted(login, &user.email, cx).await?;
        let verdict = self.0.hashing.verify(password, Some(user.hashed_password.clone())).await;
        if !matches!(verdict, Ok(Verdict::Mismatch)) {
            self.0.limiter.give_back(login).await;
        }
        if verdict? == Verdict::Mismatch { Err(UserError::BadCredentials) } else { Ok(()) }
    }

    async fn admitted(
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

    async fn verify_credentials(&self, email: &str, password: &str) -> Result<User<P>, UserError> {
        let user = self.find_by_email(email).await?;
        let hash = user.as_ref().map(|user| user.hashed_password.clone());
        let verdict = self.0.hashing.verify(password, hash).await?;
        let Some(user) = user.filter(|_| verdict != Verdict::Mismatch) else {
            return Err(UserError::BadCredentials);
        };
        let user = match verdict {
            Verdict::MatchButRehash => self.upgrade_hash(user, password).await?,
            _ => user,
        };
        if user.is_active { Ok(user) } else { Err(UserError::BadCredentials) }
    }

    async fn upgrade_hash(&self, user: User<P>, password: &str) -> Result<User<P>, UserError> {
        let upgraded = async {
            let changes = Changes {
                hashed_password: Some(self.hash(password).await?),
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
                let verdict = self.0.hashing.verify(password, Some(current.hashed_password.clone())).await?;
                if verdict == Verdict::Mismatch { Err(UserError::BadCredentials) } else { Ok(current) }
            }
        }
    }
}
