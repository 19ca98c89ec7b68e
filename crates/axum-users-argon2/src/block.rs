use zeroize::DefaultIsZeroes;

/// What Argon2's memory consists of: 1024 bytes. A kernel may keep the words in an order of its own.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Block(pub(crate) [u64; Block::WORDS]);

impl Block {
    pub(crate) const BYTES: usize = 1024;
    pub(crate) const WORDS: usize = Self::BYTES / 8;
    pub(crate) const ZERO: Self = Self([0; Self::WORDS]);
}

impl Default for Block {
    fn default() -> Self {
        Self::ZERO
    }
}

impl DefaultIsZeroes for Block {}
