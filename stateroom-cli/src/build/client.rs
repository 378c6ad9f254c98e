//! What runs in the browser: a module, bound with wasm-bindgen.
use std::{
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use wasm_bindgen_cli_support::Bindgen;

/// Binds a module: the directory it gives has `<crate>.js`, `<crate>_bg.wasm` and their types.
///
/// # Errors
///
/// Where the module was compiled against a version of wasm-bindgen that does not fit, or cannot be bound.
pub(super) fn bind(module: &Path, target_directory: &Path) -> Result<PathBuf> {
    let name = module.file_stem().context("the client's module has no name")?;
    let directory = target_directory.join("stateroom").join("client").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).with_context(|| format!("`{}` cannot be replaced", directory.display()))?;
    }
    quietly(|| generate(module, &directory)).map_err(|error| explain(&error, module))?;
    Ok(directory)
}

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

fn explain(error: &anyhow::Error, module: &Path) -> anyhow::Error {
    let text = format!("{error:#}");
    match (version(&text, "rust Wasm file schema version:"), version(&text, "this binary schema version:")) {
        (Some(theirs), Some(ours)) => anyhow!(
            "the client is compiled against wasm-bindgen {theirs}, and this stateroom binds {ours}: they do not fit\n  \
             hint: take the same for the client, `cargo update -p wasm-bindgen --precise {ours}`,\n  \
             or a stateroom that is built with wasm-bindgen {theirs}"
        ),
        _ => anyhow!(text).context(format!("wasm-bindgen cannot bind `{}`", module.display())),
    }
}

/// The version that follows a label.
fn version<'a>(text: &'a str, label: &str) -> Option<&'a str> {
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
    fn versions_that_do_not_fit_are_both_named_with_the_remedies() {
        let directory = tempfile::tempdir().unwrap();
        let module = directory.path().join("client.wasm");
        fs::write(&module, module_of("0.0.1")).unwrap();
        let text = bind(&module, directory.path()).unwrap_err().to_string();
        assert!(text.contains("against wasm-bindgen 0.0.1, and this stateroom binds 0.2."), "{text}");
        assert!(text.contains("-p wasm-bindgen --precise 0.2."), "{text}");
    }

    #[test]
    fn what_is_no_module_at_all_is_an_error_with_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let module = directory.path().join("client.wasm");
        fs::write(&module, "no module").unwrap();
        let text = bind(&module, directory.path()).unwrap_err().to_string();
        assert!(text.starts_with("wasm-bindgen cannot bind `") && text.contains("client.wasm"), "{text}");
    }

    #[test]
    fn a_panic_of_the_library_is_an_error() {
        let error = quietly(|| panic!("no such section")).unwrap_err();
        assert_eq!(error.to_string(), "no such section");
    }
}
