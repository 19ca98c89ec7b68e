//! What the compiler says to mistakes: `tests/ui/*.stderr`. `TRYBUILD=overwrite` renews them.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
