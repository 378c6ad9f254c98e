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
    // Where git was told to make no links, as on Windows it is by default, the templates have no sources.
    assert!(
        !Path::new("templates/counter/src").is_file(),
        "git has made files of links: `git config core.symlinks true`, then check out again"
    );
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_default();
    let repository = git(&["remote", "get-url", "origin"]).and_then(|origin| public(&origin)).unwrap_or_default();
    println!("cargo:rustc-env=STATEROOM_BUILT_FROM_COMMIT={commit}");
    println!("cargo:rustc-env=STATEROOM_BUILT_FROM_REPOSITORY={repository}");
}

/// The address of a repository, if it is one that others can use as well: without anybody's password.
fn public(origin: &str) -> Option<String> {
    if let Some((scheme, rest)) = origin.split_once("://") {
        return match scheme {
            "https" | "http" => {
                let (authority, path) = rest.split_once('/')?;
                let host = authority.rsplit('@').next()?;
                Some(format!("{scheme}://{host}/{path}"))
            }
            "ssh" => Some(origin.to_owned()),
            _ => None,
        };
    }
    // As git writes it for short; cargo wants it in full.
    let (host, path) = origin.split_once(':').filter(|(host, _)| host.contains('@'))?;
    Some(format!("ssh://{host}/{path}"))
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(text.trim().to_owned())
}
