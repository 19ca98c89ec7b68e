//! The compression function G (RFC 9106 §3.5) on the vectors of x86-64.

mod avx2;
mod avx512;

pub(crate) use {avx2::Avx2, avx512::Avx512};

use crate::block::Block;

/// That a value exists says that the processor has what it needs.
pub(crate) trait Kernel: Copy {
    /// Where it keeps the word that has this place in the RFC's block. The first word stays the first.
    fn place(word: usize) -> usize;

    /// Puts G of two blocks in the place of a third, or adds it to what is there. `first_word` gets the first word of the outcome,
    /// from which the next reference follows, as soon as it is known: half of the work is still to be done then.
    fn compress(
        self,
        previous: &Block,
        reference: &Block,
        block: &mut Block,
        add: bool,
        first_word: impl FnOnce(u64),
    );

    /// Fetches what is at an address from memory, which may be any.
    fn prefetch(self, block: *const Block);
}

/// The cache lines of a block.
fn prefetch(block: *const Block) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    for line in 0..Block::BYTES / 64 {
        let line = block.cast::<i8>().wrapping_add(64 * line);
        // SAFETY: a prefetch reads nothing and never faults; every x86-64 processor has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line) };
    }
}
