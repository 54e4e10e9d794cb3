//! What each mistake in a derive says.
//!
//! `TRYBUILD=overwrite cargo test -p headwater-tests --test ui` writes the expected messages anew. There are no cases
//! that compile: with one of these, all dependencies would be built and not only checked. They are in the `it` tests.

#[test]
fn each_mistake_says_what_to_write_instead() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}
