//! Accounts at providers: who logs in by them, and whose they become.

use super::{
    UserManager,
    jobs::{Promise, log_job},
};
use crate::{
    AuditAct, AuditReason, Context, OAuthAccount, Profile, User, UserError, UserId,
    audit::Entry,
    email::normalize,
    jobs::{Notice, Task},
    oauth::{CipherError, Identity, OAuth, OAuthCore, ProviderError, ProviderTokens, exchange_code},
    password::PasswordHash,
    policy::DuplicateRegistration,
    user::{Changes, NewUser},
};

/// How often somebody may come in between: whoever loses a race finds what the winner has done.
const ATTEMPTS: u32 = 3;

impl<P: Profile> UserManager<P> {
    /// What `Users` knows of providers.
    pub(crate) fn oauth(&self) -> Result<&OAuthCore<P>, UserError> {
        self.0.oauth.as_ref().ok_or(UserError::Provider(ProviderError::Settings("there are no providers")))
    }

    /// Who it is that has this code, and the tokens that the provider gave for it.
    pub(crate) async fn identify(
        &self,
        oauth: &OAuth,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
        nonce: Option<String>,
    ) -> Result<(Identity, ProviderTokens), UserError> {
        let (provider, client) = (&*oauth.provider, &self.oauth()?.client);
        let endpoints = provider.endpoints(client).await?;
        let verifier = verifier.filter(|_| endpoints.pkce);
        let tokens = exchange_code(provider, client, &endpoints, code, redirect_uri, verifier).await?;
        let tokens = ProviderTokens { nonce, ..tokens };
        let mut identity = provider.identity(client, &tokens).await?;
        identity.email_verified = identity.email.is_some() && oauth.trusts(identity.email_verified);
        Ok((identity, tokens))
    }

