//! The tags of the C reference, as argon2-cffi gives them (`vectors/make.py`), on every engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{env, num::ParseIntError, path::PathBuf, process::Command};

use axum_users_argon2::{Algorithm, Engine, Input, Memory, Params, Version};

const VECTORS: &str = include_str!("vectors/argon2-cffi.txt");

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.trim_matches('-').as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Checks them one after another in the same memory, which holds what the ones before have left in it, and tells how many.
fn check(vectors: &str) -> usize {
    for engine in Engine::available() {
        let mut memory = Memory::new();
        for line in vectors.lines() {
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
        }
    }
    vectors.lines().count()
}

#[test]
fn every_engine_gives_the_tags_of_the_reference() {
    assert!(check(VECTORS) > 300);
}

/// The C library itself, by what `scripts/setup-reference` has installed; each time with others.
#[test]
fn by_chance_every_engine_gives_the_tags_of_the_reference() {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("XDG_CACHE_HOME").unwrap_or_else(|| set("HOME").unwrap_or_default().join(".cache"));
    let cache = set("TEST_CACHE").unwrap_or_else(|| home().join("axum-users"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/make.py");
    let mut python = Command::new(cache.join("reference-venv/bin/python"));
    let output = python.args([script, "500"]).output().expect("run scripts/setup-reference first");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(check(str::from_utf8(&output.stdout).unwrap()), 500);
}
