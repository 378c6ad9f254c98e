//! `stateroom doctor`, with the programs of a toolchain: scripts that say what they are asked.
use std::process::Command;

use serde_json::Value;
use snapbox::{IntoData, str};

use crate::common::{directory, stateroom, write, write_program};

/// A machine with these programs and none else, and a directory to call the command in.
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

    /// A compiler of a version, with a target.
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
        // Any that is free.
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
fn a_machine_that_has_what_it_takes() {
    Machine::new().finds(
        0,
        str![[r#"
ok       cargo                   1.95.0
ok       rustc                   1.95.0
ok       rustup                  1.29.0
ok       wasm32-wasip1           installed
warning  wasm32-unknown-unknown  not installed: the first build that needs it does so
                                 fix: rustup target add wasm32-unknown-unknown
ok       settings                the environment and stateroom.toml can be used
ok       wasm-bindgen            not needed: there is no client here
ok       port                    0.0.0.0:0 is free
...
ok       cache                   [..]/cache, 0 bytes

"#]],
        "",
    );
}

#[test]
fn a_machine_without_rustup_and_with_an_old_compiler() {
    let machine = Machine::new();
    std::fs::remove_file(machine.0.path().join("bin/rustup")).unwrap();
    machine.rustc("1.80.0", "wasm32-unknown-unknown");
    machine.finds(
        1,
        str![[r#"
ok       cargo                   1.95.0
problem  rustc                   1.80.0; a service needs 1.85.0 or later
                                 fix: rustup update
warning  rustup                  not found: missing targets have to be installed by hand
                                 fix: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
problem  wasm32-wasip1           not installed, and there is no rustup to do so
                                 fix: rustup target add wasm32-wasip1
ok       wasm32-unknown-unknown  installed
...
"#]],
        "error: there are 2 problems\n",
    );
}

#[test]
fn settings_that_cannot_be_read_and_a_client_of_another_version() {
    let machine = Machine::new();
    let here = machine.0.path().join("here");
    write(&here.join("stateroom.toml"), "prot = 80\n");
    machine.finds(
        1,
        str![[r#"
...
problem  settings                `stateroom.toml` cannot be used: TOML parse error at line 1, column 1; unknown key `prot`: did you mean `port`?
                                 fix: stateroom config
...
"#]],
        "error: there is a problem\n",
    );

    write(&here.join("stateroom.toml"), "[client]\npackage = \"c\"\n");
    write(&here.join("Cargo.toml"), "");
    write(&here.join("Cargo.lock"), "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.1\"\n");
    let warning = str![[r#"
...
warning  wasm-bindgen            0.2.1, the client's version, is not installed: the first build does so, which takes a few minutes
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
fn the_names_in_the_json_stay() {
    let machine = Machine::new();
    machine.program("cargo", "echo 'error: no toolchain' >&2; exit 1");
    let output = machine.doctor().arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["problems"], 1);
    assert!(report["warnings"].is_u64());
    let cargo = &report["checks"][0];
    assert_eq!((&cargo["name"], &cargo["status"]), (&"cargo".into(), &"problem".into()));
    assert_eq!(cargo["found"], "it does not tell its version: error: no toolchain");
    assert_eq!(cargo["fix"], "rustup toolchain install");
}
