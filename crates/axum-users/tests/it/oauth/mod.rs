//! Accounts at providers.

mod accounts;
mod adoption;
mod certified;
mod flow;
mod franceconnect;
mod hostile;
mod linking;
mod oidc;
mod profiles;
mod providers;
mod return_to;
mod settings;
mod stage;
mod states;
