//! BLAKE2b as Argon2 uses it: H0 and the variable-length H' (RFC 9106 §3.2 and §3.3).

use blake2::{
    Blake2b512, Blake2bVarCore, Digest,
    digest::{
        block_api::{UpdateCore, VariableOutputCore},
        block_buffer::LazyBuffer,
    },
};
use zeroize::{Zeroize, Zeroizing};

use crate::{Input, Params};

const DIGEST: usize = 64;

/// H0, which stands for all that is hashed.
pub(crate) fn first(input: &Input<'_>, params: &Params, tag_bytes: usize) -> Zeroizing<[u8; DIGEST]> {
    let mut hasher = Blake2b512::new();
    for number in [
        params.lanes,
        tag_bytes as u32,
        params.memory_kib,
        params.iterations,
        params.version.number(),
        params.algorithm.number(),
    ] {
        hasher.update(number.to_le_bytes());
    }
    for bytes in [input.password, input.salt, input.secret, input.associated_data] {
        hasher.update((bytes.len() as u32).to_le_bytes());
        hasher.update(bytes);
    }
    finish(hasher)
}

/// H' of the parts, as many bytes as there is room for.
pub(crate) fn long(parts: &[&[u8]], output: &mut [u8]) {
    let length = (output.len() as u32).to_le_bytes();
    if output.len() <= DIGEST {
        return short(&[&[length.as_slice()], parts].concat(), output);
    }
    let mut hasher = Blake2b512::new_with_prefix(length);
    for part in parts {
        hasher.update(part);
    }
    let mut digest = finish(hasher);
    let mut rest = output;
    while let Some((half, others)) = rest.split_at_mut_checked(DIGEST / 2) {
        copy(digest.as_slice(), half);
        if others.len() <= DIGEST {
            return short(&[digest.as_slice()], others);
        }
        rest = others;
        digest = finish(Blake2b512::new_with_prefix(*digest));
    }
}

fn finish(hasher: Blake2b512) -> Zeroizing<[u8; DIGEST]> {
    let mut output = hasher.finalize();
    let digest = Zeroizing::new(output.0);
    output.zeroize();
    digest
}

/// BLAKE2b with a digest of up to 64 bytes.
fn short(parts: &[&[u8]], output: &mut [u8]) {
    // Never refused: no longer than 64 bytes.
    let Ok(mut hasher) = Blake2bVarCore::new(output.len()) else { return };
    let mut buffer = LazyBuffer::default();
    for part in parts {
        buffer.digest_blocks(part, |blocks| hasher.update_blocks(blocks));
    }
    let mut digest = Default::default();
    hasher.finalize_variable_core(&mut buffer, &mut digest);
    copy(&digest, output);
    digest.zeroize();
}

/// As much as there is room for.
fn copy(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
