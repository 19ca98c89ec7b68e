//! Accounts at providers.

mod accounts;
mod adoption;
mod flow;
mod franceconnect;
mod hostile;
mod linking;
mod profiles;
mod providers;
mod return_to;
mod stage;
mod states;
