//! The tags of the C reference, as argon2-cffi gives them (`vectors/make.py`), on every engine.

#![allow(clippy::unwrap_used)]

use std::num::ParseIntError;

use axum_users_argon2::{Algorithm, Engine, Input, Memory, Params, Version};

const VECTORS: &str = include_str!("vectors/argon2-cffi.txt");

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.trim_matches('-').as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// One after another in the same memory, which holds what the ones before have left in it.
#[test]
fn every_engine_gives_the_tags_of_the_reference() {
    for engine in Engine::available() {
        let mut memory = Memory::new();
        let mut count = 0;
        for line in VECTORS.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [name, version, memory_kib, iterations, lanes, password, salt, expected] = words[..] else {
                panic!("{line}");
            };
            let number = |word: &str| -> Result<u32, ParseIntError> { word.parse() };
            let params = Params {
                algorithm: Algorithm::from_name(name).unwrap(),
                version: if version == "16" { Version::V0x10 } else { Version::V0x13 },
                memory_kib: number(memory_kib).unwrap(),
                iterations: number(iterations).unwrap(),
                lanes: number(lanes).unwrap(),
            };
            let (password, salt, expected) = (bytes(password), bytes(salt), bytes(expected));
            let mut tag = vec![0; expected.len()];
            engine.hash(&mut memory, &Input::new(&password, &salt), &params, &mut tag).unwrap();
            assert!(tag == expected, "{}: {line}", engine.name());
            count += 1;
        }
        assert!(count > 300, "{count}");
    }
}
