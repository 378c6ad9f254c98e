//! What runs in the browser: a module, bound with wasm-bindgen.
//!
//! wasm-bindgen binds what was compiled against its own version, and hardly any other. The library that is linked here is
//! tried first; where it does not fit, the program of the very version that does is found or installed.
mod install;
mod optimise;
mod program;

use std::{
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use cargo_metadata::semver::Version;
use wasm_bindgen_cli_support::Bindgen;

use super::cargo::CompiledModule;
use crate::settings::cache_directory;

/// Binds a module: the directory it gives has `<crate>.js`, `<crate>_bg.wasm` and their types. Where `quiet`, cargo tells
/// errors alone of what has to be installed for it.
///
/// # Errors
///
/// Where the module cannot be bound, or was compiled against a version of wasm-bindgen that cannot be had.
pub(super) fn bind(made: &CompiledModule, target_directory: &Path, quiet: bool) -> Result<PathBuf> {
    let module = made.module.as_path();
    let name = module.file_stem().context("the client's module has no name")?;
    let directory = target_directory.join("stateroom").join("client").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).with_context(|| format!("`{}` cannot be replaced", directory.display()))?;
    }
    if let Err(error) = quietly(|| generate(module, &directory)) {
        let text = format!("{error:#}");
        let misfit = Misfit::told(&text, made.wasm_bindgen.as_deref())
            .ok_or_else(|| anyhow!(text).context(format!("wasm-bindgen cannot bind `{}`", module.display())))?;
        let program = program::find(&misfit, &cache_directory()?, quiet)?;
        program::run(&program, module, &directory)?;
    }
    let mut bound = name.to_owned();
    bound.push("_bg.wasm");
    optimise::optimise(&directory.join(bound));
    Ok(directory)
}

/// [`program::run`] asks for the same.
fn generate(module: &Path, directory: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(module)
        .web(true)?
        .typescript(true)
        .emit_start(false)
        // So that `init()` finds the module beside the script by itself; `init(url)` works as well.
        .omit_default_module_path(false)
        .generate(directory)
}

/// The library of wasm-bindgen panics where a module is not what it takes for granted. That is an error like others.
fn quietly(bind: impl FnOnce() -> Result<()>) -> Result<()> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(bind));
    panic::set_hook(hook);
    result.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        Err(anyhow!("{}", text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("it gave up")))
    })
}

/// The version of wasm-bindgen that is linked here.
pub(crate) fn linked_wasm_bindgen() -> String {
    wasm_bindgen_shared::version()
}

/// Whether a client that is compiled against this version can be bound with what is on this machine.
pub(crate) fn bound_without_installing(version: &Version) -> bool {
    let program = || program::at_hand(version, &cache_directory().ok()?);
    version.to_string() == linked_wasm_bindgen() || program().is_some()
}

/// Two versions of wasm-bindgen, of which neither binds what was compiled against the other.
#[derive(Debug, PartialEq)]
struct Misfit {
    /// What the client is compiled against.
    theirs: Version,
    /// What is linked here.
    ours: String,
}

impl Misfit {
    /// What the library tells where it does not fit. Which version the client has, cargo knows better.
    fn told(text: &str, compiled: Option<&str>) -> Option<Misfit> {
        let theirs = after(text, "rust Wasm file schema version:")?;
        let ours = after(text, "this binary schema version:")?.to_owned();
        let theirs = Version::parse(compiled.unwrap_or(theirs)).or_else(|_| Version::parse(theirs)).ok()?;
        Some(Misfit { theirs, ours })
    }
}

/// The word that follows a label.
fn after<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.split_once(label)?.1.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that says to be made by another wasm-bindgen, and nothing else.
    fn module_of(version: &str) -> Vec<u8> {
        let header = format!(r#"{{"schema_version":"{version}","version":"{version}"}}"#);
        let name = "__wasm_bindgen_unstable";
        let mut section = vec![name.len() as u8];
        section.extend(name.bytes());
        section.extend((header.len() as u32).to_le_bytes());
        section.extend(header.bytes());
        let mut module = b"\0asm\x01\0\0\0\0".to_vec();
        module.push(section.len() as u8);
        module.extend(section);
        module
    }

    #[test]
    fn versions_that_do_not_fit_are_understood_and_the_one_that_cargo_compiled_counts() {
        let directory = tempfile::tempdir().unwrap();
        let module = directory.path().join("client.wasm");
        fs::write(&module, module_of("0.0.1")).unwrap();
        let text = format!("{:#}", generate(&module, directory.path()).unwrap_err());
        for (compiled, theirs) in [(None, "0.0.1"), (Some("0.0.2"), "0.0.2"), (Some("main"), "0.0.1")] {
            let misfit = Misfit::told(&text, compiled).unwrap();
            assert_eq!(misfit.theirs.to_string(), theirs);
            assert!(misfit.ours.starts_with("0.2."), "{misfit:?}");
        }
        assert_eq!(Misfit::told("something else", Some("0.0.2")), None);
    }

    #[test]
    fn what_is_no_module_at_all_is_an_error_with_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let module = directory.path().join("client.wasm");
        fs::write(&module, "no module").unwrap();
        let made = CompiledModule { module, wasm_bindgen: None };
        let text = bind(&made, directory.path(), true).unwrap_err().to_string();
        assert!(text.starts_with("wasm-bindgen cannot bind `") && text.contains("client.wasm"), "{text}");
    }

    #[test]
    fn a_panic_of_the_library_is_an_error() {
        let error = quietly(|| panic!("no such section")).unwrap_err();
        assert_eq!(error.to_string(), "no such section");
    }
}
