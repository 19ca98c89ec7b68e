#[cfg(any(not(unix), axum_users_argon2_heap, test))]
mod heap;
#[cfg(all(unix, not(axum_users_argon2_heap)))]
mod mapped;

#[cfg(any(not(unix), axum_users_argon2_heap))]
use heap::Pages;
#[cfg(all(unix, not(axum_users_argon2_heap)))]
use mapped::Pages;

use std::fmt;

use zeroize::Zeroize;

use crate::{Error, block::Block};

/// The memory of one hash at a time, kept for the next one: getting 64 MiB anew from the system costs as much as half a hash.
///
/// It grows to what the largest hash has asked for. On Linux it consists of huge pages if the system has them for whoever asks
/// (`/sys/kernel/mm/transparent_hugepage/enabled` is `always` or `madvise`), and is left out of core dumps. What a hash has left
/// in it can be overwritten ([`Memory::wipe`]) or given back ([`Memory::release`]); dropping it gives it back, too.
#[derive(Default)]
pub struct Memory {
    pages: Pages,
    /// Blocks that hashes have written.
    used: usize,
}

impl Memory {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { pages: Pages::NONE, used: 0 }
    }

    /// How many bytes it has from the system.
    pub fn bytes(&self) -> usize {
        self.pages.bytes()
    }

    /// Overwrites what hashes have left with zeros, and keeps it for the next one. Takes about as long as 5 % of a hash.
    pub fn wipe(&mut self) {
        let used = std::mem::take(&mut self.used);
        if let Some(blocks) = self.pages.blocks().get_mut(..used) {
            blocks.zeroize();
        }
    }

    /// Gives all of it back to the system, which overwrites it before others get it.
    pub fn release(&mut self) {
        *self = Self::new();
    }

    pub(crate) fn blocks(&mut self, count: usize) -> Result<&mut [Block], Error> {
        if count > self.pages.blocks().len() {
            // What there was has to go first: never both at once.
            self.release();
            self.pages = Pages::new(count).ok_or(Error::OutOfMemory)?;
        }
        self.used = self.used.max(count);
        self.pages.blocks().get_mut(..count).ok_or(Error::OutOfMemory)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{heap::Pages as OfTheHeap, *};

    #[test]
    fn it_grows_and_keeps_and_gives_back() {
        let mut memory = Memory::new();
        assert_eq!(memory.bytes(), 0);
        memory.blocks(8).unwrap()[7].0[127] = 1;
        let small = memory.bytes();
        assert!((8 * 1024..2 << 20).contains(&small), "{small}");
        assert_eq!(memory.blocks(5000).unwrap().len(), 5000);
        let large = memory.bytes();
        assert!(large >= 5000 * 1024, "{large}");
        assert_eq!(memory.blocks(8).unwrap().len(), 8);
        assert_eq!(memory.bytes(), large);
        memory.release();
        assert_eq!(memory.bytes(), 0);
        assert!(memory.blocks(8).unwrap().iter().all(|block| block.0 == [0; Block::WORDS]));
    }

    #[test]
    fn wiping_leaves_nothing_of_the_largest_hash() {
        let mut memory = Memory::new();
        for count in [4000, 10] {
            for block in memory.blocks(count).unwrap() {
                block.0 = [7; Block::WORDS];
            }
        }
        memory.wipe();
        assert!(memory.blocks(4000).unwrap().iter().all(|block| block.0 == [0; Block::WORDS]));
    }

    #[test]
    fn blocks_are_aligned() {
        let mut memory = Memory::new();
        for count in [1, 8, 100, 3000] {
            assert_eq!(memory.blocks(count).unwrap().as_ptr().addr() % 64, 0);
        }
        if cfg!(all(unix, not(axum_users_argon2_heap))) {
            assert_eq!(memory.blocks(3000).unwrap().as_ptr().addr() % (2 << 20), 0);
        }
    }

    /// The other kind, which this system does not need.
    #[test]
    fn the_heap_gives_the_same() {
        let mut pages = OfTheHeap::new(9).unwrap();
        assert_eq!((pages.bytes(), pages.blocks().len()), (9 * 1024, 9));
        assert!(pages.blocks().iter().all(|block| block.0 == [0; Block::WORDS]));
        let mut none = OfTheHeap::NONE;
        assert!(none.blocks().is_empty());
        assert!(OfTheHeap::new(usize::MAX / 1024).is_none());
    }

    #[test]
    fn too_much_is_an_error_and_not_the_end() {
        let mut memory = Memory::new();
        memory.blocks(8).unwrap();
        for count in [usize::MAX / 2048, usize::MAX / 1024, usize::MAX] {
            assert_eq!(memory.blocks(count).map(|blocks| blocks.len()), Err(Error::OutOfMemory));
        }
        assert_eq!(memory.blocks(8).map(|blocks| blocks.len()), Ok(8));
    }
}
