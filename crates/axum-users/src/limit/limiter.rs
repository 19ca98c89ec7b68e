use std::{
    fmt::Display,
    hash::Hash,
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use http::HeaderValue;

use super::{
    LimitRule, RateLimits,
    client::{Client, Network, TrustedProxies, networks},
    counts::{Counts, Refused, Share, Taken},
    device::DeviceCookies,
    settings::FORGET,
};
use crate::{Context, UserError};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is limited for each client. Each act has its own share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Register,
    ForgotPassword,
    RequestVerify,
    ResetPassword,
    Verify,
    RequestEmailChange,
    ChangeEmail,
    #[cfg(feature = "oauth")]
    Authorize,
}

impl Act {
    const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::ForgotPassword => "forgot-password",
            Self::RequestVerify => "request-verify",
            Self::ResetPassword => "reset-password",
            Self::Verify => "verify",
            Self::RequestEmailChange => "request-email-change",
            Self::ChangeEmail => "change-email",
            #[cfg(feature = "oauth")]
            Self::Authorize => "authorize",
        }
    }
}

/// What has been tried lately, and whether it may be tried again.
pub(crate) struct Limiter {
    limits: RateLimits,
    proxies: TrustedProxies,
    counts: Counts,
    devices: Option<DeviceCookies>,
    told_of_unknown: AtomicBool,
    told_of_proxy: AtomicBool,
}

/// A password under way that counts as wrong until it is [given back](Limiter::give_back).
pub(crate) type PasswordTry = Taken;

/// A password that may not be tried.
pub(crate) struct TooManyTries {
    pub(crate) error: UserError,
    /// Too many have guessed at this address, and its owner is to be told.
    pub(crate) tell_owner: bool,
}

/// Networks as parts of names, and how many times the usual they may do.
type Clients = Vec<([u8; 17], u32)>;

impl Limiter {
    pub(crate) fn new(
        limits: RateLimits,
        proxies: TrustedProxies,
        devices: Option<DeviceCookies>,
        counts: Counts,
    ) -> Self {
        Self {
            devices: devices.filter(|_| limits.knows_devices()),
            limits,
            proxies,
            counts,
            told_of_unknown: AtomicBool::new(false),
            told_of_proxy: AtomicBool::new(false),
        }
    }

    #[cfg(feature = "openapi")]
    pub(crate) const fn limits(&self) -> &RateLimits {
        &self.limits
    }

    /// Counts an act of a client.
    pub(crate) async fn admit(&self, act: Act, cx: &Context) -> Result<(), UserError> {
        let limits = &self.limits;
        let count = match act {
            Act::Register => limits.register_per_minute,
            Act::ForgotPassword | Act::RequestVerify | Act::RequestEmailChange => {
                limits.mail_requests_per_minute
            }
            Act::ResetPassword | Act::Verify | Act::ChangeEmail => limits.tokens_per_minute,
            #[cfg(feature = "oauth")]
            Act::Authorize => limits.authorize_per_minute,
        };
        let clients = self.clients(cx).unwrap_or_default();
        self.take(of_clients("client", act.name().as_bytes(), &clients, count, MINUTE)).await.map(drop)
    }

    /// Counts a login of a client, and as one with a wrong password for this address. Who comes with a browser that the user
    /// has logged in with has tries of its own, whatever others do (LOG-4).
    pub(crate) async fn try_login(&self, address: &str, cx: &Context) -> Result<PasswordTry, TooManyTries> {
        let Some(clients) = self.clients(cx) else { return Ok(Taken::default()) };
        let attempts = of_clients("login", b"", &clients, self.limits.login_per_minute, MINUTE);
        self.try_password(attempts, address, &clients, cx).await
    }

    /// Counts that a user who is logged in gives the password once more, and as a wrong one for this address: whoever has a
    /// session guesses no more often than who has none (CHG-7).
    pub(crate) async fn try_reauthentication(
        &self,
        user: &impl Display,
        address: &str,
        cx: &Context,
    ) -> Result<PasswordTry, TooManyTries> {
        let Some(clients) = self.clients(cx) else { return Ok(Taken::default()) };
        let count = self.limits.reauthentications_per_minute;
        let attempts = of_user("reauthentication", user, count, MINUTE);
        self.try_password(attempts, address, &clients, cx).await
    }

