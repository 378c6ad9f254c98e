//! `stateroom doctor`, with scripts in place of the programs of a toolchain.
use std::process::Command;

use serde_json::Value;
use snapbox::{IntoData, str};

use crate::common::{directory, stateroom, write, write_program};

/// A machine with these programs only, and a directory to run the command in.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Machine {
        let machine = Machine(directory(&[("here/.keep", ""), ("sysroot/.keep", "")]));
        machine.program("cargo", "echo cargo 1.95.0");
        machine.program("rustup", "echo 'rustup 1.29.0 (28d1352db 2026-03-05)'");
        machine.rustc("1.95.0", "wasm32-wasip1");
        machine
    }

    fn program(&self, name: &str, script: &str) {
        write_program(&self.0.path().join("bin").join(name), script);
    }

    /// Adds a compiler of a version, with a target.
    fn rustc(&self, version: &str, target: &str) {
        let sysroot = self.0.path().join("sysroot");
        self.program(
            "rustc",
            &format!(
                "case \"$*\" in\n--version) echo 'rustc {version} (x)' ;;\n*{target}*) echo '{}' ;;\n*) exit 1 ;;\nesac",
                sysroot.display()
            ),
        );
    }

    fn doctor(&self) -> Command {
        let mut command = stateroom();
        command.args(["doctor"]).current_dir(self.0.path().join("here")).env("PATH", self.0.path().join("bin"));
        // Any free one.
        command.env_remove("RUSTC").env("STATEROOM_PORT", "0");
        command.env("STATEROOM_CACHE_DIR", self.0.path().join("cache"));
        command
    }

    fn finds(&self, code: i32, stdout: impl IntoData, stderr: impl IntoData) {
        let command = snapbox::cmd::Command::from_std(self.doctor());
        command.assert().code(code).stdout_eq(stdout).stderr_eq(stderr);
    }
}

#[test]
fn a_complete_setup() {
    Machine::new().finds(
        0,
        str![[r#"
ok       cargo                   1.95.0
ok       rustc                   1.95.0
ok       rustup                  1.29.0
ok       wasm32-wasip1           installed
warning  wasm32-unknown-unknown  not installed: the first build installs it
                                 fix: rustup target add wasm32-unknown-unknown
ok       project                 [..]/here has none: there is no Cargo.toml
ok       settings                the environment and stateroom.toml are valid
ok       build                   cargo build --lib --target wasm32-wasip1 --profile release
ok       wasm-bindgen            not needed: this crate has no client
ok       port                    0.0.0.0:0 is free
...
ok       cache                   [..]/cache, 0 B

"#]],
        "",
    );
}

#[test]
fn no_rustup_and_an_old_compiler() {
    let machine = Machine::new();
    std::fs::remove_file(machine.0.path().join("bin/rustup")).unwrap();
    machine.rustc("1.80.0", "wasm32-unknown-unknown");
    machine.finds(
        1,
        str![[r#"
ok       cargo                   1.95.0
problem  rustc                   1.80.0 is too old: services require 1.85.0
                                 fix: rustup update
warning  rustup                  not found: missing targets are not installed automatically
                                 fix: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
problem  wasm32-wasip1           not installed, and rustup is missing
                                 fix: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
ok       wasm32-unknown-unknown  installed
...
"#]],
        "error: 2 checks failed\n",
    );
}

#[test]
fn invalid_settings_and_a_client_with_another_wasm_bindgen() {
    let machine = Machine::new();
    let here = machine.0.path().join("here");
    write(&here.join("stateroom.toml"), "prot = 80\n");
    machine.finds(
        1,
        str![[r#"
...
problem  settings                invalid `stateroom.toml`: TOML parse error at line 1, column 1; unknown key `prot`: did you mean `port`?
                                 fix: stateroom config
...
"#]],
        "error: 1 check failed\n",
    );

    write(&here.join("stateroom.toml"), "[client]\npackage = \"c\"\n");
    write(&here.join("Cargo.toml"), "");
    write(&here.join("Cargo.lock"), "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.1\"\n");
    let warning = str![[r#"
...
warning  wasm-bindgen            0.2.1, the client's version, is not installed: the first build installs it, which takes a few minutes
                                 fix: cargo install wasm-bindgen-cli --version 0.2.1 --locked
...
"#]];
    machine.finds(0, warning, "");

    machine.program("wasm-bindgen", "echo wasm-bindgen 0.2.1");
    let fine = str![[r#"
...
ok       wasm-bindgen            0.2.1, the client's version, is installed
...
"#]];
    machine.finds(0, fine, "");
}

#[test]
fn json_keys_are_stable() {
    let machine = Machine::new();
    machine.program("cargo", "echo 'error: no toolchain' >&2; exit 1");
    let output = machine.doctor().arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["problems"], 1);
    assert!(report["warnings"].is_u64());
    let cargo = &report["checks"][0];
    assert_eq!((&cargo["name"], &cargo["status"]), (&"cargo".into(), &"problem".into()));
    assert_eq!(cargo["found"], "failed to run: error: no toolchain");
    assert_eq!(cargo["fix"], "rustup toolchain install");
}
