//! The handle that an application holds, and how it is built.

mod token_options;

use std::{collections::HashSet, sync::Arc};

pub use token_options::TokenOptions;

#[cfg(feature = "oauth")]
use crate::oauth::{OAuthCore, OAuthSettings};
use crate::{
    AuditOptions, AuditStore, Backend, Cookie, Hooks, JobStore, LimitStore, NoProfile, Policy, Profile,
    RateLimits, Secret, UserError, UserId, UserManager, UserStore,
    audit::AuditLog,
    claims::TokenKeys,
    hooks::HookStack,
    http::origin,
    jobs::{Durable, JobOptions, Jobs},
    limit::{Counts, DeviceCookies, Limiter, TrustedProxies},
    manager::OneTimeTokens,
    password::{ContextWords, Decoys, HashingPool, PasswordHasher, PoolOptions},
    policy::DuplicateRegistration,
    store::{DynAuditStore, DynJobStore, DynLimitStore, DynUserStore},
    strategy::Accounts,
    transport::Transport,
};

/// How many tokens or limits one statement removes.
const EXPIRED_BATCH: u32 = 500;

/// The user management of an application: what handlers, routers and extractors work with. Cloning is cheap.
///
/// It is the state of an application's router, or a field of it (`#[derive(FromRef)]`).
///
/// ```
/// use axum::{Router, routing::get};
/// use axum_users::{Backend, Bearer, CurrentUser, Jwt, MemoryStore, Users};
///
/// async fn hello(user: CurrentUser) -> String {
///     format!("Hello {}!", user.email)
/// }
///
/// let secret = "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f"; // yours from the environment
/// let users: Users = Users::builder(MemoryStore::new(), secret)
///     .backend(Backend::new("jwt", Bearer, Jwt::new(secret)))
///     .build()?;
/// let app: Router = Router::new().route("/hello", get(hello)).merge(users.routes()).with_state(users);
/// # Ok::<(), axum_users::BuildError>(())
/// ```
pub struct Users<P: Profile = NoProfile>(pub(crate) Arc<Core<P>>);

/// What `Users` and `UserManager` share.
pub(crate) struct Core<P: Profile> {
    pub(crate) store: Arc<dyn DynUserStore<P>>,
    pub(crate) accounts: Accounts<P>,
    pub(crate) backends: Vec<Backend<P>>,
    pub(crate) hooks: HookStack<P>,
    pub(crate) hashing: HashingPool,
    pub(crate) decoys: Decoys,
    pub(crate) password_words: ContextWords,
    pub(crate) policy: Arc<Policy>,
    pub(crate) reset: OneTimeTokens,
    pub(crate) verification: OneTimeTokens,
    pub(crate) email_change: OneTimeTokens,
    pub(crate) email_revert: OneTimeTokens,
    pub(crate) jobs: Jobs,
    pub(crate) durable: Option<Arc<Durable>>,
    pub(crate) require_verified_users: bool,
    pub(crate) trusted_origins: Vec<String>,
    pub(crate) limiter: Limiter,
    pub(crate) audit_log: AuditLog,
    #[cfg(feature = "oauth")]
    pub(crate) oauth: Option<OAuthCore<P>>,
}

impl<P: Profile> Users<P> {
    /// Starts to build. From the secret (at least 32 bytes) the keys of reset and verification tokens are derived,
    /// unless they are given one by one.
    pub fn builder<S: UserStore<P>>(store: S, secret: impl Into<Secret>) -> UsersBuilder<P, S> {
        UsersBuilder {
            store: Arc::new(store),
            secret: secret.into(),
            backends: Vec::new(),
            hooks: HookStack::new(),
            policy: Policy::secure(),
            hasher: None,
            hashing: PoolOptions::default(),
            password_words: Vec::new(),
            reset: TokenOptions::reset(),
            verification: TokenOptions::verification(),
            email_change: TokenOptions::email_change(),
            email_revert: TokenOptions::email_revert(),
            require_verified_users: false,
            trusted_origins: Vec::new(),
            rate_limits: RateLimits::default(),
            trusted_proxies: Vec::new(),
            shared_limits: None,
            device_cookie: Cookie::device(),
            durable_jobs: None,
            audit: None,
            #[cfg(feature = "oauth")]
            oauth_settings: OAuthSettings::new(),
        }
    }

    /// The rules without HTTP: create, authenticate, update, verify, reset, delete.
    pub fn manager(&self) -> UserManager<P> {
        UserManager(Arc::clone(&self.0))
    }

