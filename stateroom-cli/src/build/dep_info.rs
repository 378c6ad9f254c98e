//! The files that an artifact was compiled from, as cargo lists them next to it.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Returns the sources of an artifact: those of local packages, the files that they include, and what their build scripts
/// depend on. Relative paths are those of a workspace in this directory. Without a list, there are none.
pub(super) fn of_artifact(artifact: &Path, workspace: &Path) -> BTreeSet<PathBuf> {
    let text = fs::read_to_string(artifact.with_extension("d")).unwrap_or_default();
    // `ARTIFACT: FILE FILE ..`, with a backslash before each space of a name.
    let list = text.lines().next().and_then(|line| Some(line.split_once(": ")?.1)).unwrap_or_default();
    let mut names = vec![String::new()];
    for part in list.split(' ') {
        let Some(name) = names.last_mut() else { break };
        match part.strip_suffix('\\') {
            Some(start) => {
                name.push_str(start);
                name.push(' ');
            }
            None => {
                name.push_str(part);
                names.push(String::new());
            }
        }
    }
    names.into_iter().filter(|name| !name.is_empty()).map(|name| without_parents(&workspace.join(name))).collect()
}

/// Removes `..` from a path, so that a file has one name.
fn without_parents(path: &Path) -> PathBuf {
    let has_parents = path.components().any(|part| part.as_os_str() == "..");
    let real = || Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?));
    has_parents.then(real).flatten().unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_spaces_and_parents() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        fs::create_dir_all(root.join("a/src")).unwrap();
        let here = root.display();
        let text = format!("{here}/x.wasm: {here}/a/src/../my\\ text.txt {here}/a/nowhere src/lib.rs\n\n{here}/y: z\n");
        fs::write(root.join("x.d"), text).unwrap();
        let expected = ["a/my text.txt", "a/nowhere", "src/lib.rs"].map(|file| root.join(file));
        assert_eq!(of_artifact(&root.join("x.wasm"), &root), BTreeSet::from(expected));
        assert_eq!(of_artifact(&root.join("y.wasm"), &root), BTreeSet::new());
    }
}
