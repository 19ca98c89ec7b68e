use super::{UserManager, limited_address};
use crate::{
    AuditAct, AuditReason, Context, Profile, User, UserError, audit::Entry, password::Verdict, user::Changes,
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
        let login = self.0.limiter.try_login(&limited_address(email), cx)?;
        let result = self.verify_credentials(email, password, entry).await;
        if !matches!(result, Err(UserError::BadCredentials)) {
            self.0.limiter.give_back(login);
        }
        result
    }

    async fn verify_credentials(
        &self,
        email: &str,
        password: &str,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        let user = self.find_by_email(email).await?;
        if let Some(user) = &user {
            entry.user(&user.id);
        }
        let unless_it_matches =
            if user.is_some() { AuditReason::WrongPassword } else { AuditReason::UnknownUser };
        let hash = user.as_ref().map(|user| user.hashed_password.clone());
        let verdict = self.0.hashing.verify(password, hash).await?;
        let Some(user) = user.filter(|_| verdict != Verdict::Mismatch) else {
            entry.reason(unless_it_matches);
            return Err(UserError::BadCredentials);
        };
        let user = match verdict {
            Verdict::MatchButRehash => self.upgrade_hash(user, password).await?,
            _ => user,
        };
        if user.is_active {
            return Ok(user);
        }
        entry.reason(AuditReason::Inactive);
        Err(UserError::BadCredentials)
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