    /// The user of an account at a provider: found by the account, or by its address where `oauth` and both addresses being
    /// verified allow it, or else created. The twin of the callback route.
    ///
    /// # Errors
    /// [`UserError::NoEmail`], [`UserError::AlreadyExists`] when a user has the address and may not be given the account,
    /// [`UserError::NotVerified`] when the policy hides who exists and the address was not verified, [`UserError::BadCredentials`]
    /// for an inactive user, [`UserError::Conflict`], or a failure of a store.
    pub async fn oauth_login(
        &self,
        oauth: &OAuth,
        identity: Identity,
        tokens: ProviderTokens,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        let mut entry = self.0.audit(AuditAct::Login, cx);
        let result = self.oauth_login_as(oauth, identity, tokens, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    /// The same as a part of a login, whose end the caller records.
    pub(crate) async fn oauth_login_as(
        &self,
        oauth: &OAuth,
        identity: Identity,
        tokens: ProviderTokens,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<User<P>, UserError> {
        entry.via(oauth.name());
        let account = account(oauth, &identity, tokens).ok_or(UserError::NoEmail)?;
        let account = self.oauth()?.seal(account)?;
        let hides = self.0.policy.duplicate_registration == DuplicateRegistration::Hide;
        for _ in 0..ATTEMPTS {
            let user = match self.oauth_user(oauth, &identity, &account, hides, cx).await {
                Err(UserError::Conflict | UserError::AccountTaken | UserError::NotFound) => continue,
                other => other?,
            };
            entry.user(&user.id);
            if !user.is_active {
                entry.reason(AuditReason::Inactive);
                return Err(UserError::BadCredentials);
            }
            if hides && !user.is_verified {
                return Err(UserError::NotVerified);
            }
            return Ok(user);
        }
        Err(UserError::Conflict)
    }

    /// One attempt; [`UserError::Conflict`] and the like when somebody came in between.
    async fn oauth_user(
        &self,
        oauth: &OAuth,
        identity: &Identity,
        account: &OAuthAccount,
        hides: bool,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        let store = &self.oauth()?.store;
        if let Some(user) = store.get_by_account(&account.oauth_name, &account.account_id).await? {
            store.put_account(&user.id, account).await?;
            return Ok(user);
        }
        let email =
            normalize(&account.account_email, &self.0.policy.email).map_err(|_| UserError::NoEmail)?;
        if hides && !identity.email_verified {
            return self.sign_up_hidden(oauth, identity, account, email, cx).await;
        }
        let Some(user) = self.find_by_email(&email).await? else {
            return match self.sign_up(oauth, identity, account, email).await {
                Ok(user) => {
                    let mut entry = self.0.audit(AuditAct::Registered, cx);
                    entry.identifier(&user.email).via(oauth.name()).user(&user.id).done();
                    self.0.hooks.after("after_register", |hooks| hooks.after_register(&user, cx)).await;
                    Ok(user)
                }
                Err(UserError::AlreadyExists) => Err(UserError::Conflict),
                Err(error) => Err(error),
            };
        };
        if !(oauth.associate_by_email && identity.email_verified) {
            return Err(UserError::AlreadyExists);
        }
        if !user.is_active {
            return Err(UserError::BadCredentials);
        }
        if !user.is_verified {
            return self.take_over(oauth, &user, account, cx).await;
        }
        let promise = self.promise()?;
        store.put_account(&user.id, account).await?;
        self.0.audit(AuditAct::AccountLinked, cx).user(&user.id).via(oauth.name()).done();
        self.tell_account_change(&user, promise, Notice::AccountLinked(account.oauth_name.clone()), cx).await;
        Ok(user)
    }

    /// User and account, or neither.
    async fn sign_up(
        &self,
        oauth: &OAuth,
        identity: &Identity,
        account: &OAuthAccount,
        email: String,
    ) -> Result<User<P>, UserError> {
        let core = self.oauth()?;
        let by_default = oauth.verified_by_default.unwrap_or(!self.0.policy.share_tokens_with_fastapi_users);
        let new = NewUser {
            id: P::Id::generate(),
            email,
            hashed_password: PasswordHash::unusable()?,
            is_active: true,
            is_superuser: false,
            is_verified: by_default && identity.email_verified,
            profile: core.profile(identity).map_err(|error| UserError::Internal(error.into()))?,
        };
        Ok(core.store.insert_with_account(new, account).await?)
    }

    /// Answers the same whether or not the address, which nobody has verified, is a user's: it has to be verified first (OAL-15).
    async fn sign_up_hidden(
        &self,
        oauth: &OAuth,
        identity: &Identity,
        account: &OAuthAccount,
        email: String,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        let promise = self.promise()?;
        let mut entry = self.0.audit(AuditAct::Registered, cx);
        entry.identifier(&email).via(oauth.name());
        let signed_up = self.sign_up(oauth, identity, account, email.clone()).await;
        if let Ok(user) = &signed_up {
            entry.user(&user.id);
        }
        entry.finish(&signed_up);
        let task = match signed_up {
            Ok(user) => Task::AfterSignUp(Box::new(user)),
            Err(UserError::AlreadyExists) => Task::DuplicateRegistration(email),
            Err(error) => return Err(error),
        };
        self.queue(promise, task, cx).await?;
        Err(UserError::NotVerified)
    }

    /// The owner of an address comes to what somebody else may have registered with it: whoever that was is out (OAL-7).
    async fn take_over(
        &self,
        oauth: &OAuth,
        user: &User<P>,
        account: &OAuthAccount,
        cx: &Context,
    ) -> Result<User<P>, UserError> {
        let changes = Changes {
            hashed_password: Some(PasswordHash::unusable()?),
            is_verified: Some(true),
            if_password_is: Some(user.hashed_password.clone()),
            if_email_is: Some(user.email.clone()),
            end_sessions: true,
            ..Changes::default()
        };
        self.end_sessions(&user.id).await?;
        let taken = self.oauth()?.store.update_with_only_account(&user.id, &changes, account).await?;
        let taken = taken.ok_or(UserError::Conflict)?;
        self.0.audit(AuditAct::AccountTakenOver, cx).user(&user.id).via(oauth.name()).done();
        self.end_sessions(&user.id).await?;
        self.0.hooks.after("after_verify", |hooks| hooks.after_verify(&taken, cx)).await;
        self.0.hooks.after("after_update", |hooks| hooks.after_update(&taken, &changes, cx)).await;
        Ok(taken)
    }

    /// Gives a user, who is logged in, another account. The twin of the route that associates.
    ///
    /// # Errors
    /// [`UserError::AccountTaken`] when it is another user's, [`UserError::NoEmail`], or a failure of the store.
    pub async fn oauth_associate(
        &self,
        oauth: &OAuth,
        user: &User<P>,
        identity: &Identity,
        tokens: ProviderTokens,
        cx: &Context,
    ) -> Result<(), UserError> {
        let mut entry = self.0.audit(AuditAct::AccountLinked, cx);
        let result = self.oauth_associate_as(oauth, user, identity, tokens, cx, &mut entry).await;
        entry.finish(&result);
        result
    }

    /// The same as a part of what the caller records.
    pub(crate) async fn oauth_associate_as(
        &self,
        oauth: &OAuth,
        user: &User<P>,
        identity: &Identity,
        tokens: ProviderTokens,
        cx: &Context,
        entry: &mut Entry<'_>,
    ) -> Result<(), UserError> {
        entry.user(&user.id).via(oauth.name());
        let core = self.oauth()?;
        let account = account(oauth, identity, tokens).ok_or(UserError::NoEmail)?;
        let promise = self.promise()?;
        core.store.put_account(&user.id, &core.seal(account)?).await?;
        entry.done();
        self.tell_account_change(user, promise, Notice::AccountLinked(oauth.name().to_owned()), cx).await;
        Ok(())
    }

    /// The accounts of a user, with the tokens that open the providers' interfaces.
    ///
    /// # Errors
    /// [`UserError::Internal`] when a token was encrypted with a key that is not among those given, or a failure of the store.
    pub async fn oauth_accounts(&self, user: &User<P>) -> Result<Vec<OAuthAccount>, UserError> {
        let core = self.oauth()?;
        let accounts = self.stored_accounts(user).await?;
        accounts.into_iter().map(|account| Ok(core.open(account)?)).collect()
    }

    /// The accounts of a user, with the tokens as they are stored.
    pub(crate) async fn stored_accounts(&self, user: &User<P>) -> Result<Vec<OAuthAccount>, UserError> {
        Ok(self.oauth()?.store.accounts(&user.id).await?)
    }

    /// New tokens for one of a user's accounts, from the provider; they are kept.
    ///
    /// # Errors
    /// [`UserError::NotFound`] without such an account or provider, [`UserError::Provider`] when the provider has no way to renew
    /// tokens, refuses or fails, or a failure of the store.
    pub async fn oauth_refresh(
        &self,
        user: &User<P>,
        oauth_name: &str,
        account_id: &str,
    ) -> Result<OAuthAccount, UserError> {
        let core = self.oauth()?;
        let account = self.stored_account(user, oauth_name, account_id).await?.ok_or(UserError::NotFound)?;
        let account = core.open(account)?;
        let oauth = core.providers.iter().find(|oauth| oauth.name() == oauth_name);
        let oauth = oauth.ok_or(UserError::NotFound)?;
        let tokens = oauth.provider.refresh(&core.client, &account).await?;
        let renewed = OAuthAccount {
            access_token: tokens.access_token,
            expires_at: tokens.expires_at,
            // Only some providers give another one (RFC 6749 §6).
            refresh_token: tokens.refresh_token.or(account.refresh_token),
            ..account
        };
        core.store.put_account(&user.id, &core.seal(renewed.clone())?).await?;
        Ok(renewed)
    }

    /// Takes one of a user's accounts away, unless there is nothing else to log in by, and makes its tokens invalid at the
    /// provider, after the answer, in a job on the current tokio runtime. That one is never durable: it holds the tokens.
    ///
    /// # Errors
    /// [`UserError::NotFound`], [`UserError::LastLoginMethod`] (OAK-4), or a failure of the store.
    pub async fn oauth_unlink(
        &self,
        user: &User<P>,
        oauth_name: &str,
        account_id: &str,
        cx: &Context,
    ) -> Result<(), UserError> {
        let store = &self.oauth()?.store;
        let account = self.stored_account(user, oauth_name, account_id).await?.ok_or(UserError::NotFound)?;
        let promise = self.promise()?;
        let keep_last = !user.hashed_password.is_usable();
        if !store.remove_account(&user.id, oauth_name, account_id, keep_last).await? {
            let still_there = self.stored_account(user, oauth_name, account_id).await?.is_some();
            return Err(if still_there { UserError::LastLoginMethod } else { UserError::NotFound });
        }
        self.0.audit(AuditAct::AccountUnlinked, cx).user(&user.id).via(oauth_name).done();
        self.tell_account_change(user, promise, Notice::AccountUnlinked(oauth_name.to_owned()), cx).await;
        let manager = self.clone();
        const JOB: &str = "revoke the tokens of a provider";
        // That it cannot be queued or fails leaves tokens that end by themselves.
        let queued = self.0.jobs.queue(async move {
            if let Err(error) = manager.revoke_at_provider(account).await {
                log_job(JOB, &error);
            }
        });
        if queued.is_err() {
            tracing::error!(job = JOB, "too many jobs are waiting");
        }
        Ok(())
    }

    /// Takes all accounts from a user whose address nobody had verified, when its owner sets a password by mail: they may be
    /// those of somebody else who registered it (RST-3).
    pub(super) async fn unlink_all(&self, user: &User<P>, cx: &Context) -> Result<(), UserError> {
        let Some(core) = &self.0.oauth else { return Ok(()) };
        for account in core.store.accounts(&user.id).await? {
            let OAuthAccount { oauth_name, account_id, .. } = &account;
            if core.store.remove_account(&user.id, oauth_name, account_id, false).await? {
                self.0.audit(AuditAct::AccountUnlinked, cx).user(&user.id).via(oauth_name).done();
            }
        }
        Ok(())
    }

    /// A user has an account more or less: no column has changed.
    async fn tell_account_change(&self, user: &User<P>, promise: Promise, notice: Notice, cx: &Context) {
        let changes = Changes::default();
        self.0.hooks.after("after_update", |hooks| hooks.after_update(user, &changes, cx)).await;
        self.queue_after(promise, Task::Notice { user: user.id.clone(), notice }, cx).await;
    }

    async fn stored_account(
        &self,
        user: &User<P>,
        oauth_name: &str,
        account_id: &str,
    ) -> Result<Option<OAuthAccount>, UserError> {
        let accounts = self.stored_accounts(user).await?;
        let is_it =
            |account: &OAuthAccount| account.oauth_name == oauth_name && account.account_id == account_id;
        Ok(accounts.into_iter().find(is_it))
    }

    /// Nothing, if the provider is none of the application's any more.
    async fn revoke_at_provider(&self, account: OAuthAccount) -> Result<(), UserError> {
        let core = self.oauth()?;
        let provider = core.providers.iter().find(|oauth| oauth.name() == account.oauth_name);
        if let Some(oauth) = provider {
            oauth.provider.revoke(&core.client, &core.open(account)?).await?;
        }
        Ok(())
    }
}

impl From<CipherError> for UserError {
    fn from(error: CipherError) -> Self {
        Self::Internal(error.into())
    }
}

/// What is kept of an account; `None` without an address.
fn account(oauth: &OAuth, identity: &Identity, tokens: ProviderTokens) -> Option<OAuthAccount> {
    Some(OAuthAccount {
        oauth_name: oauth.name().to_owned(),
        account_id: identity.account_id.clone(),
        account_email: identity.email.clone()?,
        access_token: tokens.access_token,
        expires_at: tokens.expires_at,
        refresh_token: tokens.refresh_token,
    })
}
