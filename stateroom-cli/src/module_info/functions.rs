//! The sizes of functions and of the crates that they belong to.
use std::collections::BTreeMap;

use serde::Serialize;

use super::sections::Sections;
use crate::ui::symbol::crate_of;

/// The size of a function.
#[derive(Debug, Serialize)]
pub(crate) struct Function {
    pub(super) name: String,
    pub(super) bytes: usize,
}

/// The size of the code of a crate.
#[derive(Debug, Serialize)]
pub(crate) struct CrateSize {
    /// Name of the crate. `None` for functions without a crate, such as those of C, or without a name.
    pub(super) name: Option<String>,
    pub(super) bytes: usize,
    pub(super) functions: usize,
}

/// Returns all functions, largest first.
pub(super) fn by_size(sections: &Sections<'_>) -> Vec<Function> {
    let first = sections.imported_functions();
    let function = |(index, bytes): (usize, &usize)| {
        let index = first + index;
        let name = u32::try_from(index).ok().and_then(|index| sections.names.get(&index));
        let name = name.map_or_else(|| format!("function {index}"), |name| demangle(name));
        Function { name, bytes: *bytes }
    };
    let mut functions: Vec<_> = sections.bodies.iter().enumerate().map(function).collect();
    functions.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.name.cmp(&other.name)));
    functions
}

/// Returns the sizes of crates, largest first.
pub(super) fn by_crate(functions: &[Function]) -> Vec<CrateSize> {
    let mut crates: BTreeMap<Option<&str>, (usize, usize)> = BTreeMap::new();
    for function in functions {
        let (bytes, count) = crates.entry(crate_of(&function.name)).or_default();
        *bytes += function.bytes;
        *count += 1;
    }
    let size =
        |(name, (bytes, functions)): (Option<&str>, _)| CrateSize { name: name.map(str::to_owned), bytes, functions };
    let mut sizes: Vec<_> = crates.into_iter().map(size).collect();
    sizes.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.name.cmp(&other.name)));
    sizes
}

/// Returns the name as in the source code.
fn demangle(name: &str) -> String {
    rustc_demangle::try_demangle(name).map_or_else(|_| name.to_owned(), |name| format!("{name:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_demangled() {
        for (name, expected) in [
            ("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"),
            ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("memcpy", "memcpy"),
        ] {
            assert_eq!(demangle(name), expected);
        }
    }
}
