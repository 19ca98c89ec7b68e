//! The test vectors of RFC 9106 §5, and what engines and parameters refuse.

use axum_users_argon2::{Algorithm, Engine, Error, Input, Memory, Params};

const INPUT: Input<'static> =
    Input { password: &[1; 32], salt: &[2; 16], secret: &[3; 8], associated_data: &[4; 12] };
const PARAMS: Params = Params {
    algorithm: Algorithm::Argon2d,
    version: axum_users_argon2::Version::V0x13,
    memory_kib: 32,
    iterations: 3,
    lanes: 4,
};
const TAGS: [(Algorithm, &str); 3] = [
    (Algorithm::Argon2d, "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb"),
    (Algorithm::Argon2i, "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8"),
    (Algorithm::Argon2id, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_engine_gives_the_tags_of_the_rfc() {
    for engine in Engine::available() {
        let mut memory = Memory::new();
        for (algorithm, expected) in TAGS {
            let mut tag = [0; 32];
            engine.hash(&mut memory, &INPUT, &Params { algorithm, ..PARAMS }, &mut tag).unwrap();
            assert_eq!(hex(&tag), expected, "{algorithm:?} by {}", engine.name());
        }
    }
}

#[test]
fn the_best_engine_is_taken_and_all_have_names() {
    let names: Vec<_> = Engine::available().map(Engine::name).collect();
    assert_eq!((names[0], names.last().copied()), ("portable", Some(Engine::detect().name())));
    assert_eq!(Engine::portable().name(), "portable");
    assert_eq!(Engine::default(), Engine::detect());
    #[cfg(target_arch = "x86_64")]
    assert_eq!(names.contains(&"avx512"), is_x86_feature_detected!("avx512f"), "{names:?}");
    #[cfg(target_arch = "x86_64")]
    assert_eq!(names.contains(&"avx2"), is_x86_feature_detected!("avx2"), "{names:?}");
}

#[test]
fn every_engine_refuses_the_same_and_leaves_the_tag_alone() {
    for engine in Engine::available() {
        let refuses = |input: Input<'_>, params: Params, tag_bytes: usize, expected: Error| {
            let mut tag = vec![7; tag_bytes];
            let mut memory = Memory::new();
            assert_eq!(engine.hash(&mut memory, &input, &params, &mut tag), Err(expected), "{params:?}");
            assert_eq!((tag, memory.bytes()), (vec![7; tag_bytes], 0));
        };
        for memory_kib in [0, 31, u32::MAX] {
            refuses(INPUT, Params { memory_kib, ..PARAMS }, 32, Error::MemorySize);
        }
        for lanes in [0, 17, u32::MAX] {
            refuses(INPUT, Params { lanes, ..PARAMS }, 32, Error::Lanes);
        }
        refuses(INPUT, Params { iterations: 0, ..PARAMS }, 32, Error::Iterations);
        refuses(INPUT, PARAMS, 0, Error::Tag);
        refuses(INPUT, PARAMS, 3, Error::Tag);
        refuses(Input { salt: &[2; 7], ..INPUT }, PARAMS, 32, Error::Salt);
        refuses(Input { associated_data: &[4; 33], ..INPUT }, PARAMS, 32, Error::AssociatedData);
    }
}
