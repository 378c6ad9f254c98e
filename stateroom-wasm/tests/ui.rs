//! What the attribute accepts, and what it says about what it does not accept.
//!
//! Only messages of ours have a `.stderr`: what the compiler says itself changes with the compiler.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
