use crate::{Error, Input, Memory, Params, portable};
#[cfg(target_arch = "x86_64")]
use crate::{
    fill,
    kernel::{Avx2, Avx512},
};

/// Computes Argon2. All engines give the same tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Engine {
    /// The fastest that this machine has. Asking costs next to nothing.
    pub fn detect() -> Self {
        Self::available().last().unwrap_or(Self::portable())
    }

    /// The crate `argon2` of RustCrypto, which runs everywhere.
    pub const fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// All that this machine has, the fastest last: for tests and measurements.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let vectors = [Avx2::detect().map(Kind::Avx2), Avx512::detect().map(Kind::Avx512)];
        #[cfg(not(target_arch = "x86_64"))]
        let vectors: [Option<Kind>; 0] = [];
        std::iter::once(Kind::Portable).chain(vectors.into_iter().flatten()).map(Self)
    }

    /// `portable`, `avx2` or `avx512`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
        }
    }

    /// Fills the tag, whose length is a parameter, too: from 4 bytes on.
    ///
    /// # Errors
    /// A parameter is out of its bounds, or the system has no memory. The tag is as it was then.
    pub fn hash(
        self,
        memory: &mut Memory,
        input: &Input<'_>,
        params: &Params,
        tag: &mut [u8],
    ) -> Result<(), Error> {
        params.check()?;
        input.check(tag.len())?;
        let blocks = memory.blocks(params.block_count())?;
        match self.0 {
            Kind::Portable => portable::hash(blocks, input, params, tag),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(kernel) => fill::hash(kernel, blocks, input, params, tag).ok_or(Error::OutOfMemory),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(kernel) => fill::hash(kernel, blocks, input, params, tag).ok_or(Error::OutOfMemory),
        }
    }
}

impl Default for Engine {
    /// [`Engine::detect`].
    fn default() -> Self {
        Self::detect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Block;

    #[test]
    fn the_blocks_of_which_the_tag_is_made_do_not_stay() {
        let params = Params { memory_kib: 64, iterations: 2, lanes: 4, ..Params::default() };
        for engine in Engine::available() {
            let mut memory = Memory::new();
            let mut tag = [0; 32];
            engine.hash(&mut memory, &Input::new(b"guinevere", b"8 bytes!"), &params, &mut tag).unwrap();
            for lane in memory.blocks(params.block_count()).unwrap().chunks(16) {
                let is_wiped = |block: &Block| block.0 == [0; Block::WORDS];
                assert!(is_wiped(&lane[15]) && !is_wiped(&lane[14]), "{}", engine.name());
            }
        }
    }
}