    /// What is attempted stays taken; what a wrong password costs may be given back.
    async fn try_password(
        &self,
        mut attempts: Vec<Share>,
        address: &str,
        clients: &Clients,
        cx: &Context,
    ) -> Result<PasswordTry, TooManyTries> {
        if let Some(own) = self.of_device(address, cx)
            && let Ok(taken) = self.counts.take(vec![own]).await
        {
            return Ok(taken);
        }
        let first = attempts.len();
        attempts.extend(self.failures(address, clients));
        match self.counts.take(attempts).await {
            Ok(taken) => Ok(taken.from(first)),
            Err(refused) => {
                let tell_owner = refused.last() && self.may_tell_of_guesses(address).await;
                Err(TooManyTries { error: too_many(&refused), tell_owner })
            }
        }
    }

    /// The password was right, or not even looked at. This takes back the one try and nothing else (LOG-6).
    pub(crate) async fn give_back(&self, password: PasswordTry) {
        self.counts.give_back(password).await;
    }

    /// The cookie by which the browser is known from now on that has just logged in with this address.
    pub(crate) fn device_cookie(&self, address: &str) -> Option<HeaderValue> {
        self.devices.as_ref()?.issue(address)
    }

    /// Whether the user with this address has logged in with the browser before.
    pub(crate) fn knows_device(&self, address: &str, cx: &Context) -> bool {
        self.devices.as_ref().is_some_and(|devices| devices.device(address, cx).is_some())
    }

    /// Whether a user may be told once more of a browser that is not known, and counts it.
    pub(crate) async fn may_tell_of_device(&self, address: &str) -> bool {
        let shares = of_user("new device", &address, self.limits.duplicate_mails_per_hour, HOUR);
        self.counts.take(shares).await.is_ok()
    }

    /// Counts that a user sends back what was mailed.
    pub(crate) async fn try_confirmation(
        &self,
        act: Act,
        user: &impl Display,
        cx: &Context,
    ) -> Result<(), UserError> {
        if cx.headers().is_none() {
            return Ok(());
        }
        let count = self.limits.confirmations_per_hour;
        self.take(of_user(act.name(), user, count, HOUR)).await.map(drop)
    }

    /// Whoever has the mailbox has the address: what was guessed before counts no more, from anywhere or by this client.
    pub(crate) async fn forget_failures(&self, address: &str, cx: &Context) {
        let clients = self.clients(cx).unwrap_or_default();
        let mut shares = self.tries(address, &clients);
        shares.extend(self.failures_of_address(address));
        self.counts.forget(shares).await;
    }

    /// Removes from the store that nodes share what says nothing any more, at most `limit` entries, and tells how many.
    pub(crate) async fn remove_expired(&self, limit: u32) -> Result<u64, UserError> {
        Ok(self.counts.remove_expired(limit).await?)
    }

    /// Whether another mail of this kind may be sent to an address, and counts it.
    pub(crate) async fn may_mail(&self, kind: Act, address: &str) -> Option<Taken> {
        let limits = &self.limits;
        let periods =
            [(limits.mails_per_minute, MINUTE), (limits.mails_per_hour, HOUR), (limits.mails_per_day, DAY)];
        let shares = periods.into_iter().filter(|(count, _)| *count > 0).map(|(count, period)| {
            let seconds = period.as_secs().to_be_bytes();
            let parts: [&[u8]; 3] = [kind.name().as_bytes(), address.as_bytes(), &seconds];
            Share::new("mail", &parts, LimitRule::tokens(count, period))
        });
        self.counts.take(shares.collect()).await.ok()
    }

    /// Whether the owner of an address may be told once more that somebody has registered it, and counts it.
    pub(crate) async fn may_tell_of_duplicate(&self, address: &str) -> bool {
        let count = self.limits.duplicate_mails_per_hour;
        let shares = of_user("duplicate", &address, count, HOUR);
        self.counts.take(shares).await.is_ok()
    }

    /// The address of the client, as far as it is known.
    pub(crate) fn client(&self, cx: &Context) -> Option<IpAddr> {
        match Client::of(cx, &self.proxies) {
            Client::Known(known) => Some(known.address),
            Client::NoRequest | Client::Unknown => None,
        }
    }

    /// The network that counts as one client, as far as it is known.
    pub(crate) fn network(&self, cx: &Context) -> Option<Network> {
        let (network, _) = networks(self.client(cx)?).next()?;
        Some(network)
    }

    /// Whether this was not told of the client within the last minute.
    pub(crate) fn is_news(&self, what: impl Hash, cx: &Context) -> bool {
        self.counts.is_first(("news", what, self.network(cx)), &LimitRule::tokens(1, MINUTE))
    }

