//! Accounts at providers.

mod adoption;
#[cfg(feature = "oauth")]
mod franceconnect;
#[cfg(feature = "oauth")]
mod hostile;
#[cfg(feature = "oauth")]
mod profiles;
#[cfg(feature = "oauth")]
mod providers;
#[cfg(feature = "oauth")]
mod stage;
