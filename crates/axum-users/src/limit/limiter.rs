use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    RateLimits,
    client::{Client, Network, TrustedProxies, networks},
    rate::{DAY, HOUR, MINUTE, Rate},
    table::Table,
    tries::Tries,
};
use crate::{Context, UserError};

/// How many keys are remembered: 24 MB, if there are ever so many.
const KEYS: usize = 1 << 20;

/// What is limited for each client. Each act has its own share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    Login,
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

/// What has been tried lately, and whether it may be tried again.
pub(crate) struct Limiter {
    limits: RateLimits,
    proxies: TrustedProxies,
    table: Table,
    /// Keys the hashes: nobody can find two that are the same.
    hashes: RandomState,
    start: Instant,
    told_of_unknown: AtomicBool,
    told_of_proxy: AtomicBool,
}

/// A login under way that counts as failed until it is [given back](Limiter::give_back).
#[must_use]
pub(crate) struct LoginTry(Vec<(u64, Tries)>);

impl Limiter {
    pub(crate) fn new(limits: RateLimits, proxies: TrustedProxies) -> Self {
        Self {
            limits,
            proxies,
            table: Table::new(KEYS),
            hashes: RandomState::new(),
            start: Instant::now(),
            told_of_unknown: AtomicBool::new(false),
            told_of_proxy: AtomicBool::new(false),
        }
    }

    #[cfg(feature = "openapi")]
    pub(crate) const fn limits(&self) -> &RateLimits {
        &self.limits
    }

    /// Counts an act of a client.
    pub(crate) fn admit(&self, act: Act, cx: &Context) -> Result<(), UserError> {
        let limits = &self.limits;
        let count = match act {
            Act::Login => limits.login_per_minute,
            Act::Register => limits.register_per_minute,
            Act::ForgotPassword | Act::RequestVerify | Act::RequestEmailChange => {
                limits.mail_requests_per_minute
            }
            Act::ResetPassword | Act::Verify | Act::ChangeEmail => limits.tokens_per_minute,
            #[cfg(feature = "oauth")]
            Act::Authorize => limits.authorize_per_minute,
        };
        let Some(rate) = Rate::new(count, MINUTE) else { return Ok(()) };
        let rates = self.networks(cx).map(|(network, factor)| {
            let key = self.hashes.hash_one(("client", act, network));
            (key, rate.times(factor))
        });
        self.take_all(&rates.collect::<Vec<_>>()).map_err(too_many)
    }

    /// Counts a login of a client, and as one with a wrong password for this address.
    pub(crate) fn try_login(&self, address: &str, cx: &Context) -> Result<LoginTry, UserError> {
        self.admit(Act::Login, cx)?;
        let mut taken = LoginTry(Vec::new());
        if self.limits.login_tries == 0 {
            return Ok(taken);
        }
        let longest = micros(self.limits.login_longest_wait);
        for (network, factor) in self.networks(cx) {
            let key = self.hashes.hash_one(("login", address, network));
            let tries = Tries { free: u64::from(self.limits.login_tries) * factor, longest };
            let now = self.now();
            match self.table.update(key, now, |entry| tries.take(entry, now)) {
                Ok(()) => taken.0.push((key, tries)),
                Err(wait) => {
                    self.give_back(taken);
                    return Err(too_many(wait));
                }
            }
        }
        Ok(taken)
    }

    /// Counts a password that somebody who is logged in gives again: as a login, and for the user whoever asks.
    pub(crate) fn try_again(&self, address: &str, cx: &Context) -> Result<LoginTry, UserError> {
        if let Some(rate) = Rate::new(self.limits.current_passwords_per_minute, MINUTE) {
            self.take_all(&[(self.hashes.hash_one(("again", address)), rate)]).map_err(too_many)?;
        }
        self.try_login(address, cx)
    }

    /// The password was right, or not even looked at. This takes back the one try and nothing else (LOG-6).
    pub(crate) fn give_back(&self, login: LoginTry) {
        for (key, tries) in login.0 {
            self.table.update(key, self.now(), |entry| tries.give_back(entry));
        }
    }

    /// Whether another mail of this kind may be sent to an address, and counts it.
    pub(crate) fn may_mail(&self, kind: Act, address: &str) -> bool {
        self.take_all(&self.mails(kind, address)).is_ok()
    }

    /// The mail could not even be promised: whoever asks again gets it.
    pub(crate) fn give_mail_back(&self, kind: Act, address: &str) {
        for (key, rate) in self.mails(kind, address) {
            self.table.update(key, self.now(), |entry| rate.give_back(entry));
        }
    }

    fn mails(&self, kind: Act, address: &str) -> Vec<(u64, Rate)> {
        let limits = &self.limits;
        let periods =
            [(limits.mails_per_minute, MINUTE), (limits.mails_per_hour, HOUR), (limits.mails_per_day, DAY)];
        let rates = periods.into_iter().filter_map(|(count, period)| {
            Some((self.hashes.hash_one(("mail", kind, address, period)), Rate::new(count, period)?))
        });
        rates.collect()
    }

    /// Whether the owner of an address may be told once more that somebody has registered it, and counts it.
    pub(crate) fn may_tell_of_duplicate(&self, address: &str) -> bool {
        let rate = Rate::new(self.limits.duplicate_mails_per_hour, HOUR);
        rate.is_none_or(|rate| self.take_all(&[(self.hashes.hash_one(("duplicate", address)), rate)]).is_ok())
    }

    /// Takes from all of them or from none.
    fn take_all(&self, rates: &[(u64, Rate)]) -> Result<(), u64> {
        for (index, (key, rate)) in rates.iter().enumerate() {
            let now = self.now();
            if let Err(wait) = self.table.update(*key, now, |entry| rate.take(entry, now)) {
                for (key, rate) in rates.iter().take(index) {
                    self.table.update(*key, now, |entry| rate.give_back(entry));
                }
                return Err(wait);
            }
        }
        Ok(())
    }

    /// What the client counts as: nothing if it is not known.
    fn networks(&self, cx: &Context) -> impl Iterator<Item = (Network, u64)> + use<> {
        let address = match Client::of(cx, &self.proxies) {
            Client::NoRequest => None,
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
        address.into_iter().flat_map(networks)
    }

    /// Microseconds since a moment before the start, so that 0 is always over. Monotonic.
    fn now(&self) -> u64 {
        micros(self.start.elapsed()).saturating_add(1)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// In whole seconds, so that who waits as long as is said is let in.
fn too_many(wait: u64) -> UserError {
    UserError::TooManyRequests { retry_after: Duration::from_secs(wait.div_ceil(1_000_000)) }
}
