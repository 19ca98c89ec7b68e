//! What the compiler says to those who make a mistake: every promise kept at compile time, pinned by its message.
//!
//! After a change that is meant, `TRYBUILD=overwrite` writes the messages anew: read them before they are committed.

#[test]
fn mistakes_are_told_where_they_are_made() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
