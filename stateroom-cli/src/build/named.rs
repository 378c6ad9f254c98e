//! The files that the errors of a failed build name.
//!
//! *Invariant:* a file that is missing, or that the compiler cannot read, is listed nowhere else. A name too many is harmless.
use std::{
    collections::BTreeSet,
    path::{self, Path, PathBuf},
};

use super::dep_info::without_parents;

/// The directives of build scripts that name files.
const DIRECTIVES: [&str; 2] = ["cargo::rerun-if-changed=", "cargo:rerun-if-changed="];

/// Characters before a name in a sentence.
const OPENING: [char; 5] = ['`', '"', '\'', '(', '['];
/// Characters after it.
const CLOSING: [char; 9] = ['`', '"', '\'', ')', ']', ',', ':', ';', '.'];

/// Returns the files that the output of cargo names, whether or not they exist. Relative paths are those of a workspace in this
/// directory, or of the package whose build script printed them.
pub(crate) fn of_errors(output: &str, workspace: &Path) -> BTreeSet<PathBuf> {
    let (mut files, mut package) = (BTreeSet::new(), workspace.to_owned());
    for line in anstream::adapter::strip_str(output).to_string().lines().map(str::trim) {
        let directive = DIRECTIVES.iter().find_map(|directive| line.strip_prefix(directive));
        if let Some((_, failed)) = line.split_once("failed to run custom build command for `") {
            // `NAME vVERSION (DIRECTORY)`
            package = failed
                .split_once(" (")
                .and_then(|(_, rest)| rest.rsplit_once(")`"))
                .map_or(package, |(path, _)| path.into());
        } else if let Some(name) = directive {
            files.insert(package.join(name));
        } else if let Some(place) = line.strip_prefix("--> ").or_else(|| line.strip_prefix("::: ")) {
            // `FILE:LINE:COLUMN`
            files.extend(place.rsplitn(3, ':').nth(2).map(|file| workspace.join(file)));
        } else if !line.contains(" | ") {
            // Not a line of source code, whose names are relative to another directory.
            let quoted = ['`', '"'].into_iter().flat_map(|quote| line.split(quote).skip(1).step_by(2));
            let quoted = quoted.filter(|name| name.contains(path::is_separator)).map(|name| package.join(name));
            // Messages of macros and build scripts are in any form.
            let words = line.split_whitespace().map(|word| word.trim_start_matches(OPENING).trim_end_matches(CLOSING));
            let words = words.filter(|name| name.contains(path::is_separator)).map(|name| package.join(name));
            let words = words.filter(|file| file.parent().is_some_and(Path::is_dir));
            files.extend(quoted.chain(words).filter(|name| !name.is_dir()));
        }
    }
    let files: BTreeSet<_> = files.iter().map(|file| without_parents(file)).collect();
    // Cargo reads a manifest before it looks for the sources of its package.
    let roots =
        files.iter().filter(|file| file.ends_with("Cargo.toml")).map(|file| file.with_file_name("src").join("lib.rs"));
    roots.collect::<BTreeSet<_>>().into_iter().chain(files).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_in_several_ways() {
        for (output, expected) in [
            ("error[E0308]: mismatched types\n   --> src/lib.rs:3:5\n    |\n3 |     \"a/b\"\n", "/w/src/lib.rs"),
            ("  ::: src/other name.rs:1:1", "/w/src/other name.rs"),
            ("\x1b[31merror\x1b[0m: couldn't read `src/a/later.txt`: No such file (os error 2)", "/w/src/a/later.txt"),
            ("= help: to create the module `y`, create file \"o/y.rs\" or \"o/y/mod.rs\"", "/w/o/y/mod.rs /w/o/y.rs"),
            ("failed to read `/o/dep/Cargo.toml`", "/o/dep/Cargo.toml /o/dep/src/lib.rs"),
            (
                "error: failed to run custom build command for `a v0.1.0 (/w/a)`\n  --- stdout\n  cargo::rerun-if-changed=data",
                "/w/a/data",
            ),
            ("  cargo:rerun-if-changed=/o/data", "/o/data"),
            (
                "error: failed to run custom build command for `a v0.1.0 (/usr/bin)`\n  cannot open ../later.txt: see https://x.y/z",
                "/usr/later.txt",
            ),
            ("cannot find `x` in `std::fmt`, see https://x.y/z\n  at /rustc/1/library/std/src/panicking.rs:1:2", ""),
        ] {
            let files = of_errors(output, Path::new("/w"));
            assert_eq!(files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" "), expected);
        }
    }
}
