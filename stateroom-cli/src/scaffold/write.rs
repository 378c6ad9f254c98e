//! Writing the files of a new crate.
//!
//! *Invariant:* a crate is created completely or not at all, and a file of the user's is at most appended to.
use std::{
    fs,
    path::{Path, PathBuf, absolute},
};

use anyhow::{Context, Result, bail};
use toml_edit::DocumentMut;

use super::{
    name::CrateName,
    source::Source,
    template::Template,
    undo::Undo,
    workspace::{self, Workspace},
};

const MANIFEST: &str = "Cargo.toml";
/// Kept if it exists.
const README: &str = "README.md";
/// Appended to if it exists.
const IGNORE: &str = ".gitignore";

/// Files that make a directory a crate, whichever the template.
const CRATE_FILES: [&str; 3] = [MANIFEST, "src/lib.rs", "src/main.rs"];

/// A crate to write.
pub(super) struct Crate<'a> {
    pub(super) directory: &'a Path,
    pub(super) template: Template,
    pub(super) name: &'a CrateName,
    pub(super) source: &'a Source,
    pub(super) no_git: bool,
}

impl Crate<'_> {
    /// Writes the crate, and returns the manifest of the workspace that it is a member of.
    ///
    /// # Errors
    ///
    /// Returns an error if a file exists already or cannot be written, or cargo rejects the crate. Nothing is changed then.
    pub(super) fn write(&self) -> Result<Option<PathBuf>> {
        self.refuse_existing()?;
        let directory = physical(self.directory)?;
        let workspace = workspace::above(&directory)?;
        let files = self.template.files().map(|(path, _)| path).chain([PathBuf::from(".git")]);
        let around = workspace.iter().map(|workspace| workspace.manifest.clone());
        let undo = Undo::of(files.map(|path| directory.join(path)).chain(around));
        let written = self.write_files(&directory, workspace.as_ref(), &undo);
        if written.is_err() {
            undo.undo();
        }
        written.map(|()| workspace.filter(|workspace| workspace.includes).map(|workspace| workspace.manifest))
    }

    fn write_files(&self, directory: &Path, workspace: Option<&Workspace>, undo: &Undo) -> Result<()> {
        let kind =
            if self.template.files().any(|(path, _)| path == Path::new("src/main.rs")) { "--bin" } else { "--lib" };
        // Cargo looks for a repository in the parent directory, if that exists.
        let parent = directory.parent().unwrap_or(directory);
        fs::create_dir_all(parent).with_context(|| format!("failed to create `{}`", parent.display()))?;
        let (mut manifests, mut generated) = (Vec::new(), DocumentMut::new());
        // The package itself comes before those in its directory.
        let mut files: Vec<_> = self.template.files().collect();
        files.sort_by_key(|(path, _)| (!path.ends_with(MANIFEST), path.components().count()));
        for (path, contents) in files {
            let (path, is_root) = (directory.join(&path), path == Path::new(MANIFEST));
            let mut contents = self.template.render(contents, self.name);
            if path.ends_with(MANIFEST) {
                let folder = path.parent().unwrap_or(directory);
                let mut manifest = self.source.manifest(&contents, folder)?;
                if is_root {
                    workspace::create(folder, self.name.as_str(), kind, self.no_git)?;
                    let text =
                        fs::read_to_string(&path).with_context(|| format!("failed to read `{}`", path.display()))?;
                    generated = text.parse()?;
                }
                match workspace {
                    Some(workspace) if workspace.includes => {
                        workspace::inherit(&mut manifest, &generated);
                        if !is_root {
                            workspace::add_member(&workspace.manifest, folder)?;
                        }
                    }
                    // `cargo init` adds excluded directories, too.
                    Some(workspace) => undo.restore(&workspace.manifest),
                    None => {}
                }
                contents = manifest.to_string().into_bytes().into();
                manifests.push(path.clone());
            } else if path.ends_with(README) && path.exists() {
                continue;
            } else if path.ends_with(IGNORE) {
                // Without what `cargo init` appended.
                undo.restore(&path);
                contents = with_lines(fs::read(&path).unwrap_or_default(), &contents).into();
            }
            write_file(&path, &contents)?;
        }
        manifests.iter().try_for_each(|manifest| workspace::check(manifest))
    }

    /// Returns an error if a file is in the way.
    fn refuse_existing(&self) -> Result<()> {
        let is_kept = |path: &Path| matches!(path.to_str(), Some(README | IGNORE));
        let is_in_the_way = |path: &Path| {
            self.directory.join(path).symlink_metadata().is_ok_and(|found| !(is_kept(path) && found.is_file()))
        };
        let mut existing: Vec<PathBuf> = Vec::new();
        for path in self.template.files().map(|(path, _)| path).chain(CRATE_FILES.map(PathBuf::from)) {
            let is_file = |folder: &&Path| !folder.as_os_str().is_empty() && self.directory.join(folder).is_file();
            existing.extend(path.ancestors().skip(1).find(is_file).map(Path::to_owned));
            existing.extend(is_in_the_way(&path).then_some(path));
        }
        existing.sort();
        existing.dedup();
        if existing.is_empty() {
            return Ok(());
        }
        let list = |path: &PathBuf| format!("\n    {}", self.directory.join(path).display());
        let hint = if existing.contains(&PathBuf::from(MANIFEST)) {
            "\n  hint: to make a service of an existing crate, see the README of `stateroom-wasm`"
        } else {
            ""
        };
        bail!("these files exist already:{}{hint}", existing.iter().map(list).collect::<String>())
    }
}

/// Returns an absolute path without symbolic links, of a directory that may not exist.
fn physical(directory: &Path) -> Result<PathBuf> {
    let full = absolute(directory).with_context(|| format!("failed to find `{}`", directory.display()))?;
    let existing = full.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    Ok(match existing {
        // Cargo does not accept canonical paths of Windows.
        Some((ancestor, canonical)) if !cfg!(windows) => canonical.join(full.strip_prefix(ancestor)?),
        _ => full,
    })
}

fn write_file(path: &Path, contents: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))?;
    fs::write(path, contents).with_context(|| format!("failed to write `{}`", path.display()))
}

/// Appends the lines that a file lacks.
fn with_lines(mut text: Vec<u8>, lines: &[u8]) -> Vec<u8> {
    let has = |text: &[u8], line: &[u8]| text.split(|byte| *byte == b'\n').any(|found| found.trim_ascii() == line);
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if !has(&text, line) {
            if text.last().is_some_and(|last| *last != b'\n') {
                text.push(b'\n');
            }
            text.extend([line, b"\n"].concat());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_missing_lines() {
        for (text, expected) in [
            ("", "/target\n/dist\n"),
            ("/dist\n*.log", "/dist\n*.log\n/target\n"),
            ("/target\r\n/dist", "/target\r\n/dist"),
        ] {
            let lines = with_lines(text.into(), b"/target\n/dist\n");
            assert_eq!(String::from_utf8(lines).unwrap(), expected);
        }
    }
}
