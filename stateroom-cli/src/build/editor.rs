//! The files that editors and desktops leave next to those that a user edits: locks, backups and temporary files.
//!
//! *Invariant:* a name counts only if nobody gives it to a file on purpose.
use std::{fs, path::Path};

/// Names of files that desktops write.
const DESKTOP: [&str; 2] = [".DS_Store", "Thumbs.db"];
/// Prefixes: Emacs's lock links, AppleDouble, gedit, NFS, LibreOffice and Microsoft Office.
const PREFIXES: [&str; 6] = [".#", "._", ".goutputstream-", ".nfs0", ".~lock.", "~$"];
/// Suffixes: backups, Vim's and Kate's swap files, JetBrains.
const SUFFIXES: [&str; 6] = ["~", ".swp", ".kate-swp", "___jb_tmp___", "___jb_old___", "___jb_bak___"];
/// The file that Vim creates, empty, to see whether it can write to a directory.
const VIM_PROBE: &str = "4913";

/// Returns whether an editor or a desktop wrote a file for itself.
pub(crate) fn is_editor_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    DESKTOP.contains(&&*name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        || is_emacs_save(&name)
        || is_later_swap(&name)
        || (name == VIM_PROBE && fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0))
}

/// `#NAME#`.
fn is_emacs_save(name: &str) -> bool {
    name.len() > 2 && name.starts_with('#') && name.ends_with('#')
}

/// `.NAME.swo`, `.NAME.swn` and so on, which Vim writes if there is a swap file already.
fn is_later_swap(name: &str) -> bool {
    let extension = name.strip_prefix('.').and_then(|name| name.rsplit_once(".sw")).map(|(_, last)| last);
    extension.is_some_and(|last| last.len() == 1 && last.bytes().all(|letter| letter.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_editors_are_told_from_those_of_users() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::write(root.join(VIM_PROBE), "").unwrap();
        for name in [
            ".#index.html",
            "#index.html#",
            "index.html~",
            ".index.html.swp",
            "index.swp",
            ".index.html.swo",
            ".index.html.un~",
            "4913",
            ".DS_Store",
            "._index.html",
            "Thumbs.db",
            "index.html___jb_tmp___",
            "index.html___jb_old___",
            ".goutputstream-3K2F",
            ".index.html.kate-swp",
            ".~lock.table.ods#",
            "~$table.xlsx",
        ] {
            assert!(is_editor_file(&root.join(name)), "{name}");
        }
        fs::write(root.join(VIM_PROBE), "a file of the user").unwrap();
        for name in [
            "4913",
            "index.html",
            "#1.txt",
            "#",
            "##",
            "movie.swf",
            ".swf",
            "logo.sw",
            ".well-known",
            ".env",
            "a#",
            "b~c",
        ] {
            assert!(!is_editor_file(&root.join(name)), "{name}");
        }
    }
}
