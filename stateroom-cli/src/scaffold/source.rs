//! Where a new crate gets the crates of this repository from.
//!
//! *Invariant:* what is written into a manifest is what this command itself was built from, unless its user says otherwise.
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml_edit::{InlineTable, TableLike};

/// Where the crates of this repository are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// In this directory, which is a checkout.
    Checkout(PathBuf),
    /// In a repository that git can reach, at a commit if one is known.
    Git { repository: String, commit: Option<String> },
}

/// The checkout that this command was built from, if it is still there.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Its commit; empty where it was none of git's.
const COMMIT: &str = env!("STATEROOM_BUILT_FROM_COMMIT");
/// Where it was cloned from; empty where that is not known.
const REPOSITORY: &str = env!("STATEROOM_BUILT_FROM_REPOSITORY");

impl Source {
    /// What was said, or else what this command was built from.
    ///
    /// # Errors
    ///
    /// Where what was said is none, or nothing was, and what it was built from is gone.
    pub(crate) fn find(said: Option<&str>) -> Result<Source> {
        match said {
            Some(said) if said.contains("://") || said.starts_with("git@") => {
                Ok(Source::Git { repository: said.to_owned(), commit: None })
            }
            Some(said) => Source::checkout(Path::new(said))
                .with_context(|| format!("`{said}` is no checkout of Stateroom, nor the address of a repository")),
            None => Source::built_from(Path::new(CHECKOUT), REPOSITORY, COMMIT),
        }
    }

    fn built_from(checkout: &Path, repository: &str, commit: &str) -> Result<Source> {
        // What cargo has checked out for itself, it deletes at some time; it marks it with this file.
        if !checkout.join(".cargo-ok").exists()
            && let Ok(source) = Source::checkout(checkout)
        {
            return Ok(source);
        }
        if repository.is_empty() || commit.is_empty() {
            bail!(
                "the checkout that this command was built from is gone, and where it came from is not known\n  \
                 hint: say where the crates of Stateroom are: `--stateroom PATH-OR-URL`"
            );
        }
        Ok(Source::Git { repository: repository.to_owned(), commit: Some(commit.to_owned()) })
    }

    fn checkout(directory: &Path) -> Result<Source> {
        let directory = directory.canonicalize()?;
        if !directory.join("stateroom-wasm").join("Cargo.toml").is_file() {
            bail!("there is no `stateroom-wasm` in it");
        }
        Ok(Source::Checkout(directory))
    }

    /// Has a dependency on one of the crates come from here.
    pub(crate) fn set(&self, package: &str, dependency: &mut dyn TableLike) -> Result<()> {
        let mut from = InlineTable::new();
        match self {
            Source::Checkout(directory) => {
                let path = directory.join(folder(package)).join(package);
                let path = path.to_str().with_context(|| format!("`{}` is not Unicode", path.display()))?;
                // Of Windows, the form without a length limit, which cargo does not take.
                from.insert("path", path.strip_prefix(r"\\?\").unwrap_or(path).into());
            }
            Source::Git { repository, commit } => {
                from.insert("git", repository.as_str().into());
                if let Some(commit) = commit {
                    from.insert("rev", commit.as_str().into());
                }
            }
        }
        // The registry's crates of that version are not these.
        dependency.remove("version");
        for (key, value) in from {
            dependency.insert(&key, toml_edit::value(value));
        }
        dependency.fmt();
        Ok(())
    }
}

/// In which folder of a checkout one of the crates is.
fn folder(package: &str) -> &'static str {
    if package == "stateroom-client" { "stateroom-wasm" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_counts_while_it_is_there_and_then_its_commit() {
        let there = Path::new(CHECKOUT);
        assert!(matches!(Source::built_from(there, "", "").unwrap(), Source::Checkout(_)));
        let gone = Path::new("/nowhere/at/all");
        let source = Source::built_from(gone, "https://example.com/x", "abc").unwrap();
        assert_eq!(source, Source::Git { repository: "https://example.com/x".into(), commit: Some("abc".into()) });
        let error = Source::built_from(gone, "", "abc").unwrap_err().to_string();
        assert!(error.contains("`--stateroom PATH-OR-URL`"), "{error}");
    }

    #[test]
    fn what_cargo_has_checked_out_for_itself_is_not_built_upon() {
        let cargos = tempfile::tempdir().unwrap();
        std::fs::create_dir(cargos.path().join("stateroom-wasm")).unwrap();
        std::fs::write(cargos.path().join("stateroom-wasm/Cargo.toml"), "").unwrap();
        assert!(matches!(Source::built_from(cargos.path(), "https://x", "c").unwrap(), Source::Checkout(_)));
        std::fs::write(cargos.path().join(".cargo-ok"), "").unwrap();
        assert!(matches!(Source::built_from(cargos.path(), "https://x", "c").unwrap(), Source::Git { .. }));
    }

    #[test]
    fn a_checkout_has_the_crates_that_new_ones_depend_on() {
        for package in ["stateroom", "stateroom-client", "stateroom-server", "stateroom-wasm"] {
            assert!(Path::new(CHECKOUT).join(folder(package)).join(package).join("Cargo.toml").is_file(), "{package}");
        }
    }

    #[test]
    fn what_is_said_is_a_path_or_an_address() {
        assert!(matches!(Source::find(Some(CHECKOUT)).unwrap(), Source::Checkout(_)));
        let address = "https://example.com/stateroom";
        assert_eq!(Source::find(Some(address)).unwrap(), Source::Git { repository: address.into(), commit: None });
        let error = Source::find(Some("/nowhere")).unwrap_err().to_string();
        assert!(error.starts_with("`/nowhere` is no checkout"), "{error}");
    }
}
