//! How often something may be tried: from one address, and for one user.
//!
//! Every limit takes its share before the act and gives it back afterwards if nothing was guessed, so that tries at the
//! same time do not slip through. Who is limited is told by keyed hashes of what came with the request: whether there is
//! such a user is not asked.

mod client;
mod forwarded;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod limiter;
mod rate;
mod settings;
mod table;
mod tries;

pub use self::settings::RateLimits;
pub(crate) use self::{
    client::TrustedProxies,
    limiter::{Act, Limiter},
};
