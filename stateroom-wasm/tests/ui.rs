//! Items that the attribute accepts, and its errors for others.
//!
//! Only errors of the attribute itself have a `.stderr`: the compiler's own errors change with the compiler.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
