//! What compiles, and what each mistake in a derive says.
//!
//! `TRYBUILD=overwrite cargo test -p headwater-tests --test ui` writes the expected messages anew.

#[test]
fn each_mistake_says_what_to_write_instead() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
