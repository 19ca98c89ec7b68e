use std::time::Duration;

/// How long wrong passwords are remembered after the last one. Who waits for that gets fewer tries than who waits for the
/// next.
pub(super) const FORGET: Duration = Duration::from_secs(15 * 60);

/// How often something may be tried. Each figure is the count that its name says; 0 stands for no limit.
///
/// A *client* is an IPv4 address or an IPv6 network of 64 bits; all of an IPv6 network of 48 bits together have ten times
/// as much. Its address is that of the connection, which axum knows if the application is served with
/// `into_make_service_with_connect_info::<SocketAddr>()`; behind proxies see
/// [`trusted_proxies`](crate::UsersBuilder::trusted_proxies). Without one only the limits hold that are for one address or user,
/// whoever asks.
///
/// Limits are token buckets: as many as the figure says at once, and then one after the other as time passes. They are kept
/// in memory that does not grow, by each process for itself, or in a store that [all share](crate::UsersBuilder::shared_rate_limits).
///
/// ```
/// use axum_users::{Backend, Bearer, Jwt, MemoryStore, RateLimits, Users};
///
/// let secret = "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f"; // yours from the environment
/// let users: Users = Users::builder(MemoryStore::new(), secret)
///     .backend(Backend::new("jwt", Bearer, Jwt::new(secret)))
///     .rate_limits(RateLimits { login_per_minute: 60, ..RateLimits::default() })
///     .trusted_proxies(["10.0.0.0/8"])
///     .build()?;
/// # Ok::<(), axum_users::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Logins of one client. Default 30.
    pub login_per_minute: u32,
    /// Wrong passwords of one client, for whatever addresses. Default 10.
    pub login_failures_per_minute: u32,
    /// Wrong passwords of one client for one address, whether anybody has it, that cost no wait. Default 5. After them the
    /// client waits for 1 second, then 2, 4, 8, … between its tries for this address; other clients do not. Fifteen
    /// minutes after the last one they are forgotten.
    pub login_tries: u32,
    /// The longest of these waits: 1 second to 15 minutes. Default 30 seconds.
    pub login_longest_wait: Duration,
    /// Wrong passwords of one client for one address. Default 20.
    pub login_client_failures_per_day: u32,
    /// Wrong passwords for one address, whoever sends them. Beyond that nobody logs in with it but from a browser that is
    /// known for it, by a provider, or after the password was reset by mail. Default 100, the most that NIST SP 800-63B allows
    /// (section 3.2.2).
    pub login_failures_per_day: u32,
    /// Wrong passwords from a browser that is known for an address: after a login it keeps a
    /// [device cookie](crate::Policy::device_cookie) for 180 days. They count for none of the limits above, so that nobody who guesses
    /// elsewhere keeps the user out; when they are used up, the browser is one like any other. With 0 no browser is known.
    /// Default 10.
    pub device_tries_per_day: u32,
    /// How often a user who is logged in gives the password once more, to change it or the address. A wrong one counts like
    /// that of a login as well. Default 5.
    pub reauthentications_per_minute: u32,
    /// Registrations of one client. Default 10.
    pub register_per_minute: u32,
    /// What one client asks to be mailed: this many passwords forgotten, this many verifications and this many changes of an
    /// address. Default 20.
    pub mail_requests_per_minute: u32,
    /// Mails of one kind to one address, which count together with the next two figures. Beyond that a request is answered
    /// like any other, and nothing is sent. Default 1.
    pub mails_per_minute: u32,
    /// Default 5.
    pub mails_per_hour: u32,
    /// Default 10.
    pub mails_per_day: u32,
    /// What the owner of an address is told about registrations of it that are hidden, see
    /// [`DuplicateRegistration::Hide`](crate::DuplicateRegistration::Hide), and about others who want to change theirs to it; and of
    /// logins from browsers that are not known, see [`Policy::tell_of_new_devices`](crate::Policy::tell_of_new_devices). Of each kind so
    /// many. Default 3.
    pub duplicate_mails_per_hour: u32,
    /// What one client sends that it was mailed: this many tokens that reset a password, this many that verify an address
    /// and this many that change one. Default 20.
    pub tokens_per_minute: u32,
    /// Tokens for one user that are genuine: this many that reset a password, this many that verify an address, and this many that
    /// change it. What takes a change back is not limited so: whoever has taken an account over could use it up. Default 10.
    pub confirmations_per_hour: u32,
    /// Ways to a provider that one client begins. Default 30.
    pub authorize_per_minute: u32,
}

impl RateLimits {
    /// No limits, for an application that has others.
    pub const fn off() -> Self {
        Self {
            login_per_minute: 0,
            login_failures_per_minute: 0,
            login_tries: 0,
            login_longest_wait: Duration::from_secs(30),
            login_client_failures_per_day: 0,
            login_failures_per_day: 0,
            device_tries_per_day: 0,
            reauthentications_per_minute: 0,
            register_per_minute: 0,
            mail_requests_per_minute: 0,
            mails_per_minute: 0,
            mails_per_hour: 0,
            mails_per_day: 0,
            duplicate_mails_per_hour: 0,
            tokens_per_minute: 0,
            confirmations_per_hour: 0,
            authorize_per_minute: 0,
        }
    }

    /// Whether a limit needs to know clients.
    pub(super) const fn needs_clients(&self) -> bool {
        self.login_per_minute > 0
            || self.login_failures_per_minute > 0
            || self.login_client_failures_per_day > 0
            || self.login_tries > 0
            || self.register_per_minute > 0
            || self.mail_requests_per_minute > 0
            || self.tokens_per_minute > 0
            || self.authorize_per_minute > 0
    }

    /// Whether there is a limit that a known browser is spared.
    pub(super) const fn knows_devices(&self) -> bool {
        self.device_tries_per_day > 0
            && (self.login_per_minute > 0
                || self.login_failures_per_minute > 0
                || self.login_tries > 0
                || self.login_client_failures_per_day > 0
                || self.login_failures_per_day > 0)
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let range = Duration::from_secs(1)..=FORGET;
        if range.contains(&self.login_longest_wait) {
            return Ok(());
        }
        Err("the longest wait between logins must be from 1 second to 15 minutes".to_owned())
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            login_per_minute: 30,
            login_failures_per_minute: 10,
            login_tries: 5,
            login_longest_wait: Duration::from_secs(30),
            login_client_failures_per_day: 20,
            login_failures_per_day: 100,
            device_tries_per_day: 10,
            reauthentications_per_minute: 5,
            register_per_minute: 10,
            mail_requests_per_minute: 20,
            mails_per_minute: 1,
            mails_per_hour: 5,
            mails_per_day: 10,
            duplicate_mails_per_hour: 3,
            tokens_per_minute: 20,
            confirmations_per_hour: 10,
            authorize_per_minute: 30,
        }
    }
}
