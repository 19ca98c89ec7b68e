//! Accounts at providers.

mod accounts;
mod adoption;
mod certified;
mod flow;
mod linking;
mod oidc;
mod return_to;
mod settings;
mod states;
