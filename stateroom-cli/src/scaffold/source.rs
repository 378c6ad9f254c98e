//! The source of the Stateroom crates that a new crate depends on.
//!
//! *Invariant:* by default, it is the source that this command was built from.
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value};

/// The source of the Stateroom crates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A checkout in this directory.
    Checkout {
        /// Its absolute path.
        directory: PathBuf,
        /// Whether a crate refers to it by a relative path, wherever the crate is.
        is_relative: bool,
    },
    /// A Git repository, at a commit if one is known.
    Git { repository: String, commit: Option<String> },
}

/// The checkout that this command was built from. It may be gone.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The commit of the checkout. Empty if it was not a Git checkout.
const COMMIT: &str = env!("STATEROOM_BUILT_FROM_COMMIT");
/// The repository that it was cloned from. Empty if unknown.
const REPOSITORY: &str = env!("STATEROOM_BUILT_FROM_REPOSITORY");

impl Source {
    /// Returns the given source, or the one that this command was built from.
    ///
    /// # Errors
    ///
    /// Returns an error if the given one is invalid, or the one that this command was built from is gone.
    pub(super) fn find(given: Option<&str>) -> Result<Source> {
        match given {
            Some(given) if given.contains("://") || given.starts_with("git@") => {
                Ok(Source::Git { repository: given.to_owned(), commit: None })
            }
            Some(given) => Source::checkout(Path::new(given), Path::new(given).is_relative())
                .with_context(|| format!("`{given}` is neither a checkout of Stateroom nor a Git URL")),
            None => Source::built_from(Path::new(CHECKOUT), REPOSITORY, COMMIT),
        }
    }

    fn built_from(checkout: &Path, repository: &str, commit: &str) -> Result<Source> {
        // Cargo marks its own checkouts with this file, and deletes them after some time.
        if !checkout.join(".cargo-ok").exists()
            && let Ok(source) = Source::checkout(checkout, false)
        {
            return Ok(source);
        }
        if repository.is_empty() || commit.is_empty() {
            bail!(
                "the checkout that this command was built from is gone, and its repository is unknown\n  \
                 hint: set the source of Stateroom's crates with `--stateroom PATH-OR-URL`"
            );
        }
        Ok(Source::Git { repository: repository.to_owned(), commit: Some(commit.to_owned()) })
    }

