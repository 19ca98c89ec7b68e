//! Passwords that everybody tries first (ASVS 6.2.4), kept as a filter: `data/README.md` says from which lists.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use xorf::{BinaryFuse16, Descriptor, Filter};

/// What `xtask common-passwords` writes: the descriptor, then the fingerprints, all of them little-endian.
const BYTES: &[u8] = include_bytes!("../../data/common_passwords.filter");

static FILTER: LazyLock<BinaryFuse16> = LazyLock::new(|| {
    let word =
        |at| BYTES.iter().skip(at).take(4).rev().fold(0, |word: u32, byte| word << 8 | u32::from(*byte));
    let descriptor = Descriptor {
        seed: u64::from(word(4)) << 32 | u64::from(word(0)),
        segment_length: word(8),
        segment_length_mask: word(12),
        segment_count_length: word(16),
    };
    let (pairs, _) = BYTES.get(20..).unwrap_or_default().as_chunks();
    BinaryFuse16 { descriptor, fingerprints: pairs.iter().copied().map(u16::from_le_bytes).collect() }
});

/// Whether the password is in the list, apart from case and from white space around it. One of 65,000 that are not is taken
/// for one that is.
pub(super) fn is_common(password: &str) -> bool {
    FILTER.contains(&key(&password.trim().to_lowercase()))
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
    fn the_filter_is_complete() {
        let Descriptor { segment_length, segment_length_mask, segment_count_length, .. } = FILTER.descriptor;
        assert_eq!(segment_length_mask, segment_length - 1);
        assert_eq!(FILTER.fingerprints.len() as u32, segment_count_length + 2 * segment_length);
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
