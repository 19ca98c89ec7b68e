use std::fmt;

use crate::{Error, block::Block};

/// The most lanes.
pub const MAX_LANES: u32 = 16;
/// The most memory, in KiB.
pub const MAX_MEMORY_KIB: u32 = 4 * 1024 * 1024;
/// The fewest bytes of a salt.
pub const MIN_SALT_BYTES: usize = 8;
/// The fewest bytes of a tag.
pub const MIN_TAG_BYTES: usize = 4;
/// The crate for all other machines takes no more.
const MAX_ASSOCIATED_DATA: usize = 32;
/// Points of a pass at which the lanes wait for each other.
pub(crate) const SLICES: usize = 4;

/// Which blocks refer to which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Depends on the password.
    Argon2d,
    /// Depends on no secret.
    Argon2i,
    /// Depends on no secret in the first half of the first pass, and on the password then.
    #[default]
    Argon2id,
}

impl Algorithm {
    /// Its name in PHC strings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Argon2d => "argon2d",
            Self::Argon2i => "argon2i",
            Self::Argon2id => "argon2id",
        }
    }

    /// The algorithm of a PHC string.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Argon2d, Self::Argon2i, Self::Argon2id].into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Its number in the digests (RFC 9106 §3.2).
    pub const fn number(self) -> u32 {
        match self {
            Self::Argon2d => 0,
            Self::Argon2i => 1,
            Self::Argon2id => 2,
        }
    }
}

/// Of the algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// 1.0: later passes overwrite blocks.
    V0x10,
    /// 1.3, that of RFC 9106: later passes add to them.
    #[default]
    V0x13,
}

impl Version {
    /// As PHC strings have it.
    pub const fn number(self) -> u32 {
        match self {
            Self::V0x10 => 0x10,
            Self::V0x13 => 0x13,
        }
    }
}

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Argon2id by default.
    pub algorithm: Algorithm,
    /// 1.3 by default.
    pub version: Version,
    /// Memory in KiB, 8 for each lane at least; 64 MiB by default (RFC 9106 §4, the second recommended option).
    pub memory_kib: u32,
    /// Passes over the memory; 3 by default.
    pub iterations: u32,
    /// Lanes, 1 to [`MAX_LANES`]; 4 by default.
    pub lanes: u32,
}

impl Default for Params {
    fn default() -> Self {
        let (algorithm, version) = (Algorithm::default(), Version::default());
        Self { algorithm, version, memory_kib: 64 * 1024, iterations: 3, lanes: 4 }
    }
}

impl Params {
    /// Whether they can be computed.
    ///
    /// # Errors
    /// Names the parameter that is out of bounds.
    pub const fn check(&self) -> Result<(), Error> {
        if self.lanes == 0 || self.lanes > MAX_LANES {
            return Err(Error::Lanes);
        }
        if self.memory_kib < 8 * self.lanes || self.memory_kib > MAX_MEMORY_KIB {
            return Err(Error::MemorySize);
        }
        if self.iterations == 0 { Err(Error::Iterations) } else { Ok(()) }
    }

    /// Blocks of one lane between two slices.
    pub(crate) const fn segment_length(&self) -> usize {
        self.memory_kib as usize / (SLICES * self.lanes as usize)
    }

    pub(crate) const fn block_count(&self) -> usize {
        self.segment_length() * SLICES * self.lanes as usize
    }
}

/// What is hashed. Its `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// Up to 2³² − 1 bytes.
    pub password: &'a [u8],
    /// From 8 bytes on; 16 are recommended (RFC 9106 §3.1).
    pub salt: &'a [u8],
    /// A key that is kept elsewhere than the tag, or nothing.
    pub secret: &'a [u8],
    /// Up to 32 bytes that the tag depends on, or nothing.
    pub associated_data: &'a [u8],
}

impl<'a> Input<'a> {
    /// Without a secret and associated data.
    pub const fn new(password: &'a [u8], salt: &'a [u8]) -> Self {
        Self { password, salt, secret: &[], associated_data: &[] }
    }

    pub(crate) fn check(&self, tag_bytes: usize) -> Result<(), Error> {
        let is_too_long = |length: usize| u32::try_from(length).is_err();
        if is_too_long(self.password.len()) {
            return Err(Error::Password);
        }
        if self.salt.len() < MIN_SALT_BYTES || is_too_long(self.salt.len()) {
            return Err(Error::Salt);
        }
        if is_too_long(self.secret.len()) {
            return Err(Error::Secret);
        }
        if self.associated_data.len() > MAX_ASSOCIATED_DATA {
            return Err(Error::AssociatedData);
        }
        if tag_bytes < MIN_TAG_BYTES || is_too_long(tag_bytes) { Err(Error::Tag) } else { Ok(()) }
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").finish_non_exhaustive()
    }
}

const _: () = assert!(Block::BYTES == 1024, "memory is counted in KiB and used in blocks");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let params = Params::default();
        assert_eq!(params.check(), Ok(()));
        for lanes in [0, MAX_LANES + 1, u32::MAX] {
            assert_eq!(Params { lanes, ..params }.check(), Err(Error::Lanes));
        }
        for memory_kib in [0, 31, MAX_MEMORY_KIB + 1, u32::MAX] {
            assert_eq!(Params { memory_kib, ..params }.check(), Err(Error::MemorySize));
        }
        assert_eq!(Params { iterations: 0, ..params }.check(), Err(Error::Iterations));
    }

    #[test]
    fn inputs_are_bounded_and_not_shown() {
        let input = Input { secret: b"excalibur", ..Input::new(b"guinevere", b"8 bytes!") };
        assert_eq!(input.check(4), Ok(()));
        assert_eq!(input.check(3), Err(Error::Tag));
        assert_eq!(Input { salt: b"7 bytes", ..input }.check(4), Err(Error::Salt));
        assert_eq!(Input { associated_data: &[0; 32], ..input }.check(4), Ok(()));
        assert_eq!(Input { associated_data: &[0; 33], ..input }.check(4), Err(Error::AssociatedData));
        assert_eq!(format!("{input:?}"), "Input { .. }");
    }

    #[test]
    fn names_are_those_of_phc_strings() {
        for algorithm in [Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id] {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
        assert_eq!(Algorithm::from_name("bcrypt"), None);
    }
}
