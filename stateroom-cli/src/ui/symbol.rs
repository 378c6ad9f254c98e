//! The names of functions in Rust.
//!
//! *Invariant:* any text is accepted as a name.

/// Returns the crate of a path such as `core::fmt::write`. For `<T as Trait>::f`, it is that of the type, or that of the trait
/// if the type has none.
pub(crate) fn crate_of(function: &str) -> Option<&str> {
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
