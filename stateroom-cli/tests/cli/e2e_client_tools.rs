//! `[client]`, with the programs it calls: a `wasm-bindgen` of the client's version, `cargo install`, and `wasm-opt`. All three
//! are scripts that print their arguments. The compiler is real.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use crate::common::{
    directory, failure, path_with, stateroom, success, target, with_locked_versions, write, write_program,
    write_service,
};

/// The version that the client is compiled against.
const THEIRS: &str = "0.2.100";

/// A service, and a client compiled against an empty crate named wasm-bindgen. Beside them programs and a cache.
struct Project {
    files: tempfile::TempDir,
    client: String,
}

impl Project {
    /// The crates have names of their own, since all are built in one target directory at the same time.
    fn new(name: &str) -> Project {
        let package = format!("client-of-{name}");
        let files = directory(&[
            ("Cargo.toml", "[workspace]\nresolver = '3'\nmembers = ['service', 'client']\n"),
            ("stateroom.toml", &format!("[client]\npackage = '{package}'\n")),
            (
                "wasm-bindgen/Cargo.toml",
                &format!("[package]\nname = 'wasm-bindgen'\nversion = '{THEIRS}'\nedition = '2024'\n"),
            ),
            ("wasm-bindgen/src/lib.rs", ""),
            (
                "client/Cargo.toml",
                &format!(
                    "[package]\nname = '{package}'\nversion = '0.1.0'\nedition = '2024'\n\n\
                     [lib]\ncrate-type = ['cdylib']\n\n[dependencies]\nwasm-bindgen.path = '../wasm-bindgen'\n"
                ),
            ),
            ("client/src/lib.rs", ""),
        ]);
        let on_message = "context.send_message(client, message);";
        write_service(&files.path().join("service"), &format!("service-of-{name}"), "", on_message);
        with_locked_versions(files.path());
        let project = Project { files, client: package.replace('-', "_") };
        project.write_cargo("exit 9");
        write_program(&project.program("wasm-opt"), "cp \"$8\" \"${10}\"");
        project
    }

    fn program(&self, name: &str) -> PathBuf {
        self.files.path().join("bin").join(name)
    }

    /// The place of the matching program in the cache.
    fn kept(&self) -> PathBuf {
        self.cache().join(THEIRS).join("bin/wasm-bindgen")
    }

    fn cache(&self) -> PathBuf {
        self.files.path().join("cache/wasm-bindgen")
    }

    /// Writes a cargo that runs this script to install, and is the real one otherwise.
    fn write_cargo(&self, install: &str) {
        let cargo = env!("CARGO");
        let script = format!("[ \"$1\" = install ] || exec '{cargo}' \"$@\"\necho asked: \"$@\" >&2\n{install}");
        write_program(&self.program("cargo"), &script);
    }

    fn build(&self, flags: &[&str]) -> Output {
        let mut command = stateroom();
        command.args(["build", "-C"]).arg(self.files.path()).args(flags).env("CARGO_TARGET_DIR", target());
        command.env("PATH", path_with(&self.files.path().join("bin")));
        command.env("STATEROOM_CACHE_DIR", self.files.path().join("cache")).output().unwrap()
    }

    /// A file of the bound client: `.js` or `_bg.wasm`.
    fn made(&self, kind: &str) -> String {
        fs::read_to_string(self.files.path().join("dist/static/client").join(format!("{}{kind}", self.client))).unwrap()
    }
}

/// Writes a `wasm-bindgen` whose script output is this name and its arguments.
fn write_wasm_bindgen(path: &Path, version: &str, name: &str) {
    let script = format!(
        "[ \"$1\" = --version ] && echo wasm-bindgen {version} && exit\n\
         asked=\"$*\"\n\
         while [ $# -gt 0 ]; do case $1 in --out-dir) out=$2;; --out-name) name=$2;; esac; shift; done\n\
         mkdir -p \"$out\"\n\
         echo {name} \"$asked\" >\"$out/$name.js\"\n\
         printf '\\0asm\\1\\0\\0\\0\\0\\3\\1xy' >\"$out/${{name}}_bg.wasm\""
    );
    write_program(path, &script);
}

#[test]
fn binds_with_the_program_in_the_cache() {
    let project = Project::new("kept");
    write_wasm_bindgen(&project.kept(), THEIRS, "kept");
    write_wasm_bindgen(&project.program("wasm-bindgen"), THEIRS, "on-path");
    let log = success(&project.build(&[]));
    assert!(!log.contains("install") && !log.contains("WARN"), "{log}");
    let script = project.made(".js");
    assert!(script.starts_with("kept ") && script.contains(".wasm --target web --out-dir "), "{script}");
}

