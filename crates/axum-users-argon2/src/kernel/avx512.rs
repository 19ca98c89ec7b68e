#![allow(clippy::indexing_slicing, reason = "by constants, once the loops are unrolled")]

use std::arch::x86_64::*;

use super::Kernel;
use crate::block::Block;

const VECTORS: usize = 16;

/// AVX-512F: 8 words in a vector.
///
/// A kept block has its 8 rows of 16 words by twos: vector 4·p + h holds words 4·h to 4·h + 3 of rows 2·p and 2·p + 1. So vectors
/// 4·p to 4·p + 3 are two rows, vectors h, 4 + h, 8 + h and 12 + h are two columns (each of two words of each row), and no
/// word has to be moved to get from the ones to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

impl Kernel for Avx512 {
    fn place(word: usize) -> usize {
        let (row, column) = (word / 16, word % 16);
        (row / 2 * 4 + column / 4) * 8 + row % 2 * 4 + column % 4
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
            // SAFETY: the processor has AVX-512F, or there were no `self`.
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
    ($first:literal, $second:literal, $([$a:expr, $b:expr, $c:expr, $d:expr])*) => {
        $($a = add_product($a, $b);)*
        $($d = _mm512_ror_epi64::<$first>(_mm512_xor_si512($d, $a));)*
        $($c = add_product($c, $d);)*
        $($b = _mm512_ror_epi64::<$second>(_mm512_xor_si512($b, $c));)*
    };
}

macro_rules! round {
    ($left:ident, $half:ident, $right:ident, $([$a:expr, $b:expr, $c:expr, $d:expr])*) => {
        half!(32, 24, $([$a, $b, $c, $d])*);
        half!(16, 63, $([$a, $b, $c, $d])*);
        // Diagonals become columns. `b` is known last and stays where it is.
        $($a = $right($a); $d = $half($d); $c = $left($c);)*
        half!(32, 24, $([$a, $b, $c, $d])*);
        half!(16, 63, $([$a, $b, $c, $d])*);
        $($a = $left($a); $d = $half($d); $c = $right($c);)*
    };
}

#[target_feature(enable = "avx512f")]
fn compress<const ADD: bool>(
    previous: &Block,
    reference: &Block,
    block: &mut Block,
    first_word: impl FnOnce(u64),
) {
    let mut v = [_mm512_setzero_si512(); VECTORS];
    for (at, vector) in v.iter_mut().enumerate() {
        *vector = _mm512_xor_si512(load(previous, at), load(reference, at));
    }
    let [a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3] = &mut v;
    round!(row_left, row_half, row_right, [*a0, *b0, *c0, *d0][*a1, *b1, *c1, *d1]);
    round!(row_left, row_half, row_right, [*a2, *b2, *c2, *d2][*a3, *b3, *c3, *d3]);
    // As columns: what were the words of four rows are four of each column.
    round!(column_left, column_half, column_right, [*a0, *a1, *a2, *a3][*b0, *b1, *b2, *b3]);
    for at in [0, 4, 8, 12, 1, 5, 9, 13] {
        finish::<ADD>(&v, at, previous, reference, block);
    }
    first_word(block.0[0]);
    let [_, _, c0, d0, _, _, c1, d1, _, _, c2, d2, _, _, c3, d3] = &mut v;
    round!(column_left, column_half, column_right, [*c0, *c1, *c2, *c3][*d0, *d1, *d2, *d3]);
    for at in [2, 6, 10, 14, 3, 7, 11, 15] {
        finish::<ADD>(&v, at, previous, reference, block);
    }
}

/// Adds the inputs of the permutation to its outcome, and that to the block.
#[inline]
#[target_feature(enable = "avx512f")]
fn finish<const ADD: bool>(
    v: &[__m512i; VECTORS],
    at: usize,
    previous: &Block,
    reference: &Block,
    block: &mut Block,
) {
    let input = _mm512_xor_si512(load(previous, at), load(reference, at));
    let mut outcome = _mm512_xor_si512(v[at], input);
    if ADD {
        outcome = _mm512_xor_si512(outcome, load(block, at));
    }
    store(block, at, outcome);
}

/// a + b + 2 · low(a) · low(b)
#[inline]
#[target_feature(enable = "avx512f")]
fn add_product(a: __m512i, b: __m512i) -> __m512i {
    let product = _mm512_mul_epu32(a, b);
    _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(product, product))
}

/// The four words of each row turned by one: word 1 comes first.
#[inline]
#[target_feature(enable = "avx512f")]
fn row_left(vector: __m512i) -> __m512i {
    _mm512_permutex_epi64::<0b00_11_10_01>(vector)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn row_half(vector: __m512i) -> __m512i {
    _mm512_permutex_epi64::<0b01_00_11_10>(vector)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn row_right(vector: __m512i) -> __m512i {
    _mm512_permutex_epi64::<0b10_01_00_11>(vector)
}

/// The four words of each column, which are two of one row and, half a vector later, two of the next.
#[inline]
#[target_feature(enable = "avx512f")]
fn column_left(vector: __m512i) -> __m512i {
    _mm512_permutexvar_epi64(_mm512_setr_epi64(1, 4, 3, 6, 5, 0, 7, 2), vector)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn column_half(vector: __m512i) -> __m512i {
    _mm512_shuffle_i64x2::<0b01_00_11_10>(vector, vector)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn column_right(vector: __m512i) -> __m512i {
    _mm512_permutexvar_epi64(_mm512_setr_epi64(5, 0, 7, 2, 1, 4, 3, 6), vector)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &Block, at: usize) -> __m512i {
    let (words, _) = block.0.as_chunks::<8>();
    // SAFETY: 8 words are as long as a vector, and blocks, of which each vector is one of 16, are aligned to 64 bytes.
    unsafe { _mm512_load_si512((&raw const words[at]).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(block: &mut Block, at: usize, vector: __m512i) {
    let (words, _) = block.0.as_chunks_mut::<8>();
    // SAFETY: as in `load`.
    unsafe { _mm512_store_si512((&raw mut words[at]).cast(), vector) }
}
