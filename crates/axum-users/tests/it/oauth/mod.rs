//! Accounts at providers.

#[cfg(feature = "oauth")]
mod accounts;
mod adoption;
#[cfg(feature = "oauth")]
mod flow;
#[cfg(feature = "oauth")]
mod franceconnect;
#[cfg(feature = "oauth")]
mod hostile;
#[cfg(feature = "oauth")]
mod linking;
#[cfg(feature = "oauth")]
mod oidc;
#[cfg(feature = "oauth")]
mod profiles;
#[cfg(feature = "oauth")]
mod providers;
#[cfg(feature = "oauth")]
mod return_to;
#[cfg(feature = "oauth")]
mod stage;
#[cfg(feature = "oauth")]
mod states;
