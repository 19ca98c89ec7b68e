//! Makes the filter of common passwords that the library holds, from lists of passwords.
//! `crates/axum-users/data/README.md` says from which.

use std::{collections::BTreeSet, fs, process::ExitCode};

use sha2::{Digest, Sha256};
use xorf::{BinaryFuse16, DmaSerializable, Filter};

/// Shorter ones are taken from the first list only: the others' would make up half of the filter, and the length refuses
/// them.
const MIN_LENGTH: usize = 8;

pub fn run(arguments: &[String]) -> ExitCode {
    let [filter, lists @ ..] = arguments else { return usage() };
    if lists.is_empty() {
        return usage();
    }
    match make(filter, lists) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo run -p xtask -- common-passwords FILTER LIST…");
    ExitCode::FAILURE
}

fn make(path: &str, lists: &[String]) -> Result<String, String> {
    let mut passwords = BTreeSet::new();
    for (at, list) in lists.iter().enumerate() {
        let bytes = fs::read(list).map_err(|error| format!("{list}: {error}"))?;
        passwords.extend(entries(&bytes, if at == 0 { 1 } else { MIN_LENGTH }));
    }
    let keys: BTreeSet<u64> = passwords.iter().map(|password| key(password)).collect();
    let keys: Vec<u64> = keys.into_iter().collect();
    let filter = BinaryFuse16::try_from(&keys)?;
    let mut bytes = vec![0; BinaryFuse16::DESCRIPTOR_LEN];
    filter.dma_copy_descriptor_to(&mut bytes);
    bytes.extend(filter.fingerprints.iter().flat_map(|fingerprint| fingerprint.to_le_bytes()));
    if let Some(missing) = passwords.iter().find(|password| !filter.contains(&key(password))) {
        return Err(format!("the filter does not hold {missing:?}"));
    }
    fs::write(path, &bytes).map_err(|error| format!("{path}: {error}"))?;
    let long = passwords.iter().filter(|password| password.chars().count() >= MIN_LENGTH).count();
    let all = passwords.len();
    Ok(format!(
        "{all} passwords, {long} of them of {MIN_LENGTH} characters and more, in {} bytes",
        bytes.len()
    ))
}

/// The passwords of a list, one a line, in the form in which they are compared. Lines that are not UTF-8 are none that
/// a JSON body could hold.
fn entries(list: &[u8], min_length: usize) -> impl Iterator<Item = String> {
    let lines = list.split(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
    lines.map(|line| line.trim().to_lowercase()).filter(move |line| line.chars().count() >= min_length)
}

/// As `password/common.rs` of the library has it.
fn key(password: &str) -> u64 {
    let digest = Sha256::digest(password);
    digest.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_trimmed_and_folded_and_long_enough() {
        let list = b"Password1\r\n  letmein99 \nshort\n\xff\xfe12345678\n\nP\xc3\x84SSWORT1\n";
        assert_eq!(entries(list, 8).collect::<Vec<_>>(), ["password1", "letmein99", "pässwort1"]);
        assert_eq!(entries(list, 1).count(), 4);
    }
}
