//! The source of the Stateroom crates that a new crate depends on.
//!
//! *Invariant:* by default, it is the source that this command was built from.
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml_edit::{InlineTable, TableLike};

/// The source of the Stateroom crates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A checkout in this directory.
    Checkout(PathBuf),
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
            Some(given) => Source::checkout(Path::new(given))
                .with_context(|| format!("`{given}` is neither a checkout of Stateroom nor a Git URL")),
            None => Source::built_from(Path::new(CHECKOUT), REPOSITORY, COMMIT),
        }
    }

    fn built_from(checkout: &Path, repository: &str, commit: &str) -> Result<Source> {
        // Cargo marks its own checkouts with this file, and deletes them after some time.
        if !checkout.join(".cargo-ok").exists()
            && let Ok(source) = Source::checkout(checkout)
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

    fn checkout(directory: &Path) -> Result<Source> {
        let directory = directory.canonicalize()?;
        if !directory.join("stateroom-wasm").join("Cargo.toml").is_file() {
            bail!("the directory has no `stateroom-wasm`");
        }
        Ok(Source::Checkout(directory))
    }

    /// Points a dependency on one of the crates to this source.
    pub(super) fn apply(&self, package: &str, dependency: &mut dyn TableLike) -> Result<()> {
        let mut from = InlineTable::new();
        match self {
            Source::Checkout(directory) => {
                let path = directory.join(folder(package)).join(package);
                let path = path.to_str().with_context(|| format!("the path `{}` is not Unicode", path.display()))?;
                // Cargo does not accept Windows paths with this prefix.
                from.insert("path", path.strip_prefix(r"\\?\").unwrap_or(path).into());
            }
            Source::Git { repository, commit } => {
                from.insert("git", repository.as_str().into());
                if let Some(commit) = commit {
                    from.insert("rev", commit.as_str().into());
                }
            }
        }
        // The crates of that version in the registry are different ones.
        dependency.remove("version");
        for (key, value) in from {
            dependency.insert(&key, toml_edit::value(value));
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
        assert!(matches!(Source::built_from(existing, "", "").unwrap(), Source::Checkout(_)));
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
        assert!(matches!(Source::built_from(checkout.path(), "https://x", "c").unwrap(), Source::Checkout(_)));
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
    fn the_source_is_a_path_or_a_url() {
        assert!(matches!(Source::find(Some(CHECKOUT)).unwrap(), Source::Checkout(_)));
        let address = "https://example.com/stateroom";
        assert_eq!(Source::find(Some(address)).unwrap(), Source::Git { repository: address.into(), commit: None });
        let error = Source::find(Some("/nowhere")).unwrap_err().to_string();
        assert!(error.starts_with("`/nowhere` is neither a checkout"), "{error}");
    }
}
