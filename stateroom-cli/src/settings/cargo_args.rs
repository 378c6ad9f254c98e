//! The arguments that are passed to `cargo build`.
//!
//! *Invariant:* arguments that would change what is built, or where, are refused.
use toml::Table;

use super::names::find;

/// Returns what to do instead of passing an argument, which another may follow, to cargo.
pub(super) fn refusal(argument: &str, next: Option<&String>) -> Option<&'static str> {
    let (name, value) = match argument.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (argument, next.map(String::as_str)),
    };
    match name {
        "--target" => Some("remove it: services are built for wasm32-wasip1, clients for wasm32-unknown-unknown"),
        "--manifest-path" => Some("use `-C DIR` before `--`"),
        "--package" | "--workspace" | "--all" | "--exclude" => Some(PACKAGE),
        "--lib" | "--bin" | "--bins" | "--example" | "--examples" | "--test" | "--tests" | "--bench" | "--benches"
        | "--all-targets" => Some("remove it: only the libraries of the service and the client are built"),
        "--features" | "--all-features" | "--no-default-features" => Some(FEATURES),
        "--message-format" => Some("remove it: stateroom reads the messages of cargo"),
        "--target-dir" => Some(TARGET_DIRECTORY),
        "--config" if value.is_some_and(sets_target_directory) => Some(TARGET_DIRECTORY),
        "--release" | "--profile" => Some(PROFILE),
        "--quiet" => Some(QUIET),
        "--help" => Some(HELP),
        "--" => Some("remove it: `cargo build` takes no further arguments"),
        _ if argument.starts_with('+') => Some("select a toolchain with RUSTUP_TOOLCHAIN or rust-toolchain.toml"),
        _ if argument.starts_with("--") => None,
        _ => short_flags(argument).find_map(|flag| match flag {
            'p' => Some(PACKAGE),
            'F' => Some(FEATURES),
            'r' => Some(PROFILE),
            'q' => Some(QUIET),
            'h' => Some(HELP),
            _ => None,
        }),
    }
}

/// Returns the flags of an argument such as `-vp`, without the value of the last one.
fn short_flags(argument: &str) -> impl Iterator<Item = char> {
    let mut has_value = false;
    let flags = argument.strip_prefix('-').unwrap_or_default().chars();
    flags.take_while(move |flag| !std::mem::replace(&mut has_value, "pFjZ".contains(*flag)))
}

/// Returns whether an argument of `--config` moves the artifacts.
fn sets_target_directory(value: &str) -> bool {
    let is_key = |key: &str| key.trim() == "build.target-dir";
    let parsed = value.parse::<Table>();
    value.split_once('=').is_some_and(|(key, _)| is_key(key))
        || parsed.is_ok_and(|table| find(&table, &["build", "target-dir"]).is_some())
}

const PACKAGE: &str = "set `package` under [service] or [client] in stateroom.toml, or use `-C DIR` before `--`";
const TARGET_DIRECTORY: &str = "set CARGO_TARGET_DIR, or `target-dir` under [build] in .cargo/config.toml";
const PROFILE: &str = "use `--profile NAME` before `--`";
const QUIET: &str = "use `-q` before `--`";
const HELP: &str = "run `cargo build --help`";
const FEATURES: &str = "use `--features` or `--client-features` before `--`: the client may have other features";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_contradict_a_build_are_refused_in_any_form() {
        for (arguments, hint) in [
            ("-pother", Some(PACKAGE)),
            ("-vp other", Some(PACKAGE)),
            ("-vvpother", Some(PACKAGE)),
            ("--package=other", Some(PACKAGE)),
            ("-vr", Some(PROFILE)),
            ("-vFx", Some(FEATURES)),
            ("-vq", Some(QUIET)),
            ("-h", Some(HELP)),
            ("-vh", Some(HELP)),
            ("--help", Some(HELP)),
            ("--target-dir x", Some(TARGET_DIRECTORY)),
            ("--config build.target-dir='x'", Some(TARGET_DIRECTORY)),
            ("--config=build.target-dir=x", Some(TARGET_DIRECTORY)),
            ("--config build={target-dir='x'}", Some(TARGET_DIRECTORY)),
            ("--config net.retry=1", None),
            ("--config", None),
            ("-vj1", None),
            ("-j", None),
            ("-Zprofile-hint-mostly-unused", None),
            ("--timings --verbose -vv", None),
        ] {
            let list: Vec<_> = arguments.split(' ').map(str::to_owned).collect();
            assert_eq!(list.first().and_then(|argument| refusal(argument, list.get(1))), hint, "{arguments}");
        }
    }
}
