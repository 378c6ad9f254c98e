//! The client: a module for the browser, bound with the program `wasm-bindgen`.
//!
//! *Invariant:* the program has exactly the version that the client is compiled against. wasm-bindgen binds hardly any other.
mod install;
mod optimize;
mod program;
mod start;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use cargo_metadata::semver::Version;

use super::cargo::CompiledModule;
use crate::settings::cache_directory;

/// Binds a module and returns the directory of the output: `<crate>.js`, `<crate>_bg.wasm` and their types. If the program has
/// to be installed and `quiet` is set, cargo prints errors only.
///
/// # Errors
///
/// If the module does not use wasm-bindgen, cannot be bound, or the matching program cannot be installed.
pub(super) fn bind(
    compiled: &CompiledModule,
    target_directory: &Path,
    quiet: bool,
    is_offline: bool,
) -> Result<PathBuf> {
    let module = compiled.module.as_path();
    let name = module.file_stem().context("the client's module has no file name")?.to_string_lossy();
    let version = version(compiled)?;
    let program = program::find(&version, &cache_directory()?, quiet, is_offline)?;
    let directory = target_directory.join("stateroom").join("client").join(&*name);
    if directory.exists() {
        fs::remove_dir_all(&directory).with_context(|| format!("failed to remove `{}`", directory.display()))?;
    }
    program::run(&program, module, &directory)?;
    let bound = directory.join(format!("{name}_bg.wasm"));
    start::leave_to_the_page(&bound, &directory.join(format!("{name}.js")))?;
    optimize::optimize(&bound);
    Ok(directory)
}

/// The version of wasm-bindgen that a client is compiled against.
fn version(compiled: &CompiledModule) -> Result<Version> {
    let version = compiled.wasm_bindgen.as_deref().with_context(|| {
        format!(
            "`{}` does not use wasm-bindgen\n  hint: `cargo add wasm-bindgen` in the client's crate",
            compiled.module.display()
        )
    })?;
    Version::parse(version).with_context(|| format!("wasm-bindgen {version} is not a version"))
}

/// Returns whether a client compiled against this version can be bound without installing anything.
pub(crate) fn can_bind(version: &Version) -> bool {
    cache_directory().is_ok_and(|cache| program::installed(version, &cache).is_some())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::build::ScriptTimes;

    #[test]
    fn a_client_names_its_wasm_bindgen() {
        let made = |version: Option<&str>| CompiledModule {
            module: "client.wasm".into(),
            wasm_bindgen: version.map(str::to_owned),
            sources: BTreeSet::new(),
            scripts: ScriptTimes::default(),
        };
        assert_eq!(version(&made(Some("0.2.100"))).unwrap(), Version::new(0, 2, 100));
        let text = |version_of: Option<&str>| version(&made(version_of)).unwrap_err().to_string();
        assert!(text(None).starts_with("`client.wasm` does not use wasm-bindgen\n"), "{}", text(None));
        assert_eq!(text(Some("main")), "wasm-bindgen main is not a version");
    }
}
