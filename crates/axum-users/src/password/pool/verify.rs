//! What a password is compared with, whoever it is of.

use std::sync::atomic::Ordering::Relaxed;

use super::Shared;
use crate::{
    BoxError,
    password::{HashClass, PasswordHash, Verdict},
};

/// What a password is compared with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compared {
    /// The hash of a user, if there is one.
    pub(crate) hash: Option<PasswordHash>,
    /// What stands in for a hash that there is not, or that cannot be verified; a new hash if `None`.
    pub(crate) decoy: Option<PasswordHash>,
}

impl Shared {
    /// Bytes that comparing takes.
    pub(super) fn memory_to_verify(&self, compared: &Compared) -> u64 {
        let stored = compared.hash.as_ref().filter(|hash| hash.is_usable());
        let decoy = self.decoy(compared);
        let is_verifiable = stored.or(decoy).is_some_and(|read| self.is_verifiable(read));
        if let Some(hash) = stored.filter(|_| !is_verifiable) {
            self.tell_of_memory(self.hasher.memory(Some(hash)));
        }
        self.hasher.memory(stored.filter(|_| is_verifiable).or(decoy))
    }

    pub(super) fn verdict(&self, password: &str, compared: &Compared) -> Result<Verdict, BoxError> {
        let nobody = match self.nobody.get() {
            Some(nobody) => nobody,
            None => {
                let nobody = self.hasher.hash("")?;
                self.nobody.get_or_init(|| nobody)
            }
        };
        let decoy = self.decoy(compared).unwrap_or(nobody);
        // Reading a hash takes time too, of each class another: in any case that of the class that is compared is read.
        let stored = compared.hash.as_ref();
        let is_usable = stored.unwrap_or(decoy).is_usable();
        let is_verifiable = self.is_verifiable(stored.filter(|_| is_usable).unwrap_or(decoy));
        if let Some(hash) = stored.filter(|_| is_usable && is_verifiable) {
            return Ok(self.hasher.verify(password, hash));
        }
        // Without it the tests of times must fail (tests/timing).
        if cfg!(not(axum_users_without_dummy_hash)) {
            std::hint::black_box(self.hasher.verify(password, decoy));
        }
        Ok(Verdict::Mismatch)
    }

    fn decoy<'a>(&self, compared: &'a Compared) -> Option<&'a PasswordHash> {
        compared.decoy.as_ref().filter(|decoy| self.fits(self.hasher.memory(Some(decoy))))
    }

    fn is_verifiable(&self, hash: &PasswordHash) -> bool {
        self.hasher.class(hash) != HashClass::Unverifiable && self.fits(self.hasher.memory(Some(hash)))
    }

    const fn fits(&self, memory: u64) -> bool {
        memory <= self.options.memory
    }

    fn tell_of_memory(&self, needed: u64) {
        if !self.fits(needed) && !self.told_of_memory.swap(true, Relaxed) {
            tracing::error!(
                needed,
                limit = self.options.memory,
                "a stored password hash takes more bytes than the hashing pool may have: who has such a hash cannot log in"
            );
        }
    }
}
