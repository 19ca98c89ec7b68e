//! Accounts at providers.

#[cfg(feature = "oauth")]
mod accounts;
mod adoption;
#[cfg(feature = "oauth")]
mod certified;
#[cfg(feature = "oauth")]
mod flow;
#[cfg(feature = "oauth")]
mod linking;
#[cfg(feature = "oauth")]
mod oidc;
#[cfg(feature = "oauth")]
mod return_to;
#[cfg(feature = "oauth")]
mod states;
