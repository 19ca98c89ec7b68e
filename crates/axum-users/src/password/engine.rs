use std::cell::RefCell;

use axum_users_argon2::{Input, Memory, Params};

/// What computes Argon2. Both give the same hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The fastest that the machine has: `axum-users-argon2` with AVX-512 or AVX2, or else as [`Engine::Portable`].
    #[default]
    Fastest,
    /// The crate `argon2` of RustCrypto, on every machine: without unsafe code of our own on vectors, at twice the time.
    Portable,
}

thread_local! {
    /// The memory of this thread's computations: getting it anew from the system would cost a third of each. It ends with the
    /// thread.
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory::new()) };
}

impl Engine {
    /// `None` for parameters out of bounds, or without memory.
    pub(super) fn tag(
        self,
        params: &Params,
        password: &[u8],
        salt: &[u8],
        tag_bytes: usize,
    ) -> Option<Vec<u8>> {
        let engine = match self {
            Self::Fastest => axum_users_argon2::Engine::detect(),
            Self::Portable => axum_users_argon2::Engine::portable(),
        };
        let mut tag = vec![0; tag_bytes];
        MEMORY
            .with_borrow_mut(|memory| engine.hash(memory, &Input::new(password, salt), params, &mut tag))
            .ok()?;
        Some(tag)
    }
}

/// Gives the memory of this thread back to the system.
pub(super) fn release_memory() {
    MEMORY.with_borrow_mut(Memory::release);
}

#[cfg(test)]
pub(super) fn bytes_held() -> usize {
    MEMORY.with_borrow(Memory::bytes)
}
