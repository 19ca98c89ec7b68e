//! Argon2 over a kernel (RFC 9106 §3.2 to §3.4), the lanes by turns.

use std::array;

use zeroize::{Zeroize, Zeroizing};

use crate::{
    Algorithm, Input, MAX_LANES, Params, Version, block::Block, digest, kernel::Kernel, params::SLICES,
};

/// `None` only if there are not as many blocks as the parameters ask for.
pub(crate) fn hash(
    kernel: impl Kernel,
    blocks: &mut [Block],
    input: &Input<'_>,
    params: &Params,
    tag: &mut [u8],
) -> Option<()> {
    let blocks = blocks.get_mut(..params.block_count())?;
    begin(kernel, blocks, input, params, tag.len());
    fill(kernel, blocks, params)?;
    finish(kernel, blocks, params, tag);
    Some(())
}

/// The first two blocks of each lane.
fn begin<K: Kernel>(_: K, blocks: &mut [Block], input: &Input<'_>, params: &Params, tag_bytes: usize) {
    let first = digest::first(input, params, tag_bytes);
    let mut bytes = Zeroizing::new([0; Block::BYTES]);
    for (lane, blocks) in blocks.chunks_exact_mut(SLICES * params.segment_length()).enumerate() {
        for (column, block) in blocks.iter_mut().take(2).enumerate() {
            let [column, lane] = [column, lane].map(|number| (number as u32).to_le_bytes());
            digest::long(&[first.as_slice(), &column, &lane], bytes.as_mut_slice());
            let (words, _) = bytes.as_chunks();
            for (at, word) in words.iter().enumerate() {
                set::<K>(block, at, u64::from_le_bytes(*word));
            }
        }
    }
}

/// The tag from the sum of the last blocks, which do not stay.
fn finish<K: Kernel>(_: K, blocks: &mut [Block], params: &Params, tag: &mut [u8]) {
    let mut sum = Zeroizing::new(Block::ZERO);
    for lane in blocks.chunks_exact_mut(SLICES * params.segment_length()) {
        if let Some(last) = lane.last_mut() {
            for (sum, word) in sum.0.iter_mut().zip(&last.0) {
                *sum ^= word;
            }
            last.zeroize();
        }
    }
    let mut bytes = Zeroizing::new([0; Block::BYTES]);
    let (words, _) = bytes.as_chunks_mut();
    for (at, word) in words.iter_mut().enumerate() {
        *word = get::<K>(&sum, at).to_le_bytes();
    }
    digest::long(&[bytes.as_slice()], tag);
}

fn fill(kernel: impl Kernel, blocks: &mut [Block], params: &Params) -> Option<()> {
    let mut lanes: [Lane; MAX_LANES as usize] = array::from_fn(Lane::new);
    let lanes = lanes.get_mut(..params.lanes as usize)?;
    for pass in 0..params.iterations {
        for slice in 0..SLICES {
            let segment = Segment::new(params, pass, slice);
            segment.fill(kernel, blocks, lanes)?;
        }
    }
    Some(())
}

struct Lane {
    number: usize,
    /// The block that the next one refers to.
    reference: usize,
    /// Where references do not depend on the password, they are made by 128.
    references: Block,
    made: u64,
}

impl Lane {
    fn new(number: usize) -> Self {
        Self { number, reference: 0, references: Block::ZERO, made: 0 }
    }

    /// The words from which the references of a segment follow, to be asked for in their order (RFC 9106 §3.4.1.2).
    fn independent_word<K: Kernel>(&mut self, kernel: K, segment: &Segment<'_>, index: usize) -> u64 {
        if self.made == 0 || index.is_multiple_of(Block::WORDS) {
            self.made += 1;
            let mut input = Block::ZERO;
            for (at, number) in [
                u64::from(segment.pass),
                self.number as u64,
                segment.slice as u64,
                segment.params.block_count() as u64,
                u64::from(segment.params.iterations),
                u64::from(segment.params.algorithm.number()),
                self.made,
            ]
            .into_iter()
            .enumerate()
            {
                set::<K>(&mut input, at, number);
            }
            let mut half_way = Block::ZERO;
            kernel.compress(&Block::ZERO, &input, &mut half_way, false, |_| ());
            kernel.compress(&Block::ZERO, &half_way, &mut self.references, false, |_| ());
        }
        get::<K>(&self.references, index % Block::WORDS)
    }
}

