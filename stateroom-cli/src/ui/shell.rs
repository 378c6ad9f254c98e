//! Commands for users to copy into their shell.
use std::path::Path;

/// Returns a path as one word of the user's shell.
pub(crate) fn quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    if cfg!(windows) {
        // In a path, a quotation mark is not possible.
        return if path.contains(' ') { format!("\"{path}\"") } else { path.into_owned() };
    }
    shell_words::quote(&path).into_owned()
}
