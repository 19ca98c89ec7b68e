//! Every engine of Argon2 gives the tag of RustCrypto's crate, or refuses what that refuses.

use std::cell::RefCell;

use argon2::{Argon2, AssociatedData, ParamsBuilder};
use axum_users_argon2::{Algorithm, Engine, Input, MAX_LANES, Memory, Params, Version};

thread_local! {
    /// Kept, with what earlier inputs have left in it.
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory::new()) };
}

/// Eight bytes of parameters; then a salt, a secret, associated data and a password.
pub fn agree(data: &[u8]) {
    let Some((&[form, lanes, memory, more, iterations, tag, salt, others], rest)) = data.split_first_chunk()
    else {
        return;
    };
    let lanes = u32::from(lanes % 18);
    let params = Params {
        algorithm: [Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id][usize::from(form % 3)],
        version: if form & 128 == 0 { Version::V0x13 } else { Version::V0x10 },
        memory_kib: (8 * lanes + u32::from(memory)).saturating_sub(4) + 8 * u32::from(more % 32),
        iterations: u32::from(iterations % 5),
        lanes,
    };
    let (salt, rest) = split(rest, salt % 80);
    let (secret, rest) = split(rest, others % 16);
    let (associated_data, password) = split(rest, others / 16 * 3);
    let input = Input { password, salt, secret, associated_data };
    // Of lengths around those at which digests are put together in another way.
    let mut tag = vec![0; usize::from(tag) % 200];
    let expected = expected(&input, &params, tag.len());
    for engine in Engine::available() {
        tag.fill(7);
        let outcome = MEMORY.with_borrow_mut(|memory| engine.hash(memory, &input, &params, &mut tag));
        let name = engine.name();
        match &expected {
            Some(expected) => assert_eq!((outcome, &tag), (Ok(()), expected), "{name}: {params:?}"),
            None => assert!(outcome.is_err() && tag.iter().all(|byte| *byte == 7), "{name}: {params:?}"),
        }
    }
}

fn split(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.len().min(at.into()))
}

fn expected(input: &Input<'_>, params: &Params, tag_bytes: usize) -> Option<Vec<u8>> {
    if params.lanes > MAX_LANES {
        return None;
    }
    let mut builder = ParamsBuilder::new();
    builder.m_cost(params.memory_kib).t_cost(params.iterations).p_cost(params.lanes).output_len(tag_bytes);
    builder.data(AssociatedData::new(input.associated_data).ok()?);
    let algorithm = argon2::Algorithm::new(params.algorithm.name()).ok()?;
    let version = argon2::Version::try_from(params.version.number()).ok()?;
    let params = builder.build().ok()?;
    let mut blocks = vec![argon2::Block::new(); params.block_count()];
    let engine = Argon2::new_with_secret(input.secret, algorithm, version, params).ok()?;
    let mut tag = vec![0; tag_bytes];
    engine.hash_password_into_with_memory(input.password, input.salt, &mut tag, &mut blocks).ok()?;
    Some(tag)
}
