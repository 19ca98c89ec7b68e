//! Passwords that everybody tries first (ASVS 6.2.4), kept as a filter: `data/README.md` says from which lists.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use xorf::{BinaryFuse16, Filter};

use super::fuse;

/// What `xtask common-passwords` writes.
const BYTES: &[u8] = include_bytes!("../../data/common_passwords.filter");

/// Nothing only if the file is spoilt, which a test would find.
static FILTER: LazyLock<Option<BinaryFuse16>> = LazyLock::new(|| fuse::read(BYTES));

/// Whether the password is in the list, apart from case and from white space around it. One of 65,000 that are not is taken
/// for one that is.
pub(super) fn is_common(password: &str) -> bool {
    FILTER.as_ref().is_some_and(|filter| filter.contains(&key(&password.trim().to_lowercase())))
}

/// As `xtask/src/common_passwords.rs` has it.
fn key(password: &str) -> u64 {
    let digest = Sha256::digest(password);
    digest.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_whole() {
        assert!(FILTER.is_some());
    }

    #[test]
    fn common_ones_are_found_in_every_spelling() {
        for password in
            ["password1", "PassWord1", "  password1\t", "12345678", "qwertyuiop", "guinevere", "солнышко"]
        {
            assert!(is_common(password), "{password}");
        }
        // Shorter than the policy wants, but a policy may want less.
        assert!(is_common("monkey") && is_common("1234"));
    }

    /// The filter takes one of 65,536 others for a common one.
    #[test]
    fn others_are_not_found() {
        let found = (0..200_000).filter(|number| is_common(&format!("a phrase of my own {number}"))).count();
        assert!(found < 15, "{found} of 200000");
        for password in ["", "excalibur in the stone", "correct horse battery staple 7", "guinevere1"] {
            assert!(!is_common(password), "{password}");
        }
    }
}
