//! One file for each provider.

mod apple;
mod discord;
mod facebook;
mod franceconnect;
mod github;
mod gitlab;
mod google;
mod kakao;
mod linkedin;
mod microsoft;
mod naver;
mod okta;
mod reddit;
mod shopify;
mod slack;
mod spotify;
mod twitch;
mod x;

pub use self::{
    apple::Apple, discord::Discord, facebook::Facebook, franceconnect::FranceConnect, github::GitHub,
    gitlab::GitLab, google::Google, kakao::Kakao, linkedin::LinkedIn, microsoft::Microsoft, naver::Naver,
    okta::Okta, reddit::Reddit, shopify::Shopify, slack::Slack, spotify::Spotify, twitch::Twitch, x::X,
};
