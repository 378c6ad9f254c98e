//! The workspace that a new crate joins, as cargo decides it.
//!
//! *Invariant:* a directory that the workspace excludes stays outside of it.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow};
use toml_edit::{Array, DocumentMut, Item};

use crate::build::tool;

/// Directories and files that mark a checkout of a version control system that `cargo init` does not know, or only knows if its
/// program is installed.
const CHECKOUT_MARKS: [&str; 8] = [".bzr", ".fslckout", ".hg", ".jj", ".pijul", ".sl", ".svn", "_FOSSIL_"];

/// Keys of `[workspace.package]` that a new crate does not inherit, because the code of the templates depends on them.
const OWN_KEYS: [&str; 2] = ["edition", "rust-version"];

/// The workspace above a new crate.
pub(super) struct Workspace {
    /// Its manifest.
    pub(super) manifest: PathBuf,
    /// Whether the crate will be a member, because the workspace does not exclude the directory.
    pub(super) includes: bool,
}

/// Returns the workspace above this absolute directory.
///
/// # Errors
///
/// Returns an error if cargo cannot be run, or a manifest cannot be read.
pub(super) fn above(directory: &Path) -> Result<Option<Workspace>> {
    let Some(parent) = directory.ancestors().skip(1).find(|ancestor| ancestor.is_dir()) else { return Ok(None) };
    let mut locate = tool("cargo");
    locate.args(["locate-project", "--workspace", "--message-format=plain"]).current_dir(parent);
    let output = locate.output().context(NO_CARGO)?;
    if !output.status.success() {
        // No manifest, or one that cargo rejects, which `check` reports.
        return Ok(None);
    }
    let manifest = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end());
    let text = fs::read_to_string(&manifest).with_context(|| format!("failed to read `{}`", manifest.display()))?;
    let document: DocumentMut = text.parse().with_context(|| format!("failed to parse `{}`", manifest.display()))?;
    let Some(workspace) = document.get("workspace") else { return Ok(None) };
    let root = manifest.parent().unwrap_or(Path::new("/"));
    let is_listed = |key| {
        let paths = workspace.get(key).and_then(Item::as_array).into_iter().flatten();
        paths.filter_map(|path| path.as_str()).any(|path| directory.starts_with(root.join(path)))
    };
    let includes = is_listed("members") || !is_listed("exclude");
    Ok(Some(Workspace { manifest, includes }))
}

/// Creates a package with `cargo init`, which adds it to the workspace and creates a Git repository where there is none.
///
/// # Errors
///
/// Returns an error if cargo cannot be run, or fails.
pub(super) fn create(directory: &Path, name: &str, kind: &str, no_git: bool) -> Result<()> {
    let in_checkout =
        || directory.ancestors().any(|ancestor| CHECKOUT_MARKS.iter().any(|mark| ancestor.join(mark).exists()));
    let mut init = tool("cargo");
    init.args(["init", "--quiet", kind, "--name", name]);
    if no_git || in_checkout() {
        init.args(["--vcs", "none"]);
    }
    run(init.arg("--").arg(directory)).context("cargo failed to create the crate")
}

/// Checks that cargo accepts a package and its workspace.
///
/// # Errors
///
/// Returns the error of cargo.
pub(super) fn check(manifest: &Path) -> Result<()> {
    let mut metadata = tool("cargo");
    metadata.args(["metadata", "--no-deps", "--offline", "--quiet", "--format-version=1", "--manifest-path"]);
    run(metadata.arg(manifest)).context(
        "cargo rejects the crate in this place, so nothing was created\n  \
         hint: choose another directory, or another name with `--name`",
    )
}

/// Adds to a manifest the keys that cargo lets a new member of the workspace inherit.
pub(super) fn inherit(manifest: &mut DocumentMut, generated: &DocumentMut) {
    // Cargo ignores those of a member.
    manifest.remove("workspace");
    manifest.remove("profile");
    let is_inherited = |item: &Item| item.get("workspace").is_some();
    let from = generated.get("package").and_then(Item::as_table_like);
    if let (Some(from), Some(to)) = (from, manifest.get_mut("package").and_then(Item::as_table_like_mut)) {
        for (key, item) in from.iter().filter(|(key, item)| is_inherited(item) && !OWN_KEYS.contains(key)) {
            to.insert(key, item.clone());
        }
    }
    if let Some(Item::Table(lints)) = generated.get("lints") {
        let mut lints = lints.clone();
        lints.set_position(None);
        manifest.insert("lints", Item::Table(lints));
    }
}

/// Adds a package in a directory of the workspace to its members. (`cargo init` does not add it if a pattern such as `crates/*`
/// would match it if `*` stood for several directories.)
///
/// # Errors
///
/// Returns an error if the manifest cannot be read or written.
pub(super) fn add_member(manifest: &Path, directory: &Path) -> Result<()> {
    let text = fs::read_to_string(manifest).with_context(|| format!("failed to read `{}`", manifest.display()))?;
    let mut document: DocumentMut =
        text.parse().with_context(|| format!("failed to parse `{}`", manifest.display()))?;
    let member = pathdiff::diff_paths(directory, manifest.parent().unwrap_or(manifest));
    let member = member.as_deref().and_then(Path::to_str).context("the path of the crate is not Unicode")?.to_owned();
    let workspace = document.get_mut("workspace").and_then(Item::as_table_like_mut).context("there is no workspace")?;
    let members = workspace.entry("members").or_insert(Item::Value(Array::new().into()));
    let members = members.as_array_mut().context("`members` is not an array")?;
    let like = members.iter().last().map(|last| last.decor().clone());
    members.push(member);
    if let (Some(like), Some(added)) = (like, members.iter_mut().last()) {
        *added.decor_mut() = like;
    }
    fs::write(manifest, document.to_string()).with_context(|| format!("failed to write `{}`", manifest.display()))
}

const NO_CARGO: &str =
    "failed to run `cargo`\n  hint: install Rust with rustup: https://rustup.rs, or add cargo to PATH";

fn run(cargo: &mut Command) -> Result<()> {
    let output = cargo.output().context(NO_CARGO)?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(anyhow!(stderr.trim().trim_start_matches("error: ").to_owned()))
}
