//! All engines give the tags of RustCrypto's crate, whatever they are asked.

#![allow(clippy::unwrap_used)]

use argon2::{Argon2, AssociatedData, ParamsBuilder};
use axum_users_argon2::{Algorithm, Engine, Input, Memory, Params, Version};
use proptest::prelude::*;

/// By the crate itself, with memory of its own.
fn expected(input: &Input<'_>, params: &Params, tag_bytes: usize) -> Vec<u8> {
    let mut builder = ParamsBuilder::new();
    builder.m_cost(params.memory_kib).t_cost(params.iterations).p_cost(params.lanes).output_len(tag_bytes);
    builder.data(AssociatedData::new(input.associated_data).unwrap());
    let algorithm = argon2::Algorithm::new(params.algorithm.name()).unwrap();
    let version = argon2::Version::try_from(params.version.number()).unwrap();
    let params = builder.build().unwrap();
    let mut tag = vec![0; tag_bytes];
    let mut blocks = vec![argon2::Block::new(); params.block_count()];
    Argon2::new_with_secret(input.secret, algorithm, version, params)
        .unwrap()
        .hash_password_into_with_memory(input.password, input.salt, &mut tag, &mut blocks)
        .unwrap();
    tag
}

fn params() -> impl Strategy<Value = Params> {
    let algorithms = vec![Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id];
    let versions = vec![Version::V0x10, Version::V0x13];
    // Few blocks for each lane are where the bounds are.
    let sizes = (1_u32..=16, prop_oneof![0_u32..40, 0_u32..1200], 1_u32..=16);
    (prop::sample::select(algorithms), prop::sample::select(versions), sizes).prop_map(
        |(algorithm, version, (lanes, more, iterations))| Params {
            algorithm,
            version,
            memory_kib: 8 * lanes + more,
            iterations: if more > 200 { iterations.min(3) } else { iterations },
            lanes,
        },
    )
}

fn some(bytes: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Two hashes one after another in one memory: of the first nothing shows in the second.
    #[test]
    fn all_engines_give_the_same(
        costs in [params(), params()],
        password in some(0..300),
        salt in some(8..80),
        secret in some(0..40),
        associated_data in some(0..=32),
        tag_bytes in prop_oneof![4_usize..=64, 65_usize..300],
    ) {
        let input =
            Input { password: &password, salt: &salt, secret: &secret, associated_data: &associated_data };
        let expected = costs.map(|params| expected(&input, &params, tag_bytes));
        for engine in Engine::available() {
            let mut memory = Memory::new();
            for (params, expected) in costs.iter().zip(&expected) {
                let mut tag = vec![0; tag_bytes];
                engine.hash(&mut memory, &input, params, &mut tag).unwrap();
                prop_assert_eq!(&tag, expected, "{}", engine.name());
            }
        }
    }
}

/// In any order, sizes, and engines: nothing of one hash shows in the next.
#[test]
fn memory_can_be_shared_by_engines_and_sizes() {
    let input = Input::new(b"guinevere", b"sixteen bytes!!!");
    let mut memory = Memory::new();
    for (memory_kib, iterations, lanes) in [(5000, 2, 3), (8, 3, 1), (128, 1, 16), (9001, 1, 4), (71, 4, 2)] {
        let params = Params { memory_kib, iterations, lanes, ..Params::default() };
        let expected = expected(&input, &params, 32);
        for engine in Engine::available() {
            let mut tag = [0; 32];
            engine.hash(&mut memory, &input, &params, &mut tag).unwrap();
            assert_eq!(tag, *expected, "{params:?} by {}", engine.name());
        }
    }
}
