//! Argon2d, Argon2i and Argon2id (RFC 9106), versions 1.0 and 1.3, as fast as the machine can.
//!
//! [`Engine::detect`] takes the best of what the processor has: AVX-512, AVX2, or else the crate `argon2` of RustCrypto,
//! which is the measure of the others too: all give the same tags. [`Memory`] is kept from one hash to the next, in huge pages
//! where the system has them, which is worth a third of the time.
//!
//! Lanes are computed by turns on the calling thread: while one is computed, the block that another will need is on its
//! way from memory. Use the other cores for other passwords.
//!
//! ```
//! use axum_users_argon2::{Engine, Input, Memory, Params};
//!
//! let mut memory = Memory::new();
//! let mut tag = [0; 32];
//! let params = Params { memory_kib: 19_456, iterations: 2, lanes: 1, ..Params::default() };
//! Engine::detect().hash(&mut memory, &Input::new(b"guinevere", b"sixteen bytes!!!"), &params, &mut tag)?;
//! assert_eq!(tag[..4], [0x9a, 0x96, 0x00, 0xb4]);
//! # Ok::<(), axum_users_argon2::Error>(())
//! ```
//!
//! # Secrets
//!
//! What a password could be guessed from without the whole work is overwritten before [`Engine::hash`] returns: the first digest,
//! the last block of each lane, and what is made of them; but for what the compiler has left in registers and on the stack.
//! What else is left in a [`Memory`] is overwritten by the next hash or by [`Memory::wipe`], or given back to the system by
//! [`Memory::release`]. Core dumps do not have it on Linux.

mod block;
#[cfg(target_arch = "x86_64")]
mod digest;
mod engine;
mod error;
#[cfg(target_arch = "x86_64")]
mod fill;
#[cfg(target_arch = "x86_64")]
mod kernel;
mod memory;
mod params;
mod portable;

pub use engine::Engine;
pub use error::Error;
pub use memory::Memory;
pub use params::{
    Algorithm, Input, MAX_LANES, MAX_MEMORY_KIB, MIN_SALT_BYTES, MIN_TAG_BYTES, Params, Version,
};
