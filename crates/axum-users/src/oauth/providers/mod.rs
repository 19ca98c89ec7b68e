//! One file for each provider.

mod discord;
mod facebook;
mod github;
mod kakao;
mod linkedin;
mod naver;
mod reddit;
mod shopify;
mod spotify;
mod twitch;
mod x;

pub use discord::Discord;
pub use facebook::Facebook;
pub use github::GitHub;
pub use kakao::Kakao;
pub use linkedin::LinkedIn;
pub use naver::Naver;
pub use reddit::Reddit;
pub use shopify::Shopify;
pub use spotify::Spotify;
pub use twitch::Twitch;
pub use x::X;
