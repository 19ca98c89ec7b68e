use std::{ptr::NonNull, slice};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use crate::block::Block;

/// Of a huge page, and where one begins.
const HUGE: usize = 2 << 20;
/// Of a page, or a multiple of it; `mmap` rounds up to what the system has.
const PAGE: usize = 4096;

/// A private mapping of its own.
pub(super) struct Pages {
    mapping: NonNull<u8>,
    /// Bytes of the mapping.
    mapped: usize,
    /// Within the mapping, aligned.
    blocks: NonNull<Block>,
    count: usize,
}

// SAFETY: the mapping belongs to this value alone, like the memory of a box, and is bound to no thread.
unsafe impl Send for Pages {}
// SAFETY: a shared reference gives nothing but numbers.
unsafe impl Sync for Pages {}

impl Pages {
    pub(super) const NONE: Self =
        Self { mapping: NonNull::dangling(), mapped: 0, blocks: NonNull::dangling(), count: 0 };

    /// Zeros; `None` if there is no memory.
    pub(super) fn new(count: usize) -> Option<Self> {
        let bytes = count.checked_mul(Block::BYTES)?;
        // The last page is a huge one, too; and the mapping has room to begin where one does.
        let is_large = bytes >= HUGE;
        let bytes = bytes.checked_next_multiple_of(if is_large { HUGE } else { PAGE })?;
        let mapped = if is_large { bytes.checked_add(HUGE)? } else { bytes };
        if bytes == 0 || isize::try_from(mapped).is_err() {
            return None;
        }
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the system chooses takes nobody's memory.
        let mapping =
            unsafe { mmap_anonymous(std::ptr::null_mut(), mapped, protection, MapFlags::PRIVATE) }.ok()?;
        let mapping = NonNull::new(mapping.cast::<u8>())?;
        let offset = if is_large { mapping.as_ptr().align_offset(HUGE) } else { 0 };
        // No more than the room for it: if it ever were, the mapping is given back, and there is no memory.
        let mut pages = Self { mapping, mapped, blocks: NonNull::dangling(), count: 0 };
        if offset.checked_add(bytes)? > mapped {
            return None;
        }
        // SAFETY: the offset lies within the mapping.
        pages.blocks = unsafe { mapping.add(offset) }.cast();
        pages.count = bytes / Block::BYTES;
        pages.advise(bytes);
        Some(pages)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.count * Block::BYTES
    }

    pub(super) fn blocks(&mut self) -> &mut [Block] {
        // SAFETY: `blocks` is aligned (to a page, or dangling with no blocks) and followed by `count` blocks of the mapping,
        // which the system has filled with zeros; any bytes are a block. The mapping lives as long as `self`, which is
        // borrowed, and nothing else points into it.
        unsafe { slice::from_raw_parts_mut(self.blocks.as_ptr(), self.count) }
    }

    /// Huge pages, and none of it in core dumps; both are wishes.
    #[cfg(target_os = "linux")]
    fn advise(&mut self, bytes: usize) {
        use rustix::mm::{Advice, madvise};

        let huge = (bytes >= HUGE).then_some(Advice::LinuxHugepage);
        for advice in [Some(Advice::LinuxDontDump), huge].into_iter().flatten() {
            // SAFETY: the bytes lie within the mapping, and neither advice changes what they hold.
            let _ = unsafe { madvise(self.blocks.as_ptr().cast(), bytes, advice) };
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn advise(&mut self, _: usize) {}
}

impl Default for Pages {
    fn default() -> Self {
        Self::NONE
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if self.mapped > 0 {
            // SAFETY: the mapping is this value's own, whole, and nobody borrows from it any more.
            let _ = unsafe { munmap(self.mapping.as_ptr().cast(), self.mapped) };
        }
    }
}
