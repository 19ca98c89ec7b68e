//! The crate `argon2` on the same memory.

use argon2::{Argon2, AssociatedData, ParamsBuilder};
use zeroize::Zeroize;

use crate::{Algorithm, Error, Input, Params, Version, block::Block, params::SLICES};

pub(crate) fn hash(
    blocks: &mut [Block],
    input: &Input<'_>,
    params: &Params,
    tag: &mut [u8],
) -> Result<(), Error> {
    let theirs = settings(input, params, tag.len()).map_err(named)?;
    let (algorithm, version) = (algorithm(params), version(params));
    let engine = Argon2::new_with_secret(input.secret, algorithm, version, theirs).map_err(named)?;
    let done = engine.hash_password_into_with_memory(input.password, input.salt, tag, as_theirs(blocks));
    // As the other engines leave the memory.
    for lane in blocks.chunks_exact_mut(SLICES * params.segment_length()) {
        if let Some(last) = lane.last_mut() {
            last.zeroize();
        }
    }
    done.map_err(named)
}

fn settings(input: &Input<'_>, params: &Params, tag_bytes: usize) -> argon2::Result<argon2::Params> {
    let mut builder = ParamsBuilder::new();
    builder.m_cost(params.memory_kib).t_cost(params.iterations).p_cost(params.lanes).output_len(tag_bytes);
    builder.data(AssociatedData::new(input.associated_data)?);
    builder.build()
}

const fn algorithm(params: &Params) -> argon2::Algorithm {
    match params.algorithm {
        Algorithm::Argon2d => argon2::Algorithm::Argon2d,
        Algorithm::Argon2i => argon2::Algorithm::Argon2i,
        Algorithm::Argon2id => argon2::Algorithm::Argon2id,
    }
}

const fn version(params: &Params) -> argon2::Version {
    match params.version {
        Version::V0x10 => argon2::Version::V0x10,
        Version::V0x13 => argon2::Version::V0x13,
    }
}

/// What it refuses has been refused before, by the same bounds.
const fn named(error: argon2::Error) -> Error {
    match error {
        argon2::Error::PwdTooLong => Error::Password,
        argon2::Error::SaltTooShort | argon2::Error::SaltTooLong => Error::Salt,
        argon2::Error::SecretTooLong => Error::Secret,
        argon2::Error::AdTooLong => Error::AssociatedData,
        argon2::Error::OutputTooShort | argon2::Error::OutputTooLong => Error::Tag,
        argon2::Error::ThreadsTooFew | argon2::Error::ThreadsTooMany => Error::Lanes,
        argon2::Error::TimeTooSmall => Error::Iterations,
        argon2::Error::MemoryTooLittle | argon2::Error::MemoryTooMuch => Error::MemorySize,
        _ => Error::OutOfMemory,
    }
}

const _: () = assert!(size_of::<argon2::Block>() == Block::BYTES && size_of::<Block>() == Block::BYTES);
const _: () = assert!(align_of::<argon2::Block>() <= align_of::<Block>());

fn as_theirs(blocks: &mut [Block]) -> &mut [argon2::Block] {
    let (start, count) = (blocks.as_mut_ptr().cast::<argon2::Block>(), blocks.len());
    // SAFETY: a block of theirs is 1024 bytes of whole numbers (`AsRef<[u64]>` shows all of them), as ours is, and aligned to no
    // more, as asserted above: any bytes of the one are the other. The slice is borrowed for as long as the outcome.
    unsafe { std::slice::from_raw_parts_mut(start, count) }
}
