//! One file for each provider.

mod github;

pub use github::GitHub;
