//! UI tests of the attribute: accepted types, and the errors for rejected ones.
//!
//! Only errors of the macro have a `.stderr`, because errors of the compiler change between versions.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
