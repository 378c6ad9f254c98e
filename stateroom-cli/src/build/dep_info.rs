//! The files that an artifact was compiled from, as cargo and the compiler list them next to it.
//!
//! *Invariant:* the sources of a rejected artifact are those of packages that the user edits.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Directories of downloaded packages, below cargo's own.
const DOWNLOADED: [&str; 4] = ["/registry/src/", "/git/checkouts/", r"\registry\src\", r"\git\checkouts\"];

/// Returns the sources of an artifact: those of local packages, the files that they include, and what their build scripts
/// depend on. Relative paths are those of a workspace in this directory. Without a list, there are none.
pub(super) fn of_artifact(artifact: &Path, workspace: &Path) -> BTreeSet<PathBuf> {
    names(&fs::read_to_string(artifact.with_extension("d")).unwrap_or_default(), workspace).collect()
}

/// Returns the sources that the compiler listed in a directory since a time. It lists them before it checks them, so that an
/// artifact that it rejects has a list, too.
pub(super) fn of_rejected(directory: &Path, since: SystemTime, workspace: &Path) -> BTreeSet<PathBuf> {
    let lists = fs::read_dir(directory).into_iter().flatten().flatten().filter(|file| {
        let is_new = || file.metadata().and_then(|file| file.modified()).is_ok_and(|modified| modified >= since);
        file.path().extension().is_some_and(|extension| extension == "d") && is_new()
    });
    let texts = lists.filter_map(|file| fs::read_to_string(file.path()).ok());
    let is_local = |text: &String| !DOWNLOADED.iter().any(|directory| text.contains(directory));
    texts.filter(is_local).flat_map(|text| names(&text, workspace).collect::<Vec<_>>()).collect()
}

/// Returns the names in the first line of a list.
fn names(text: &str, workspace: &Path) -> impl Iterator<Item = PathBuf> {
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
    names.into_iter().filter(|name| !name.is_empty()).map(|name| without_parents(&workspace.join(name)))
}

/// Removes `..` from a path, so that a file has one name.
pub(super) fn without_parents(path: &Path) -> PathBuf {
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

    #[test]
    fn the_compiler_lists_what_it_rejects() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let since = SystemTime::now() - std::time::Duration::from_secs(10);
        for (name, list) in [
            ("own", "src/lib.rs /elsewhere/x.rs"),
            ("dependency", "/home/me/.cargo/registry/src/x/lib.rs"),
            ("old", "src/old.rs"),
        ] {
            fs::write(root.join(format!("{name}.d")), format!("/target/{name}.d: {list}\n\n/target/x: y\n")).unwrap();
        }
        let old = fs::File::options().write(true).open(root.join("old.d")).unwrap();
        old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let expected = [root.join("src/lib.rs"), "/elsewhere/x.rs".into()];
        assert_eq!(of_rejected(&root, since, &root), BTreeSet::from(expected));
    }
}
