//! The guide: one page for each feature, named as its source and its tests.

#[doc = include_str!("../docs/audit.md")]
pub mod audit {}

#[doc = include_str!("../docs/auth.md")]
pub mod auth {}

#[doc = include_str!("../docs/change_email.md")]
pub mod change_email {}

#[doc = include_str!("../docs/hooks.md")]
pub mod hooks {}

#[doc = include_str!("../docs/jobs.md")]
pub mod jobs {}
#[doc = include_str!("../docs/limit.md")]
pub mod limit {}

#[cfg(feature = "mailer")]
#[doc = include_str!("../docs/mailer.md")]
pub mod mailer {}

#[cfg(feature = "oauth")]
#[doc = include_str!("../docs/oauth.md")]
pub mod oauth {}

#[cfg(feature = "openapi")]
#[doc = include_str!("../docs/openapi.md")]
pub mod openapi {}

#[doc = include_str!("../docs/password.md")]
pub mod password {}

/// How fast it is, measured beside others.
#[doc = include_str!("../docs/performance/cpu.svg")]
#[doc = include_str!("../docs/performance/latency.svg")]
#[doc = include_str!("../docs/performance/growth.svg")]
#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

#[doc = include_str!("../docs/policy.md")]
pub mod policy {}

#[cfg(feature = "macros")]
#[doc = include_str!("../docs/profile.md")]
pub mod profile {}

#[doc = include_str!("../docs/register.md")]
pub mod register {}

#[doc = include_str!("../docs/reset.md")]
pub mod reset {}

#[cfg(feature = "sqlite")]
#[doc = include_str!("../docs/stores.md")]
pub mod stores {}

#[cfg(feature = "testing")]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[doc = include_str!("../docs/users.md")]
pub mod users {}

#[doc = include_str!("../docs/verify.md")]
pub mod verify {}
