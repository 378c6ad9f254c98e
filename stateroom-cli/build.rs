//! Embeds the commit and repository that this command is built from, so that the crates it creates can depend on the same.
//!
//! Both are empty if it is not built from a clone.
use std::{path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=templates");
    // Changes with every commit and checkout.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists()) {
        println!("cargo:rerun-if-changed={log}");
    }
    // Without symbolic links, the default on Windows, the templates have no sources.
    assert!(
        !Path::new("templates/counter/src").is_file(),
        "git checked out symbolic links as files: run `git config core.symlinks true` and check out again"
    );
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_default();
    let repository = git(&["remote", "get-url", "origin"]).and_then(|origin| public(&origin)).unwrap_or_default();
    println!("cargo:rustc-env=STATEROOM_BUILT_FROM_COMMIT={commit}");
    println!("cargo:rustc-env=STATEROOM_BUILT_FROM_REPOSITORY={repository}");
}

/// Returns the URL of a repository without credentials, if others can use it.
///
/// Parsed by hand: a build dependency on `url` would compile its Unicode tables a second time.
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
    // Cargo does not accept git's short form.
    let (host, path) = origin.split_once(':').filter(|(host, _)| host.contains('@'))?;
    Some(format!("ssh://{host}/{path}"))
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(text.trim().to_owned())
}
