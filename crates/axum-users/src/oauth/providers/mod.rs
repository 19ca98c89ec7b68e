//! One file for each provider.

mod apple;
mod github;
mod gitlab;
mod google;
mod microsoft;
mod okta;
mod slack;

pub use self::{
    apple::Apple, github::GitHub, gitlab::GitLab, google::Google, microsoft::Microsoft, okta::Okta,
    slack::Slack,
};
