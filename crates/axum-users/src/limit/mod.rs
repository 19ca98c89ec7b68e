//! How often something may be tried: from one address, and for one user.
//!
//! Every limit takes its share before the act and gives it back afterwards if nothing was guessed, so that tries at the
//! same time do not slip through. Who is limited is told by keyed hashes of what came with the request: whether there is
//! such a user is not asked.

mod client;
mod counts;
mod device;
mod forwarded;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod limiter;
mod rule;
mod settings;
mod shared;
mod table;

pub(crate) use self::{
    client::Network,
    client::TrustedProxies,
    counts::Counts,
    device::DeviceCookies,
    limiter::{Act, Limiter, PasswordTry, TooManyTries},
};
pub use self::{
    rule::{LimitRule, LimitState},
    settings::RateLimits,
};