/// One slice of one pass.
struct Segment<'a> {
    params: &'a Params,
    pass: u32,
    slice: usize,
    length: usize,
    lane_length: usize,
    lanes: u32,
}

impl<'a> Segment<'a> {
    fn new(params: &'a Params, pass: u32, slice: usize) -> Self {
        let length = params.segment_length();
        Self { params, pass, slice, length, lane_length: SLICES * length, lanes: params.lanes }
    }

    fn fill(&self, kernel: impl Kernel, blocks: &mut [Block], lanes: &mut [Lane]) -> Option<()> {
        let independent = match self.params.algorithm {
            Algorithm::Argon2d => false,
            Algorithm::Argon2i => true,
            Algorithm::Argon2id => self.pass == 0 && self.slice < SLICES / 2,
        };
        let add = self.pass > 0 && self.params.version == Version::V0x13;
        let first = if self.pass == 0 && self.slice == 0 { 2 } else { 0 };
        for lane in &mut *lanes {
            lane.made = 0;
            let word = if independent {
                lane.independent_word(kernel, self, first)
            } else {
                *blocks.get(self.previous(self.current(lane.number, first), first))?.0.first()?
            };
            lane.reference = self.reference(lane.number, first, word);
        }
        // What other lanes refer to was filled by earlier slices: the turns change nothing.
        let start = blocks.as_ptr();
        for index in first..self.length {
            let next = index + 1;
            for lane in &mut *lanes {
                let current = self.current(lane.number, index);
                let places = [self.previous(current, index), lane.reference, current];
                if independent && next < self.length {
                    let word = lane.independent_word(kernel, self, next);
                    lane.reference = self.reference(lane.number, next, word);
                    kernel.prefetch(start.wrapping_add(lane.reference));
                }
                let [previous, reference, block] = blocks.get_disjoint_mut(places).ok()?;
                kernel.compress(previous, reference, block, add, |word| {
                    if !independent && next < self.length {
                        lane.reference = self.reference(lane.number, next, word);
                        kernel.prefetch(start.wrapping_add(lane.reference));
                    }
                });
            }
        }
        Some(())
    }

    fn current(&self, lane: usize, index: usize) -> usize {
        lane * self.lane_length + self.slice * self.length + index
    }

    /// The block before a block, or the last one of the lane.
    fn previous(&self, block: usize, index: usize) -> usize {
        if self.slice == 0 && index == 0 { block + self.lane_length - 1 } else { block - 1 }
    }

    /// The block that a block of a lane refers to (RFC 9106 §3.4.2).
    #[inline]
    fn reference(&self, lane: usize, index: usize, word: u64) -> usize {
        let other = match (word >> 32) as u32 {
            _ if self.pass == 0 && self.slice == 0 || self.lanes == 1 => lane,
            word => (word % self.lanes) as usize,
        };
        let filled = if self.pass == 0 { self.slice * self.length } else { self.lane_length - self.length };
        let candidates = match index {
            _ if other == lane => filled + index - 1,
            0 => filled - 1,
            _ => filled,
        };
        let low = word & u64::from(u32::MAX);
        let back = (candidates as u64 * ((low * low) >> 32)) >> 32;
        let oldest = if self.pass == 0 { 0 } else { (self.slice + 1) * self.length };
        let column = oldest + candidates - 1 - back as usize;
        let column = if column < self.lane_length { column } else { column - self.lane_length };
        other * self.lane_length + column
    }
}

fn get<K: Kernel>(block: &Block, word: usize) -> u64 {
    block.0.get(K::place(word)).copied().unwrap_or_default()
}

fn set<K: Kernel>(block: &mut Block, word: usize, value: u64) {
    if let Some(place) = block.0.get_mut(K::place(word)) {
        *place = value;
    }
}
