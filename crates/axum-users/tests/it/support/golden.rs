//! Files that pin what a program writes.

use std::{fs, path::Path};

/// The text is that of `tests/fixtures/{name}`. `UPDATE_GOLDEN=1` writes the file anew, for a change that is meant: read
/// the difference before it is committed.
#[track_caller]
pub(crate) fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let same = golden.lines().zip(text.lines()).take_while(|(golden, text)| golden == text).count();
    assert!(
        golden == text,
        "{name} differs from line {}: {:?} became {:?}; UPDATE_GOLDEN=1 writes it anew",
        same + 1,
        golden.lines().nth(same),
        text.lines().nth(same)
    );
}
