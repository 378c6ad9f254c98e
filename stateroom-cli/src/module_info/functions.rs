//! The sizes of functions and of the crates that they belong to.
use std::collections::BTreeMap;

use serde::Serialize;

use super::sections::Sections;

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

/// Returns the crate of a path such as `core::fmt::write`. For `<T as Trait>::f`, it is that of the type, or that of the trait
/// if the type has none.
fn crate_of(function: &str) -> Option<&str> {
    let mut rest = function;
    loop {
        let mut path = rest.trim_start_matches(['<', '&', '*', '[', '(', ' ']);
        while let Some(inner) = ["mut ", "const ", "dyn ", "impl "].iter().find_map(|word| path.strip_prefix(word)) {
            path = inner.trim_start_matches(['<', '&', '*', '[', '(', ' ']);
        }
        let is_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
        let (name, after) = path.split_at(path.find(|letter| !is_of_name(letter)).unwrap_or(path.len()));
        if !name.is_empty() && after.starts_with("::") {
            return Some(name);
        }
        (_, rest) = rest.split_once(" as ")?;
    }
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

    #[test]
    fn functions_belong_to_the_crate_of_their_type_or_trait() {
        for (function, expected) in [
            ("core::fmt::write", Some("core")),
            ("<alloc::vec::Vec<T> as core::fmt::Debug>::fmt", Some("alloc")),
            ("<&mut dyn my_crate::Trait as core::fmt::Debug>::fmt", Some("my_crate")),
            ("<u32 as core::fmt::Display>::fmt", Some("core")),
            ("<[A] as core::slice::cmp::SlicePartialEq<B>>::equal", Some("core")),
            ("dlmalloc", None),
            ("function 3", None),
            ("", None),
        ] {
            assert_eq!(crate_of(function), expected, "{function}");
        }
    }
}