#[test]
fn binds_with_the_program_on_path_if_its_version_matches() {
    let project = Project::new("on-path");
    write_wasm_bindgen(&project.program("wasm-bindgen"), THEIRS, "on-path");
    let log = success(&project.build(&[]));
    assert!(!log.contains("install"), "{log}");
    assert!(project.made(".js").starts_with("on-path "));
    assert!(!project.cache().exists());

    write_wasm_bindgen(&project.program("wasm-bindgen"), "0.2.10", "on-path");
    let log = failure(&project.build(&[]));
    assert!(log.contains("asked: install wasm-bindgen-cli"), "{log}");
}

#[test]
fn installs_the_program_once_and_announces_it() {
    let project = Project::new("brought");
    write_wasm_bindgen(&project.program("to-be-installed"), THEIRS, "installed");
    write(&project.cache().join(".unfinished-x/root/bin/wasm-bindgen"), "of a killed process");
    let made = project.program("to-be-installed");
    project.write_cargo(&format!(
        "while [ $# -gt 0 ]; do case $1 in --root) root=$2;; esac; shift; done\n\
         mkdir -p \"$root/bin\" && cp '{}' \"$root/bin/wasm-bindgen\"",
        made.display()
    ));
    let log = success(&project.build(&[]));
    let announced = format!(
        "installing wasm-bindgen-cli {THEIRS}, the version the client is compiled against, into `{}`: once per version, \
         takes a few minutes",
        project.cache().join(THEIRS).display()
    );
    let (before, after) = log.split_once(&announced).unwrap_or_else(|| panic!("{log}"));
    let asked = format!(
        "asked: install wasm-bindgen-cli --bin wasm-bindgen --no-default-features --version={THEIRS} --locked --root "
    );
    assert!(!before.contains("asked:") && after.contains(&asked) && !after.contains("--quiet"), "{log}");
    assert_eq!(after.matches("asked:").count(), 1, "{log}");
    assert!(project.made(".js").starts_with("installed "));
    assert_eq!(left(&project.cache()), [".lock", THEIRS]);

    project.write_cargo("exit 9");
    let log = success(&project.build(&[]));
    assert!(!log.contains("install"), "{log}");
    assert!(project.made(".js").starts_with("installed "));
}

#[test]
fn a_failed_installation_names_the_remedies() {
    let project = Project::new("offline");
    project.write_cargo("echo no network >&2; exit 101");
    let log = failure(&project.build(&["-q"]));
    assert!(log.contains("--quiet") && log.contains("no network"), "{log}");
    let expected = format!(
        "error: failed to install wasm-bindgen-cli {THEIRS}, the version the client is compiled against\n  \
         hint: put `wasm-bindgen` {THEIRS} on PATH. With network access: \
         `cargo install wasm-bindgen-cli --version {THEIRS} --locked`. To use another version that is installed, \
         depend on it: `wasm-bindgen = \"=VERSION\"` in the client's Cargo.toml\n  \
         caused by: `cargo install` failed; its output is above\n"
    );
    let attempts = log.lines().filter(|line| line.starts_with("asked: install")).map(|line| line.contains("--locked"));
    assert_eq!(attempts.collect::<Vec<_>>(), [true, false], "a mirror may lack a locked version: {log}");
    assert!(log.ends_with(&expected), "{log}");
    assert_eq!(left(&project.cache()), [".lock"]);
}

#[test]
fn reports_the_output_of_a_program_that_fails() {
    let project = Project::new("failing");
    write_program(&project.kept(), "echo error: no such import >&2; exit 1");
    let log = failure(&project.build(&[]));
    assert!(log.contains("failed to bind `") && log.ends_with("caused by: error: no such import\n"), "{log}");
}

#[test]
fn wasm_opt_shrinks_the_client_and_logs_both_sizes() {
    let project = Project::new("wasm-opt");
    write_wasm_bindgen(&project.kept(), THEIRS, "kept");
    let script = "while [ $# -gt 1 ]; do shift; done\nprintf '\\0asm\\1\\0\\0\\0' >\"$1\"";
    write_program(&project.program("wasm-opt"), script);
    let log = success(&project.build(&[]));
    assert!(log.contains("INFO wasm-opt reduced the client's module from 13 to 8 bytes"), "{log}");
    assert_eq!(project.made("_bg.wasm"), "\0asm\u{1}\0\0\0");
}

#[test]
fn a_failure_of_wasm_opt_leaves_the_client_as_it_was() {
    let project = Project::new("failing-wasm-opt");
    write_wasm_bindgen(&project.kept(), THEIRS, "kept");
    write_program(
        &project.program("wasm-opt"),
        "while [ $# -gt 1 ]; do shift; done\nprintf half >\"$1\"\n\
         printf '\\n[parse exception: no]\\nFatal: more\\n' >&2; exit 1",
    );
    let log = success(&project.build(&[]));
    let warned = "WARN wasm-opt failed, so the client is not optimized: [parse exception: no]\n";
    assert!(log.contains(warned) && !log.contains("Fatal"), "{log}");
    assert_eq!(project.made("_bg.wasm").len(), 13);
    assert_eq!(left(&project.files.path().join("dist/static/client")).len(), 2);
}

/// The names in a directory.
fn left(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
