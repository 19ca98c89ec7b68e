//! Accounts at providers.

mod adoption;
mod oidc;