    /// The backends, in the order in which they are tried.
    pub fn backends(&self) -> &[Backend<P>] {
        &self.0.backends
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Passwords hashed or verified so far: for metrics.
    pub fn password_operations(&self) -> u64 {
        self.0.hashing.operations()
    }

    /// Removes the stored tokens that are over, in batches that are short enough for others to come in between, and tells
    /// how many there were. Call it every minute or so; any number of nodes may.
    ///
    /// # Errors
    /// A failure of a token store.
    pub async fn remove_expired_tokens(&self) -> Result<u64, UserError> {
        let mut removed = 0;
        for backend in &self.0.backends {
            loop {
                let batch = backend.remove_expired(EXPIRED_BATCH).await?;
                removed += batch;
                if batch < u64::from(EXPIRED_BATCH) {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        Ok(removed)
    }

    /// The same for what is kept of [limits that nodes share](UsersBuilder::shared_rate_limits).
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn remove_expired_limits(&self) -> Result<u64, UserError> {
        let mut removed = 0;
        loop {
            let batch = self.0.limiter.remove_expired(EXPIRED_BATCH).await?;
            removed += batch;
            if batch < u64::from(EXPIRED_BATCH) {
                return Ok(removed);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the queued jobs are done: mails that were promised are sent. Call it after the server has stopped. Durable
    /// jobs have ten seconds; the rest is left to other nodes, or to the next start. [Audit events](Self::events) that wait to
    /// be written have five.
    pub async fn shutdown(&self) {
        self.0.jobs.finished().await;
        self.manager().finish_jobs().await;
        self.write_events().await;
    }
}

impl<P: Profile> Clone for Users<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Profile> std::fmt::Debug for Users<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").field("backends", &self.0.backends).finish_non_exhaustive()
    }
}

/// Builds [`Users`]. What needs more than a [`UserStore`], such as providers of accounts, compiles only if the store has it.
#[must_use]
pub struct UsersBuilder<P: Profile, S> {
    pub(crate) store: Arc<S>,
    secret: Secret,
    backends: Vec<Backend<P>>,
    hooks: HookStack<P>,
    policy: Policy,
    hasher: Option<Arc<dyn PasswordHasher>>,
    hashing: PoolOptions,
    password_words: Vec<String>,
    reset: TokenOptions,
    verification: TokenOptions,
    email_change: TokenOptions,
    email_revert: TokenOptions,
    require_verified_users: bool,
    trusted_origins: Vec<String>,
    rate_limits: RateLimits,
    trusted_proxies: Vec<String>,
    shared_limits: Option<Arc<dyn DynLimitStore>>,
    device_cookie: Cookie,
    durable_jobs: Option<(Arc<dyn DynJobStore>, JobOptions)>,
    audit: Option<(Arc<dyn DynAuditStore>, AuditOptions)>,
    #[cfg(feature = "oauth")]
    pub(crate) oauth_settings: OAuthSettings<P>,
}

impl<P: Profile, S: UserStore<P>> UsersBuilder<P, S> {
    /// Adds a way to be logged in. Several are tried in the order given; the first that yields a user wins.
    pub fn backend(mut self, backend: Backend<P>) -> Self {
        self.backends.push(backend);
        self
    }

    /// Adds hooks; several run in the order given.
    pub fn hooks(mut self, hooks: impl Hooks<P>) -> Self {
        self.hooks.push(hooks);
        self
    }

    /// Replaces [`Policy::secure`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Replaces the hasher; by default Argon2id with the policy's parameters, which also verifies bcrypt.
    pub fn hasher(mut self, hasher: impl PasswordHasher) -> Self {
        self.hasher = Some(Arc::new(hasher));
        self
    }

    /// Threads and queue of the hashing pool; by default a thread for each core.
    pub const fn hashing(mut self, options: PoolOptions) -> Self {
        self.hashing = options;
        self
    }

    /// Names that everybody who attacks this application tries as a password: its own, its company's. A password is refused
    /// that is nothing but their words and those of the user's address, where
    /// [`PasswordRules::reject_context_words`](crate::PasswordRules::reject_context_words) says so. Words of less than three
    /// letters do not count.
    pub fn password_words<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.password_words.extend(names.into_iter().map(Into::into));
        self
    }

    /// Key, lifetime and audience of tokens that reset a password.
    pub fn reset_token(mut self, options: TokenOptions) -> Self {
        self.reset = options;
        self
    }

    /// Key, lifetime and audience of tokens that verify an address.
    pub fn verification_token(mut self, options: TokenOptions) -> Self {
        self.verification = options;
        self
    }

    /// Key, lifetime and audience of tokens that confirm a new address.
    pub fn email_change_token(mut self, options: TokenOptions) -> Self {
        self.email_change = options;
        self
    }

    /// Key, lifetime and audience of tokens that take the change of an address back.
    pub fn email_revert_token(mut self, options: TokenOptions) -> Self {
        self.email_revert = options;
        self
    }

    /// The users routes (`/users/me`, `/users/{id}`) answer 403 to users whose address is not verified.
    pub const fn require_verified_users(mut self) -> Self {
        self.require_verified_users = true;
        self
    }

    /// Origins of other sites, like `https://app.example`, whose pages may act with a user's cookie. Without them a
    /// cookie counts only for requests of its own site (ASVS 3.5.1); other tokens are not restricted.
    pub fn trusted_origins<T: Into<String>>(mut self, origins: impl IntoIterator<Item = T>) -> Self {
        self.trusted_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// How often something may be tried. Default [`RateLimits::default`], under every policy.
    pub const fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.rate_limits = limits;
        self
    }

    /// Addresses or networks (`10.0.0.1`, `10.0.0.0/8`) of proxies of yours. A request that comes from one of them is from
    /// the client that its header `X-Forwarded-For` or `Forwarded` (RFC 7239) names: of these, from right to left, the
    /// first that is none of your proxies. From others the headers are not read, since anybody may send them. Every
    /// proxy must add the address of who asks it to one of the headers.
    pub fn trusted_proxies<T: Into<String>>(mut self, networks: impl IntoIterator<Item = T>) -> Self {
        self.trusted_proxies = networks.into_iter().map(Into::into).collect();
        self
    }

    /// Counts in a store that several nodes share, so that they together allow no more than one of them would: mostly Redis, or the
    /// database of the users. Without it each process counts in its own memory. The store gets keyed hashes, no addresses.
    ///
    /// Each decision is one question to the store, for all limits of an act together. A store that fails or takes longer than
    /// a second opens nothing: each node goes on with what it has counted itself, and asks again a second later.
    pub fn shared_rate_limits(mut self, store: impl LimitStore) -> Self {
        self.shared_limits = Some(Arc::new(store));
        self
    }

    /// Name and attributes of the cookie by which browsers are known, where the [policy](Policy::device_cookie) has one; without
    /// TLS it must not be `secure`, like the cookie of a session. Default [`Cookie::device`]. However long browsers keep it, it
    /// is worth nothing after 180 days.
    pub fn device_cookie(mut self, cookie: Cookie) -> Self {
        self.device_cookie = cookie;
        self
    }

    /// Keeps jobs in a store, mostly the one of the users: a mail that was promised is sent although the process is killed or
    /// the mail server is away, by whichever node comes to it. Without it jobs are kept in memory.
    ///
    /// Hooks in jobs then run at least once, mostly once, and with another [`Context`](crate::Context): of the request only the language
    /// is kept. Of one kind for one address one job waits at a time: who asks again before a mail was sent gets one.
    pub fn durable_jobs(mut self, store: impl JobStore, options: JobOptions) -> Self {
        self.durable_jobs = Some((Arc::new(store), options));
        self
    }

    /// Keeps [audit events](crate::AuditEvent) in a store, mostly the one of the users. They are logged in any case.
    pub fn audit(mut self, store: impl AuditStore, options: AuditOptions) -> Self {
        self.audit = Some((Arc::new(store), options));
        self
    }

    /// Checks the settings and starts nothing: threads and jobs come with the first router or request.
    ///
    /// # Errors
    /// [`BuildError`], which says what to change.
    pub fn build(self) -> Result<Users<P>, BuildError> {
        self.check()?;
        let proxies = TrustedProxies::parse(&self.trusted_proxies).map_err(BuildError)?;
        let Self { secret, policy, .. } = self;
        let store: Arc<dyn DynUserStore<P>> = self.store;
        let policy = Arc::new(policy);
        let one_time = |options: TokenOptions, label: &str| {
            let key = options.secret.unwrap_or_else(|| secret.derive(label));
            OneTimeTokens::new(
                TokenKeys::hs256(&key),
                key.derive("fingerprint"),
                options.lifetime,
                options.audience,
            )
        };
        let devices = DeviceCookies::new(secret.derive("device cookie"), self.device_cookie);
        let devices = policy.device_cookie.then_some(devices);
        let counts = Counts::new(self.shared_limits, secret.derive("limits"));
        let hasher = self.hasher.unwrap_or_else(|| Arc::new(policy.hashing));
        Ok(Users(Arc::new(Core {
            accounts: Accounts::new(
                Arc::clone(&store),
                Arc::clone(&policy),
                secret.derive("session fingerprint"),
            ),
            store,
            backends: self.backends,
            hooks: self.hooks,
            decoys: Decoys::new(Arc::clone(&hasher), secret.derive("password decoys")),
            hashing: HashingPool::new(hasher, self.hashing),
            password_words: ContextWords::new(self.password_words.iter().map(String::as_str)),
            reset: one_time(self.reset, "reset"),
            verification: one_time(self.verification, "verification"),
            email_change: one_time(self.email_change, "email change"),
            email_revert: one_time(self.email_revert, "email revert"),
            jobs: Jobs::new(),
            durable: self.durable_jobs.map(|(store, options)| Arc::new(Durable::new(store, options))),
            require_verified_users: self.require_verified_users,
            trusted_origins: self.trusted_origins,
            limiter: Limiter::new(self.rate_limits, proxies, devices, counts),
            audit_log: AuditLog::new(&secret, self.audit),
            #[cfg(feature = "oauth")]
            oauth: self.oauth_settings.build(&secret, &policy)?,
            policy,
        })))
    }

    fn check(&self) -> Result<(), BuildError> {
        let tokens = [
            ("reset", &self.reset),
            ("verification", &self.verification),
            ("email change", &self.email_change),
            ("email revert", &self.email_revert),
        ];
        let of_tokens = tokens.iter().map(|(name, options)| (*name, options.secret.as_ref()));
        for (name, secret) in [("builder", Some(&self.secret))].into_iter().chain(of_tokens) {
            if let Some(Err(weak)) = secret.map(Secret::check).filter(|_| !self.policy.weak_secrets) {
                let of = if name == "builder" { "the builder".to_owned() } else { format!("{name} tokens") };
                return Err(BuildError(format!("the secret of {of} is refused: {weak}")));
            }
        }
        let mut audiences = HashSet::new();
        for (name, options) in tokens {
            if options.lifetime == 0 {
                return Err(BuildError(format!("{name} tokens need a lifetime of at least one second")));
            }
            if !audiences.insert(&options.audience) {
                return Err(BuildError(format!("{name} tokens need an audience that no other tokens have")));
            }
        }
        if let Some(origin) = self.trusted_origins.iter().find(|origin| !origin::is_origin(origin)) {
            return Err(BuildError(format!(
                "the trusted origin {origin:?} is none that a browser sends: write `https://app.example`, in lower case and \
                 without a path, or the port if it is not the usual one"
            )));
        }
        self.policy.hashing.check().map_err(BuildError)?;
        let new_hash = match &self.hasher {
            Some(hasher) => hasher.memory(None),
            None => PasswordHasher::memory(&self.policy.hashing, None),
        };
        self.hashing.check(new_hash).map_err(BuildError)?;
        self.rate_limits.check().map_err(BuildError)?;
        let cookie = self.device_cookie.check(&self.policy);
        cookie.map_err(|reason| BuildError(format!("the device cookie is refused: {reason}")))?;
        if let Some((_, options)) = &self.durable_jobs {
            options.check().map_err(|reason| BuildError(reason.to_owned()))?;
        }
        if let Some((_, options)) = &self.audit {
            options.check().map_err(|reason| BuildError(reason.to_owned()))?;
        }
        let hides = self.policy.duplicate_registration == DuplicateRegistration::Hide;
        if hides && P::Id::generate().is_none() {
            return Err(BuildError(
                "duplicate registrations cannot be hidden while the database assigns ids: use UUIDs, or reveal"
                    .to_owned(),
            ));
        }
        let (mut names, mut paths) = (HashSet::new(), HashSet::new());
        for backend in &self.backends {
            // As operation ids see names: "a-b" and "ab" are one.
            let name: String =
                backend.name().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if name.is_empty() || !names.insert(name) {
                return Err(BuildError(format!("the backend name {:?} is empty or taken", backend.name())));
            }
            let path = backend.path();
            let well_formed =
                path.starts_with('/') && !path.ends_with('/') && !path.contains(['{', '}', '*', '?', '#']);
            if !well_formed || !paths.insert(path) {
                return Err(BuildError(format!(
                    "the path {path:?} of the backend {:?} is taken, or does not start with `/`, or ends with one",
                    backend.name()
                )));
            }
            let checked =
                backend.strategy.check(&self.policy).and_then(|()| backend.transport.check(&self.policy));
            checked.map_err(|reason| BuildError(format!("backend {:?}: {reason}", backend.name())))?;
        }
        #[cfg(feature = "oauth")]
        {
            let names: Vec<&str> = self.backends.iter().map(Backend::name).collect();
            let mut paths = paths.into_iter().map(str::to_owned).collect();
            self.oauth_settings.check(&names, &mut paths, &self.policy)?;
        }
        Ok(())
    }
}

impl<P: Profile, S> std::fmt::Debug for UsersBuilder<P, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UsersBuilder").field("backends", &self.backends).finish_non_exhaustive()
    }
}

/// Settings that contradict each other or are unsafe under the policy. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub(crate) String);