    /// Whether the owner of an address may be told once more that too many guess, and counts it.
    async fn may_tell_of_guesses(&self, address: &str) -> bool {
        // Without that limit it was another that refused.
        let is_limited = self.limits.login_failures_per_day > 0;
        is_limited && self.counts.take(of_user("guesses", &address, 1, DAY)).await.is_ok()
    }

    /// What a wrong password for this address costs, where the browser is not known; what is for all clients together comes last.
    fn failures(&self, address: &str, clients: &Clients) -> Vec<Share> {
        let count = self.limits.login_failures_per_minute;
        let mut shares = of_clients("failed by client", b"", clients, count, MINUTE);
        shares.extend(self.tries(address, clients));
        shares.extend(self.failures_of_address(address));
        shares
    }

    /// Those of one client for one address: it waits longer each time, and has so many a day.
    fn tries(&self, address: &str, clients: &Clients) -> Vec<Share> {
        let limits = &self.limits;
        let mut shares = Vec::new();
        for (network, factor) in clients.iter().filter(|_| limits.login_tries > 0) {
            let free = limits.login_tries.saturating_mul(*factor);
            let rule = LimitRule::back_off(free, limits.login_longest_wait, FORGET);
            shares.push(Share::new("tries", &[address.as_bytes(), network], rule));
        }
        let count = limits.login_client_failures_per_day;
        shares.extend(of_clients("failed by client for address", address.as_bytes(), clients, count, DAY));
        shares
    }

    /// Those of all clients together.
    fn failures_of_address(&self, address: &str) -> Vec<Share> {
        of_user("failed for address", &address, self.limits.login_failures_per_day, DAY)
    }

    /// What a wrong password costs where the user has logged in before.
    fn of_device(&self, address: &str, cx: &Context) -> Option<Share> {
        let device = self.devices.as_ref()?.device(address, cx)?;
        let rule = LimitRule::tokens(self.limits.device_tries_per_day, DAY);
        Some(Share::new("device", &[address.as_bytes(), &device], rule))
    }

    async fn take(&self, shares: Vec<Share>) -> Result<Taken, UserError> {
        self.counts.take(shares).await.map_err(|refused| too_many(&refused))
    }

    /// What the client counts as: `None` without a request, and nothing if it is not known.
    fn clients(&self, cx: &Context) -> Option<Clients> {
        let address = match Client::of(cx, &self.proxies) {
            Client::NoRequest => return None,
            Client::Unknown => {
                if self.limits.needs_clients() && !self.told_of_unknown.swap(true, Relaxed) {
                    tracing::warn!(
                        "the addresses of clients are not known, so that their rate limits do not hold: serve with \
                         into_make_service_with_connect_info::<SocketAddr>()"
                    );
                }
                None
            }
            Client::Known(known) => {
                if let Some(proxy) = known.unheard_proxy
                    && !self.told_of_proxy.swap(true, Relaxed)
                {
                    tracing::warn!(
                        %proxy,
                        "a proxy that is not trusted says for whom it asks: all its clients share one rate limit"
                    );
                }
                Some(known.address)
            }
        };
        Some(
            address
                .into_iter()
                .flat_map(networks)
                .map(|(network, factor)| (bytes(network), factor))
                .collect(),
        )
    }
}

fn bytes((bits, length): Network) -> [u8; 17] {
    let mut bytes = [length; 17];
    for (byte, bits) in bytes.iter_mut().zip(bits.to_be_bytes()) {
        *byte = bits;
    }
    bytes
}

/// So many for each client; 0 stands for no limit.
fn of_clients(kind: &str, what: &[u8], clients: &Clients, count: u32, period: Duration) -> Vec<Share> {
    let clients = clients.iter().filter(|_| count > 0).map(|(network, factor)| {
        let rule = LimitRule::tokens(count.saturating_mul(*factor), period);
        Share::new(kind, &[what, network], rule)
    });
    clients.collect()
}

/// So many for one user or address, whoever asks; 0 stands for no limit.
fn of_user(kind: &str, user: &impl Display, count: u32, period: Duration) -> Vec<Share> {
    let limited = (count > 0).then(|| LimitRule::tokens(count, period));
    limited.into_iter().map(|rule| Share::new(kind, &[user.to_string().as_bytes()], rule)).collect()
}

/// In whole seconds, so that who waits as long as is said is let in.
fn too_many(refused: &Refused) -> UserError {
    let micros = refused.longest().as_micros();
    let seconds = u64::try_from(micros.div_ceil(1_000_000)).unwrap_or(u64::MAX);
    UserError::TooManyRequests { retry_after: Duration::from_secs(seconds) }
}
