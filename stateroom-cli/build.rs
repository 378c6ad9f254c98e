//! Notes what this command is built from, so that the crates it makes can depend on the very same.
//!
//! Where it is not built from a clone, it notes nothing, and that is no error.
use std::{path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=templates");
    // It changes with every commit that is made or checked out.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists()) {
        println!("cargo:rerun-if-changed={log}");
    }
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_default();
    let repository = git(&["remote", "get-url", "origin"]).unwrap_or_default();
    println!("cargo:rustc-env=STATEROOM_BUILT_FROM_COMMIT={commit}");
    println!("cargo:rustc-env=STATEROOM_BUILT_FROM_REPOSITORY={repository}");
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(text.trim().to_owned())
}
