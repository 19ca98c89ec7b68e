//! Passwords that are known from data breaches (ASVS 6.2.12): asked for at Have I Been Pwned, or looked up in a filter of its list.

mod build;
mod check;
mod filter;

use aws_lc_rs::digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY, digest};

pub use self::{
    build::{BuiltFilter, build_breach_filter},
    check::BreachCheck,
    filter::{BreachFilter, BreachFilterError},
};

/// The reason that is told.
const REASON: &str = "Password should not be one that is known from data breaches";

/// That it is SHA-1 is the choice of the service, by which its list is made; nothing rests on it.
fn sha1(password: &str) -> Digest {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes())
}
