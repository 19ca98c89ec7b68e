use crate::{MAX_LANES, MAX_MEMORY_KIB};

/// Why there is no tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Parameter p.
    #[error("Argon2 takes 1 to {MAX_LANES} lanes")]
    Lanes,
    /// Parameter m.
    #[error("Argon2 takes 8 KiB of memory for each lane at least, and {MAX_MEMORY_KIB} KiB at most")]
    MemorySize,
    /// Parameter t.
    #[error("Argon2 takes 1 iteration at least")]
    Iterations,
    /// The salt is shorter than 8 bytes or longer than 2³² − 1.
    #[error("Argon2 takes salts of 8 bytes at least")]
    Salt,
    /// The password is longer than 2³² − 1 bytes.
    #[error("the password is too long")]
    Password,
    /// The secret is longer than 2³² − 1 bytes.
    #[error("the secret is too long")]
    Secret,
    /// The associated data are longer than 32 bytes.
    #[error("there are more than 32 bytes of associated data")]
    AssociatedData,
    /// The tag is shorter than 4 bytes or longer than 2³² − 1.
    #[error("Argon2 gives tags of 4 bytes at least")]
    Tag,
    /// The system has no memory for it.
    #[error("there is no memory for Argon2")]
    OutOfMemory,
}
