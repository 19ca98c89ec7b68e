//! The rules of user management, without HTTP: every route has its twin here, callable from code.

mod authenticate;
mod change_email;
mod create;
mod delete;
mod jobs;
#[cfg(feature = "oauth")]
mod oauth;
mod one_time;
mod reauthenticate;
mod reset;
mod revert_email;
mod superuser;
mod update;
mod verify;

use std::{borrow::Cow, sync::Arc};

pub(crate) use one_time::OneTimeTokens;

use crate::{
    Context, NoProfile, Profile, User, UserError, UserId,
    email::{EmailRules, fold, normalize},
    password::{Compared, PasswordHash, PoolError, Verdict, opaque_string},
    users::Core,
};

/// Creates, finds, authenticates, changes and deletes users. Cloning is cheap.
///
/// ```
/// # async fn example(users: axum_users::Users) -> Result<(), axum_users::UserError> {
/// use axum_users::{Context, CreateUser, NoProfile};
///
/// let manager = users.manager();
/// let admin = CreateUser { is_superuser: true, ..CreateUser::new("king@camelot.bt", "guinevere1", NoProfile {}) };
/// let admin = manager.create(admin, &Context::none()).await?;
/// assert_eq!(manager.get_by_email("KING@camelot.bt").await?.id, admin.id);
/// # Ok(())
/// # }
/// ```
pub struct UserManager<P: Profile = NoProfile>(pub(crate) Arc<Core<P>>);

impl<P: Profile> UserManager<P> {
    /// The user with this id.
    ///
    /// # Errors
    /// [`UserError::NotFound`], or a failure of the store.
    pub async fn get(&self, id: &P::Id) -> Result<User<P>, UserError> {
        self.0.store.get(id).await?.ok_or(UserError::NotFound)
    }

    /// The user with this address, in any spelling.
    ///
    /// # Errors
    /// [`UserError::NotFound`], or a failure of the store.
    pub async fn get_by_email(&self, email: &str) -> Result<User<P>, UserError> {
        self.find_by_email(email).await?.ok_or(UserError::NotFound)
    }

    /// At most `limit` users in the order of their ids, those after `after`.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn list(&self, after: Option<&P::Id>, limit: u32) -> Result<Vec<User<P>>, UserError> {
        Ok(self.0.store.list(after, limit).await?)
    }

    /// Reads an id from a path or a token, in the forms the policy accepts.
    pub fn parse_id(&self, text: &str) -> Option<P::Id> {
        if self.0.policy.lenient_ids { P::Id::parse_lenient(text) } else { P::Id::parse(text) }
    }

    /// Looks up by the widest rules, and what does not even then normalise as it is: an address that another rule
    /// let in is found in all its spellings.
    async fn find_by_email(&self, email: &str) -> Result<Option<User<P>>, UserError> {
        Ok(self.0.store.get_by_email(&as_stored(email)).await?)
    }

    /// Refuses a new password by the rules of the policy and the hooks.
    async fn validate_password(&self, password: &str, email: &str, cx: &Context) -> Result<(), UserError> {
        let refusal = self.0.policy.password.refusal(password, email, &self.0.password_words);
        if let Some(reason) = refusal {
            return Err(UserError::InvalidPassword(reason));
        }
        for hooks in self.0.hooks.iter() {
            hooks.validate_password(password, email, cx).await.map_err(UserError::InvalidPassword)?;
        }
        Ok(())
    }

    async fn hash(&self, password: &str, cx: &Context) -> Result<PasswordHash, UserError> {
        let client = self.0.limiter.network(cx);
        Ok(self.0.hashing.hash(&self.form_of(password), client).await?)
    }

    /// Compares a password in the form in which passwords are set, and as it was typed, if that is another: hashes from elsewhere
    /// were made of that. What is done depends on the password alone, and so tells nothing of users.
    async fn compare(&self, password: &str, compared: Compared, cx: &Context) -> Result<Verdict, UserError> {
        let (form, client) = (self.form_of(password), self.0.limiter.network(cx));
        if form == password {
            return Ok(self.0.hashing.verify(password, compared, client).await?);
        }
        let verdict = self.0.hashing.verify(&form, compared.clone(), client).await?;
        if verdict != Verdict::Mismatch {
            return Ok(verdict);
        }
        Ok(match self.0.hashing.verify(password, compared, client).await? {
            Verdict::Mismatch => Verdict::Mismatch,
            Verdict::Match | Verdict::MatchButRehash => Verdict::MatchButRehash,
        })
    }

    fn form_of<'a>(&self, password: &'a str) -> Cow<'a, str> {
        if self.0.policy.normalize_passwords { opaque_string(password) } else { Cow::Borrowed(password) }
    }

    async fn end_sessions_if(&self, ends: bool, id: &P::Id) -> Result<(), UserError> {
        if ends { self.end_sessions(id).await } else { Ok(()) }
    }

    /// Ends the tokens that strategies keep. Called before what ends them, so that a token store that is away makes it fail
    /// and no session comes back with the store; and once more after it, for sessions that were opened in between.
    async fn end_sessions(&self, id: &P::Id) -> Result<(), UserError> {
        for backend in &self.0.backends {
            backend.strategy.destroy_all(id).await?;
        }
        Ok(())
    }
}

/// An address as it would be stored.
fn as_stored(email: &str) -> Cow<'_, str> {
    let rules = EmailRules { display_name: false, ..EmailRules::fastapi_users() };
    normalize(email, &rules).map_or(Cow::Borrowed(email), Cow::Owned)
}

/// What limits and audit events know an address by: the same for all spellings by which a user is found (LOG-5).
pub(crate) fn limited_address(email: &str) -> String {
    fold(&as_stored(email))
}

impl From<PoolError> for UserError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Busy { retry_after } => Self::Busy { retry_after },
            PoolError::Failed(error) => Self::Internal(error),
        }
    }
}

impl<P: Profile> Clone for UserManager<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Profile> std::fmt::Debug for UserManager<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserManager").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever case and spaces an address is written with, its tries are counted together; and those of another are not.
        #[test]
        fn log_5_all_spellings_of_an_address_share_one_count(
            address in "[a-z0-9+_]{1,10}([.-][a-z0-9]{1,8})?@[a-z]{1,10}\\.bt",
            capitals in any::<u64>(),
            (before, after) in (" {0,3}", " {0,3}"),
        ) {
            let respell = |(index, letter): (usize, char)| {
                if capitals >> (index % 64) & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
            };
            let spelling: String = address.chars().enumerate().map(respell).collect();
            prop_assert_eq!(limited_address(&format!("{before}{spelling}{after}")), limited_address(&address));
            prop_assert_ne!(limited_address(&format!("x{spelling}")), limited_address(&address));
        }
    }
}