    fn checkout(directory: &Path, is_relative: bool) -> Result<Source> {
        let directory = directory.canonicalize()?;
        if !directory.join("stateroom-wasm").join("Cargo.toml").is_file() {
            bail!("the directory has no `stateroom-wasm`");
        }
        let path = directory.to_str().with_context(|| format!("the path `{}` is not Unicode", directory.display()))?;
        // Cargo does not accept Windows paths with this prefix.
        Ok(Source::Checkout { directory: path.strip_prefix(r"\\?\").unwrap_or(path).into(), is_relative })
    }

    /// Parses the manifest of a template, for a package in this absolute directory, with its dependencies from this source.
    ///
    /// # Errors
    ///
    /// Returns an error if it is invalid, or the path of a dependency is not Unicode.
    pub(super) fn manifest(&self, text: &[u8], directory: &Path) -> Result<DocumentMut> {
        let mut manifest: DocumentMut =
            str::from_utf8(text)?.parse().context("failed to parse a template's manifest")?;
        for table in ["dependencies", "dev-dependencies"] {
            let Some(dependencies) = manifest.get_mut(table).and_then(Item::as_table_like_mut) else { continue };
            for (package, dependency) in dependencies.iter_mut() {
                if !package.get().starts_with("stateroom") {
                    continue;
                }
                if dependency.is_str() {
                    *dependency = Item::Value(Value::InlineTable(InlineTable::new()));
                }
                if let Some(dependency) = dependency.as_table_like_mut() {
                    self.apply(package.get(), dependency, directory)?;
                }
            }
        }
        Ok(manifest)
    }

    /// Points a dependency on one of the crates to this source.
    fn apply(&self, package: &str, dependency: &mut dyn TableLike, directory: &Path) -> Result<()> {
        // The crates of that version in the registry are different ones.
        dependency.remove("version");
        let mut set = |key, text: &str| dependency.insert(key, toml_edit::value(text));
        match self {
            Source::Checkout { directory: checkout, is_relative } => {
                let path = checkout.join(folder(package)).join(package);
                // A crate next to the checkout most likely moves with it.
                let beside = checkout.parent().filter(|parent| parent.parent().is_some());
                let is_relative = *is_relative || beside.is_some_and(|beside| directory.starts_with(beside));
                let relative = is_relative.then(|| pathdiff::diff_paths(&path, directory)).flatten();
                let path = relative.unwrap_or(path);
                let path = path.to_str().with_context(|| format!("the path `{}` is not Unicode", path.display()))?;
                set("path", path);
            }
            Source::Git { repository, commit } => {
                set("git", repository);
                commit.as_deref().map(|commit| set("rev", commit));
            }
        }
        dependency.fmt();
        Ok(())
    }
}

/// Returns the folder of a checkout that contains a crate.
fn folder(package: &str) -> &'static str {
    if package == "stateroom-client" { "stateroom-wasm" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_used_while_it_exists_and_its_commit_afterwards() {
        let existing = Path::new(CHECKOUT);
        assert!(matches!(Source::built_from(existing, "", "").unwrap(), Source::Checkout { .. }));
        let gone = Path::new("/nowhere/at/all");
        let source = Source::built_from(gone, "https://example.com/x", "abc").unwrap();
        assert_eq!(source, Source::Git { repository: "https://example.com/x".into(), commit: Some("abc".into()) });
        let error = Source::built_from(gone, "", "abc").unwrap_err().to_string();
        assert!(error.contains("`--stateroom PATH-OR-URL`"), "{error}");
    }

    #[test]
    fn checkouts_of_cargo_are_not_used() {
        let checkout = tempfile::tempdir().unwrap();
        std::fs::create_dir(checkout.path().join("stateroom-wasm")).unwrap();
        std::fs::write(checkout.path().join("stateroom-wasm/Cargo.toml"), "").unwrap();
        assert!(matches!(Source::built_from(checkout.path(), "https://x", "c").unwrap(), Source::Checkout { .. }));
        std::fs::write(checkout.path().join(".cargo-ok"), "").unwrap();
        assert!(matches!(Source::built_from(checkout.path(), "https://x", "c").unwrap(), Source::Git { .. }));
    }

    #[test]
    fn the_checkout_contains_the_crates() {
        for package in ["stateroom", "stateroom-client", "stateroom-server", "stateroom-wasm"] {
            assert!(Path::new(CHECKOUT).join(folder(package)).join(package).join("Cargo.toml").is_file(), "{package}");
        }
    }

    #[test]
    fn a_crate_near_the_checkout_refers_to_it_by_a_relative_path() {
        let path = |checkout: &str, is_relative, crate_directory: &str| {
            let source = Source::Checkout { directory: checkout.into(), is_relative };
            let manifest = source.manifest(b"[dependencies]\nstateroom = '1'", Path::new(crate_directory)).unwrap();
            manifest["dependencies"]["stateroom"]["path"].as_str().unwrap().to_owned()
        };
        for (checkout, is_relative, crate_directory, expected) in [
            ("/code/stateroom", false, "/code/app", "../stateroom/stateroom"),
            ("/code/stateroom", false, "/code/games/app", "../../stateroom/stateroom"),
            ("/code/stateroom", false, "/code/stateroom/app", "../stateroom"),
            ("/code/stateroom", false, "/srv/app", "/code/stateroom/stateroom"),
            ("/code/stateroom", true, "/srv/app", "../../code/stateroom/stateroom"),
            ("/stateroom", false, "/srv/app", "/stateroom/stateroom"),
        ] {
            assert_eq!(path(checkout, is_relative, crate_directory), expected, "{checkout} from {crate_directory}");
        }
    }

    #[test]
    fn the_source_is_a_path_or_a_url() {
        assert!(matches!(Source::find(Some(CHECKOUT)).unwrap(), Source::Checkout { .. }));
        let address = "https://example.com/stateroom";
        assert_eq!(Source::find(Some(address)).unwrap(), Source::Git { repository: address.into(), commit: None });
        let error = Source::find(Some("/nowhere")).unwrap_err().to_string();
        assert!(error.starts_with("`/nowhere` is neither a checkout"), "{error}");
    }
}
