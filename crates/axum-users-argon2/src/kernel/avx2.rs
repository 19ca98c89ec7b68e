#![allow(clippy::indexing_slicing, reason = "by constants, once the loops are unrolled")]

use std::arch::x86_64::*;

use super::Kernel;
use crate::block::Block;

const VECTORS: usize = 32;

/// AVX2: 4 words in a vector, in the order of the RFC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

impl Kernel for Avx2 {
    fn place(word: usize) -> usize {
        word
    }

    fn compress(
        self,
        previous: &Block,
        reference: &Block,
        block: &mut Block,
        add: bool,
        first_word: impl FnOnce(u64),
    ) {
        if add {
            // SAFETY: the processor has AVX2, or there were no `self`.
            unsafe { compress::<true>(previous, reference, block, first_word) }
        } else {
            // SAFETY: as above.
            unsafe { compress::<false>(previous, reference, block, first_word) }
        }
    }

    fn prefetch(self, block: *const Block) {
        super::prefetch(block);
    }
}

/// One half of BLAKE2b's G with multiplications, on several rows or columns at once.
macro_rules! half {
    ($first:ident, $second:ident, $([$a:expr, $b:expr, $c:expr, $d:expr])*) => {
        $($a = add_product($a, $b);)*
        $($d = $first(_mm256_xor_si256($d, $a));)*
        $($c = add_product($c, $d);)*
        $($b = $second(_mm256_xor_si256($b, $c));)*
    };
}

macro_rules! both_halves {
    ($([$a:expr, $b:expr, $c:expr, $d:expr])*) => {
        half!(rotate_32, rotate_24, $([$a, $b, $c, $d])*);
        half!(rotate_16, rotate_63, $([$a, $b, $c, $d])*);
    };
}

/// Rows, each in four vectors.
macro_rules! rows {
    ($([$a:expr, $b:expr, $c:expr, $d:expr])*) => {
        both_halves!($([$a, $b, $c, $d])*);
        // Diagonals become columns. `b` is known last and stays where it is.
        $($a = right($a); $d = turn($d); $c = left($c);)*
        both_halves!($([$a, $b, $c, $d])*);
        $($a = left($a); $d = turn($d); $c = right($c);)*
    };
}

/// Two columns in eight vectors, each of which has two words of each column.
macro_rules! columns {
    ($v:ident, $first:literal) => {
        let [a0, a1, b0, b1, c0, c1, d0, d1] = [0, 1, 2, 3, 4, 5, 6, 7].map(|row| 4 * row + $first);
        both_halves!([$v[a0], $v[b0], $v[c0], $v[d0]][$v[a1], $v[b1], $v[c1], $v[d1]]);
        ($v[a0], $v[a1]) = (joined($v[a0], $v[a1]), joined($v[a1], $v[a0]));
        ($v[c0], $v[c1]) = (joined($v[c1], $v[c0]), joined($v[c0], $v[c1]));
        both_halves!([$v[a0], $v[b0], $v[c0], $v[d1]][$v[a1], $v[b1], $v[c1], $v[d0]]);
        ($v[a0], $v[a1]) = (joined($v[a1], $v[a0]), joined($v[a0], $v[a1]));
        ($v[c0], $v[c1]) = (joined($v[c0], $v[c1]), joined($v[c1], $v[c0]));
    };
}

#[target_feature(enable = "avx2")]
fn compress<const ADD: bool>(
    previous: &Block,
    reference: &Block,
    block: &mut Block,
    first_word: impl FnOnce(u64),
) {
    let mut v = [_mm256_setzero_si256(); VECTORS];
    for (at, vector) in v.iter_mut().enumerate() {
        *vector = _mm256_xor_si256(load(previous, at), load(reference, at));
    }
    rows!([v[0], v[1], v[2], v[3]][v[4], v[5], v[6], v[7]]);
    rows!([v[8], v[9], v[10], v[11]][v[12], v[13], v[14], v[15]]);
    rows!([v[16], v[17], v[18], v[19]][v[20], v[21], v[22], v[23]]);
    rows!([v[24], v[25], v[26], v[27]][v[28], v[29], v[30], v[31]]);
    columns!(v, 0);
    finish::<ADD>(&v, 0, previous, reference, block);
    first_word(block.0[0]);
    columns!(v, 1);
    finish::<ADD>(&v, 1, previous, reference, block);
    columns!(v, 2);
    finish::<ADD>(&v, 2, previous, reference, block);
    columns!(v, 3);
    finish::<ADD>(&v, 3, previous, reference, block);
}

/// Adds the inputs of the permutation to the outcome of two columns, and that to the block.
#[inline]
#[target_feature(enable = "avx2")]
fn finish<const ADD: bool>(
    v: &[__m256i; VECTORS],
    first: usize,
    previous: &Block,
    reference: &Block,
    block: &mut Block,
) {
    for row in 0..8 {
        let at = 4 * row + first;
        let input = _mm256_xor_si256(load(previous, at), load(reference, at));
        let mut outcome = _mm256_xor_si256(v[at], input);
        if ADD {
            outcome = _mm256_xor_si256(outcome, load(block, at));
        }
        store(block, at, outcome);
    }
}

/// a + b + 2 · low(a) · low(b)
#[inline]
#[target_feature(enable = "avx2")]
fn add_product(a: __m256i, b: __m256i) -> __m256i {
    let product = _mm256_mul_epu32(a, b);
    _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(product, product))
}

#[inline]
#[target_feature(enable = "avx2")]
fn rotate_32(vector: __m256i) -> __m256i {
    _mm256_shuffle_epi32::<0b10_11_00_01>(vector)
}

#[inline]
#[target_feature(enable = "avx2")]
fn rotate_24(vector: __m256i) -> __m256i {
    let bytes =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10));
    _mm256_shuffle_epi8(vector, bytes)
}

#[inline]
#[target_feature(enable = "avx2")]
fn rotate_16(vector: __m256i) -> __m256i {
    let bytes =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9));
    _mm256_shuffle_epi8(vector, bytes)
}

#[inline]
#[target_feature(enable = "avx2")]
fn rotate_63(vector: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_srli_epi64::<63>(vector), _mm256_add_epi64(vector, vector))
}

/// Four words turned by one: word 1 comes first.
#[inline]
#[target_feature(enable = "avx2")]
fn left(vector: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b00_11_10_01>(vector)
}

#[inline]
#[target_feature(enable = "avx2")]
fn turn(vector: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b01_00_11_10>(vector)
}

#[inline]
#[target_feature(enable = "avx2")]
fn right(vector: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b10_01_00_11>(vector)
}

/// Of each column the second word of `low` and the first of `high`.
#[inline]
#[target_feature(enable = "avx2")]
fn joined(high: __m256i, low: __m256i) -> __m256i {
    _mm256_alignr_epi8::<8>(high, low)
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(block: &Block, at: usize) -> __m256i {
    let (words, _) = block.0.as_chunks::<4>();
    // SAFETY: 4 words are as long as a vector, and blocks, of which each vector is one of 32, are aligned to 64 bytes.
    unsafe { _mm256_load_si256((&raw const words[at]).cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(block: &mut Block, at: usize, vector: __m256i) {
    let (words, _) = block.0.as_chunks_mut::<4>();
    // SAFETY: as in `load`.
    unsafe { _mm256_store_si256((&raw mut words[at]).cast(), vector) }
}
