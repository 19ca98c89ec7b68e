//! Accounts at providers.

mod accounts;
mod adoption;
mod flow;
mod linking;
mod return_to;
mod settings;
mod states;
