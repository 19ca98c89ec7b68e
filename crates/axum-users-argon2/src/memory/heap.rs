use crate::block::Block;

/// Blocks of the allocator, where there is no `mmap`.
#[derive(Default)]
pub(super) struct Pages(Vec<Block>);

impl Pages {
    pub(super) const NONE: Self = Self(Vec::new());

    /// Zeros; `None` if there is no memory.
    pub(super) fn new(count: usize) -> Option<Self> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count).ok()?;
        blocks.resize(count, Block::ZERO);
        Some(Self(blocks))
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.len() * Block::BYTES
    }

    pub(super) fn blocks(&mut self) -> &mut [Block] {
        &mut self.0
    }
}
